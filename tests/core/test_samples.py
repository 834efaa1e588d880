"""What the bundled model says of the drawn samples: damage that anybody sees never passes, however it is laid."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from steel_defect.decision import Decision
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from tests.conftest import SAMPLES
from tests.pictures import encoded, gray

DAMAGED = ("crack", "pits", "scale-patch", "scratch")


@pytest.fixture(scope="module")
def bundled() -> Scorer:
    return Scorer(BUNDLED_MODEL)


@pytest.mark.parametrize("name", DAMAGED)
def test_drawn_damage_never_passes(bundled: Scorer, name: str) -> None:
    assert bundled.score((SAMPLES / f"{name}.jpg").read_bytes()).decision is not Decision.PASS


@pytest.mark.parametrize("name", ["clean-dark-edge", "clean-water-stain"])
def test_a_clean_sample_passes(bundled: Scorer, name: str) -> None:
    assert bundled.score((SAMPLES / f"{name}.jpg").read_bytes()).decision is Decision.PASS


@pytest.mark.parametrize("laid", ["turned", "letterboxed", "in a long line"])
def test_a_scratch_does_not_pass_however_it_is_laid(bundled: Scorer, laid: str) -> None:
    scratch, clean = (
        np.asarray(Image.open(SAMPLES / f"{name}.jpg").convert("L")) for name in ("scratch", "clean-water-stain")
    )
    pixels = {
        "turned": np.rot90(scratch),
        "letterboxed": np.pad(scratch, ((672, 672), (0, 0))),
        "in a long line": np.hstack([clean, clean, scratch, clean]),
    }[laid]
    found = bundled.score(encoded(gray(np.ascontiguousarray(pixels))))
    assert found.decision is not Decision.PASS
    assert found.defects.count
