"""Two model files on the same pictures: differences and decisions worked by hand, bounds kept or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec
from steel_defect_trainer.exporting.agreement import Agreement, compare
from steel_defect_trainer.exporting.timing import costs
from steel_defect_trainer.strips import StripSet
from tests.probe_model import CONTRACT, probe_model

if TYPE_CHECKING:
    from pathlib import Path

SPEC = InputSpec(height=32, width=32)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The probe model, whose answer is the mean gray, and one that takes 250 for white."""
    one, other = tmp_path / "one.onnx", tmp_path / "other.onnx"
    model = probe_model(replace(CONTRACT, input=SPEC))
    one.write_bytes(model)
    white, less = (np.float32(value).tobytes() for value in (255, 250))
    assert model.count(white) == 1
    other.write_bytes(model.replace(white, less))
    return one, other


def _strips(*grays: int) -> StripSet:
    pixels = np.array(grays, np.uint8)[:, None, None].repeat(32, axis=1).repeat(32, axis=2)
    names = tuple(f"{gray}.png" for gray in grays)
    classes = (np.array(grays) > 100).astype(np.float32)[:, None]
    cells, masks = (np.zeros((len(grays), 1, side, side), np.int8) for side in (1, 8))
    return StripSet(pixels, classes, cells, masks, names, names, "-")


def test_differences_and_decisions_by_hand(files: tuple[Path, Path]) -> None:
    # Band from 0.25 to 0.75, threshold at 0.5: with 250 for white 63 and 126 cross a bound, 20 and 220 do not.
    found = compare(*files, _strips(20, 63, 126, 220))
    assert found.pictures == 4
    assert found.roc_auc == pytest.approx((1, 1))
    assert found.largest_difference == pytest.approx(220 / 250 - 220 / 255, abs=1e-6)
    assert found.mean_difference == pytest.approx((20 + 63 + 126 + 220) / 4 * (1 / 250 - 1 / 255), abs=1e-6)
    assert found.equal_decisions == 0.75
    assert found.equal_statuses == 0.75
    assert [name for name, _, _ in found.furthest] == ["220.png", "126.png", "63.png"]
    assert found.furthest[0][1:] == pytest.approx((220 / 255, 220 / 250))
    assert not found.holds


def test_a_file_agrees_with_itself_even_on_pictures_of_one_kind(files: tuple[Path, Path]) -> None:
    found = compare(files[0], files[0], _strips(120, 130))
    assert found.equal_decisions == found.equal_statuses == 1
    assert found.largest_difference == 0
    assert np.isnan(found.roc_auc).all()
    assert found.holds


@pytest.mark.parametrize(
    ("auc", "equal", "holds"), [(0.8981, 0.99, True), (0.8979, 1.0, False), (0.9021, 1.0, False), (0.9, 0.98, False)]
)
def test_bounds(auc: float, equal: float, holds: bool) -> None:  # noqa: FBT001 - what is expected
    assert Agreement(100, (0.9, auc), 0.1, 0.01, equal, 1.0, ()).holds == holds


@pytest.mark.parametrize(("dice", "holds"), [(0.491, True), (0.489, False), (0.511, False)])
def test_masks_that_fit_otherwise_break_a_bound(dice: float, holds: bool) -> None:  # noqa: FBT001 - what is expected
    assert Agreement(100, (0.9, 0.9), 0.1, 0.01, 1.0, 1.0, (), (0.5, dice)).holds == holds


def test_costs_are_of_each_file(files: tuple[Path, Path]) -> None:
    found = costs(files, np.zeros((32, 32), np.uint8), rounds=5)
    assert [cost.size_bytes for cost in found] == [path.stat().st_size for path in files]
    assert all(0 < cost.least_ms <= cost.median_ms for cost in found)
