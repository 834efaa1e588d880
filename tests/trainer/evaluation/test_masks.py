"""Figures of masks against counting by hand, and the rule that is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect_trainer.errors import PredictionsError
from steel_defect_trainer.evaluation.masks import MaskRule, choose_rule, measure_masks
from steel_defect_trainer.runs.mask_counts import MaskCounts, count_masks

if TYPE_CHECKING:
    from pathlib import Path


def _counted(pictures: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> MaskCounts:
    counted = [count_masks(*picture) for picture in pictures]
    names = tuple(f"{index}.png" for index in range(len(pictures)))
    return MaskCounts(names, *(np.stack(values) for values in zip(*counted, strict=True)))


def _picture(found: slice, true: slice | None, number: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two classes on 10 x 10 fields; class `number` is found with 0.8 in some rows, and true in others."""
    probabilities, masks, classes = np.full((2, 10, 10), 0.05, np.float32), np.zeros((2, 10, 10), np.int8), np.zeros(2)
    probabilities[number, found] = 0.8
    if true is not None:
        masks[number, true], classes[number] = 100, 1
    return probabilities, masks, classes.astype(np.float32)


def test_counts_of_a_mask_are_in_pixels_at_each_threshold() -> None:
    predicted, overlap, true = count_masks(*_picture(np.s_[0:4], np.s_[2:4]))
    assert true.tolist() == [320, 0, 320]
    assert predicted[:, 0].tolist() == [1600, 1600, 1600]
    assert predicted[:, 50].tolist() == [640, 0, 640]
    assert overlap[:, 50].tolist() == [320, 0, 320]
    assert predicted[0, [5, 6, 79, 80, 81]].tolist() == [1600, 640, 640, 640, 0]


def test_half_a_damaged_field_counts_half_and_what_a_picture_does_not_fill_not_at_all() -> None:
    probabilities, masks, classes = _picture(np.s_[0:4], np.s_[2:4])
    masks[0, 2:4] = 50
    masks[:, :, 5:] = -1
    predicted, overlap, true = count_masks(probabilities, masks, classes)
    assert (true[0], predicted[0, 50], overlap[0, 50]) == (80, 320, 80)


def test_a_class_that_is_somewhere_unknown_has_no_true_area() -> None:
    probabilities, masks, _ = _picture(np.s_[0:4], None)
    _, _, true = count_masks(probabilities, masks, np.array([1, 0], np.float32))
    assert np.isnan(true).tolist() == [True, False, True]
    masks[0] = -1
    _, _, true = count_masks(probabilities, masks, np.array([1, 0], np.float32))
    assert np.isnan(true).tolist() == [True, False, True]


def test_dice_iou_and_kaggles_mean_by_hand() -> None:
    counts = _counted([
        _picture(np.s_[0:4], np.s_[2:4]),  # Dice 2 * 20 / (40 + 20) = 2/3, IoU 1/2
        _picture(np.s_[0:2], np.s_[0:2], number=1),  # 1
        _picture(np.s_[0:2], None),  # a false alarm
        _picture(np.s_[0:0], None),
    ])  # fmt: skip
    found = measure_masks(counts, np.ones((4, 2)), MaskRule(0.5, 0, 0.0))
    assert found.pictures == 2
    assert found.dice.value == pytest.approx((2 / 3 + 1) / 2)
    assert found.iou.value == pytest.approx((1 / 2 + 1) / 2)
    assert [interval.value for interval in found.class_dice] == pytest.approx([2 / 3, 1])
    # Of eight, five are right to be empty, one is shown although there is nothing.
    assert found.kaggle_dice.value == pytest.approx((2 / 3 + 1 + 5 + 0) / 8)
    assert found.kaggle_dice.low < found.kaggle_dice.value < found.kaggle_dice.high
    # What the picture as a whole does not show is left empty.
    whole = np.array([[1.0, 0], [0, 1], [0.2, 0], [0, 0]])
    gated = measure_masks(counts, whole, MaskRule(0.5, 0, 0.5))
    assert gated.kaggle_dice.value == pytest.approx((2 / 3 + 1 + 6) / 8)
    assert gated.dice == found.dice


def test_pictures_whose_masks_are_not_known_count_only_where_they_are() -> None:
    known, unknown = _picture(np.s_[0:4], np.s_[0:4]), _picture(np.s_[0:4], None)
    counts = _counted([known, (*unknown[:2], np.array([1, 0], np.float32))])
    found = measure_masks(counts, np.ones((2, 2)), MaskRule(0.5, 0, 0.0))
    assert (found.pictures, found.dice.value, found.kaggle_dice.value) == (1, 1, 1)


def test_the_rule_takes_the_threshold_with_the_best_dice_and_leaves_false_alarms_out() -> None:
    right, alarm = _picture(np.s_[0:4], np.s_[0:4]), _picture(np.s_[0:1], None)
    counts = _counted([right, right, alarm, alarm])
    rule = choose_rule(counts, np.array([[0.9, 0], [0.9, 0], [0.3, 0], [0.3, 0]]))
    assert rule is not None
    assert 0.05 < rule.threshold <= 0.8
    assert measure_masks(counts, np.ones((4, 2)), rule).dice.value == 1
    assert rule.least_area >= 160 or 0.3 < rule.least_probability <= 0.9
    assert choose_rule(_counted([alarm, alarm]), np.ones((2, 2))) is None


def test_counts_come_back_from_their_file_and_damage_is_named(tmp_path: Path) -> None:
    counts = _counted([_picture(np.s_[0:4], np.s_[2:4])])
    path = tmp_path / "masks.npz"
    counts.save(path)
    read = MaskCounts.load(path)
    assert read.names == counts.names
    assert all(np.array_equal(getattr(read, name), getattr(counts, name)) for name in ("predicted", "overlap", "true"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PredictionsError, match=r"masks\.npz cannot be read"):
        MaskCounts.load(path)
