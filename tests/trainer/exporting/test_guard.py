"""The guard that a model file carries: familiar pictures stay below its limits, others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.exporting.guard import Familiar, frame_of, write_guard
from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.exporting.novelty import features_of, fit_novelty
from tests.pictures import encoded, gray
from tests.probe_model import probe_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def strips(count: int, seed: int) -> NDArray[np.uint8]:
    """Shaded noise, the kind that is familiar here."""
    rng = np.random.default_rng(seed)
    shades = np.linspace(60, 160, 800) + rng.normal(0, 10, (count, 1, 1))
    return np.clip(shades + rng.normal(0, 8, (count, 128, 800)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guard") / "model.onnx"
    path.write_bytes(BUNDLED_MODEL.read_bytes())
    known = strips(60, 0)
    write_guard(
        path, Familiar(known, [str(index // 4) for index in range(60)], [(1600, 256)] * 60), Scorer(path).contract.input
    )
    return path


def test_pictures_of_the_same_kind_are_familiar_and_others_are_not(guarded: Path) -> None:
    scorer = Scorer(guarded)
    same = [scorer.score(encoded(gray(one))) for one in strips(20, 1)]
    assert sum(bool(found.reasons) for found in same) <= 1
    chessboard = (np.indices((128, 800)).sum(axis=0) // 16) % 2 * 120 + 60
    assert "unfamiliar" in scorer.score(encoded(gray(chessboard))).reasons


def test_the_scores_do_not_change(guarded: Path) -> None:
    picture = encoded(gray(strips(1, 2)[0]))
    before, after = Scorer(BUNDLED_MODEL).score(picture), Scorer(guarded).score(picture)
    assert after.defect_prob == before.defect_prob
    assert after.class_prob == before.class_prob


def test_the_file_states_frame_and_guard(guarded: Path) -> None:
    contract = read_contract(guarded)
    assert contract.frame is not None
    assert (contract.frame.width, contract.frame.height, contract.frame.smallest) == (1600, 256, 0.5)
    assert contract.guard is not None
    assert 0.99 < contract.guard.unfamiliar < 1


def test_a_second_guard_takes_the_place_of_the_first(guarded: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.onnx"
    again.write_bytes(guarded.read_bytes())
    known = strips(60, 0)
    familiar = Familiar(known, [str(index // 4) for index in range(60)], [(1600, 256)] * 60)
    write_guard(again, familiar, Scorer(again).contract.input)
    assert again.read_bytes() == guarded.read_bytes()


def test_few_pictures_guard_the_grays_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(probe_model())
    write_guard(path, Familiar(strips(10, 0), ["a"] * 10, [(800, 128)] * 10), Scorer(path).contract.input)
    assert "fewer than 40" in capsys.readouterr().err
    assert Scorer(path).score(encoded(gray(np.zeros((128, 800))))).reasons == ("dark", "flat")


def test_a_graph_without_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(probe_model())
    with pytest.raises(ExportError, match="no features"):
        features_of(path, strips(1, 0))


def test_the_limit_lets_nearly_all_pictures_through_that_nobody_learned_from() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(8, 200))
    fitted = fit_novelty(rng.normal(size=(120, 8)) @ mixing + 0.1 * rng.normal(size=(120, 200)), ["a"] * 120)
    fresh = fitted.gaussian.log_distance(rng.normal(size=(2000, 8)) @ mixing + 0.1 * rng.normal(size=(2000, 200)))
    far = (fresh - fitted.mean) / fitted.deviation
    assert np.mean(far > 2.5) < 0.03


def test_the_frame_is_the_middle_one() -> None:
    frame = frame_of([(1000, 500), (1200, 500), (900, 600)])
    assert (frame.width, frame.height, frame.aspects) == (1000, 500, (1.5, 2.4))
    assert (frame.smallest, frame.largest) == (0.5, 1.5)
