"""The statistics of a picture: what numpy says of the same pixels, wherever they are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect.statistics import histogram, statistics_of
from tests.pictures import encoded, gray
from tests.requests_table import predict

if TYPE_CHECKING:
    from steel_defect.scorer import Scorer
    from tests.transports import Transport


def test_they_are_those_of_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (128, 800), dtype=np.uint8)
    found = statistics_of(histogram(pixels))
    assert found.mean == pytest.approx(pixels.mean(), abs=1e-3)
    assert found.contrast == pytest.approx(pixels.std(), abs=1e-3)
    assert found.dark_share == pytest.approx((pixels < 16).mean(), abs=1e-5)


def test_padding_is_no_part_of_the_picture(probe: Scorer) -> None:
    found = probe.score(encoded(Image.new("L", (256, 256), 100))).statistics
    assert (found.mean, found.contrast, found.dark_share) == (100, 0, 0)


@pytest.mark.parametrize(("value", "share"), [(15, 1), (16, 0)])
def test_dark_ends_below_16(probe: Scorer, value: int, share: int) -> None:
    assert probe.score(encoded(Image.new("L", (800, 128), value))).statistics.dark_share == share


def test_an_answer_tells_them(transport: Transport) -> None:
    half = np.repeat([[0, 200]], 400, axis=1).repeat(128, axis=0)
    answer = json.loads(transport.send(predict(encoded(gray(half)))).body)
    assert answer["statistics"] == {"mean": 100.0, "contrast": 100.0, "dark_share": 0.5}
