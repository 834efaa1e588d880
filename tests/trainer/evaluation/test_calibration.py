"""Thresholds, calibration and the review band, against brute force and cases with a known answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steel_defect_trainer.bundling import severstal_share
from steel_defect_trainer.errors import RecallFloorUnmet
from steel_defect_trainer.evaluation.calibration import (
    Calibration,
    calibrate,
    count_decisions,
    cross_entropy,
    review_band,
    sigmoid,
    temperature,
)
from steel_defect_trainer.evaluation.scan import best_f1, best_precision, scan_thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Probabilities on and beside the steps of the scan, both kinds of pictures.
BOTH_KINDS = st.lists(
    st.tuples(st.one_of(st.integers(0, 100).map(lambda k: k / 100), st.floats(0, 1)), st.booleans()),
    min_size=2,
    max_size=30,
).filter(lambda pictures: len({truth for _, truth in pictures}) == 2)


def columns(pictures: list[tuple[float, bool]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probabilities, truth = zip(*pictures, strict=True)
    return np.array(probabilities, np.float64), np.array(truth)


def counted(pictures: list[tuple[float, bool]], threshold: float) -> tuple[int, int, int]:
    """True positives, false positives, false negatives, one picture after the other."""
    outcomes = [(probability >= threshold, truth) for probability, truth in pictures]
    return outcomes.count((True, True)), outcomes.count((True, False)), outcomes.count((False, True))


@settings(deadline=None)
@given(BOTH_KINDS)
def test_best_f1_is_that_of_trying_every_threshold(pictures: list[tuple[float, bool]]) -> None:
    def f1(threshold: float) -> float:
        hits, alarms, misses = counted(pictures, threshold)
        return 2 * hits / (2 * hits + alarms + misses)

    chosen = best_f1(scan_thresholds(*columns(pictures)))
    assert f1(chosen) == pytest.approx(max(f1(k / 100) for k in range(101)))


@settings(deadline=None)
@given(BOTH_KINDS, st.integers(1, 100))
def test_best_precision_is_that_of_trying_every_threshold_above_the_floor(
    pictures: list[tuple[float, bool]], percent: int
) -> None:
    clean = sum(not truth for _, truth in pictures)
    tried = [
        hits / (hits + alarms)
        for hits, alarms, misses in (counted(pictures, k / 100) for k in range(101))
        if 100 * hits >= percent * (hits + misses) and alarms < clean
    ]
    scan = scan_thresholds(*columns(pictures))
    if not tried:
        with pytest.raises(RecallFloorUnmet):
            best_precision(scan, percent / 100)
        return
    hits, alarms, misses = counted(pictures, best_precision(scan, percent / 100))
    assert 100 * hits >= percent * (hits + misses)
    assert hits / (hits + alarms) == pytest.approx(max(tried))


@settings(deadline=None)
@given(BOTH_KINDS, st.data())
def test_weights_count_as_repeated_pictures(pictures: list[tuple[float, bool]], data: st.DataObject) -> None:
    probabilities, truth = columns(pictures)
    times = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(truth), max_size=len(truth))))
    weighted = scan_thresholds(probabilities, truth, times.astype(np.float64))
    repeated = scan_thresholds(np.repeat(probabilities, times), np.repeat(truth, times))
    for name in ("precision", "recall", "f1", "false_alarms"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name))


def test_of_equal_thresholds_the_middle_of_the_widest_run_is_taken() -> None:
    # F1 is 1 from 0.21 to 0.60.
    scan = scan_thresholds(np.array([0.1, 0.205, 0.6, 0.8]), np.array([False, False, True, True]))
    assert best_f1(scan) == 0.40
    assert best_precision(scan, 0.9) == 0.40
    # Half the defects suffice: precision is 1 up to 0.80.
    assert best_precision(scan, 0.5) == 0.50


def test_a_floor_that_only_calling_everything_meets_is_refused_with_what_can_be_had() -> None:
    probabilities = np.array([0.001, 0.5, 0.9, 0.3])
    scan = scan_thresholds(probabilities, np.array([True, True, True, False]))
    with pytest.raises(RecallFloorUnmet, match=r"a recall of 0.98 is .* is 0.6667, at threshold 0.31"):
        best_precision(scan, 0.98)
    hopeless = scan_thresholds(np.array([0.001, 0.9]), np.array([True, False]))
    with pytest.raises(RecallFloorUnmet, match="no threshold separates the pictures"):
        best_precision(hopeless, 0.5)


def drawn(
    rng: np.random.Generator, count: int, share: float, scale: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Logits whose log-odds of a defect are `scale` times themselves where half of the pictures are defects."""
    truth = rng.random(count) < share
    return (2 * truth - 1 + rng.normal(0, np.sqrt(2 / scale), count)).astype(np.float64), truth


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_temperature_finds_the_scale_of_the_logits(scale: float) -> None:
    logits, truth = drawn(np.random.default_rng(0), 20_000, 0.5, scale)
    assert temperature(logits, truth) == pytest.approx(scale, rel=0.05)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_no_other_temperature_is_likelier(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, truth = drawn(rng, 60, 0.5, float(rng.uniform(0.5, 3)))
    found = temperature(logits, truth)
    least = cross_entropy(found * logits, truth).mean()
    for other in np.geomspace(0.05, 20, 200):
        assert least <= cross_entropy(other * logits, truth).mean() + 1e-9


def test_temperature_stays_finite_where_nothing_is_wrong_and_where_everything_is() -> None:
    truth = np.array([False, True])
    assert temperature(np.array([-1.0, 1.0]), truth) == pytest.approx(20, rel=1e-3)
    assert temperature(np.array([1.0, -1.0]), truth) == pytest.approx(0.05, rel=1e-3)


def test_far_logits_overflow_nothing() -> None:
    far = np.array([-1e6, 0, 1e6])
    assert sigmoid(far).tolist() == [0, 0.5, 1]
    assert cross_entropy(far, np.array([True, True, False])).tolist() == [1e6, pytest.approx(math.log(2)), 1e6]


@settings(deadline=None)
@given(BOTH_KINDS)
def test_the_band_holds_what_it_promises_by_the_rule_of_the_scorer(pictures: list[tuple[float, bool]]) -> None:
    probabilities, truth = columns(pictures)
    low, high = review_band(probabilities, truth)
    for computed in (probabilities, probabilities.astype(np.float32).astype(np.float64)):
        assert (computed[truth] < low).sum() <= 0.05 * truth.sum()
        if high < 1:  # a model that is sure of more than 10 % false alarms leaves nothing above
            assert (computed[~truth] >= high).sum() <= 0.10 * (~truth).sum()
    assert low == round(low, 4)
    assert high == round(high, 4)


def test_the_band_is_no_wider_than_it_must_be() -> None:
    probabilities = np.concatenate([np.arange(1, 101) / 1000 + 0.5, np.arange(1, 101) / 1000])
    low, high = review_band(probabilities, np.arange(200) < 100)
    # 5 of 100 defects lie below 0.506; the 10 highest of 100 clean pictures begin at 0.091.
    assert (low, high) == (0.5059, 0.0901)


def test_a_bound_is_not_rounded_into_the_band() -> None:
    # 0.123456 rounds to 0.1235, which would let the only defect pass; 0.654321 to 0.6543, rejecting the clean picture.
    assert review_band(np.array([0.123456, 0.654321]), np.array([True, False])) == (0.1234, 0.6544)


def test_the_decision_for_a_picture_changes_at_the_bound_itself() -> None:
    probabilities, truth = np.array([0.1, 0.2, 0.5, 0.8, 0.9]), np.array([True, False, True, True, False])
    assert count_decisions(probabilities, truth, 0.2, 0.8) == {
        "pass": {"defect": 1, "clean": 0},
        "review": {"defect": 1, "clean": 1},
        "reject": {"defect": 1, "clean": 1},
    }
    assert count_decisions(probabilities, truth, 0.5, 0.5) == {
        "pass": {"defect": 1, "clean": 1},
        "review": {"defect": 0, "clean": 0},
        "reject": {"defect": 2, "clean": 1},
    }


def test_calibration_by_temperature() -> None:
    logits, truth = drawn(np.random.default_rng(1), 4000, 0.5, 2)
    calibration = calibrate(logits, truth)
    probabilities = calibration.probabilities(logits)
    assert calibration.scale == pytest.approx(2, rel=0.1)
    assert calibration.offset == 0
    assert calibration.threshold == best_f1(scan_thresholds(probabilities, truth))
    assert calibration.review_low < calibration.threshold < calibration.review_high
    assert (probabilities[truth] < calibration.review_low).mean() <= 0.05
    assert (probabilities[~truth] >= calibration.review_high).mean() <= 0.10
    assert calibrate(logits, truth, threshold=0.05) == Calibration(
        calibration.scale, 0, 0.05, 0.05, calibration.review_high
    )
    careful = calibrate(logits, truth, recall_floor=0.99)
    assert (probabilities[truth] >= careful.threshold).mean() >= 0.99
    assert (probabilities[truth] >= careful.threshold + 0.02).mean() < 0.99


def test_calibration_is_calibrated_to_the_share_of_all_severstal() -> None:
    logits, truth = drawn(np.random.default_rng(1), 4000, 0.8, 2)
    calibration = severstal_share.calibrate_as_severstal(logits, truth)
    weights = severstal_share.weights_for_share(truth)
    probabilities = calibration.probabilities(logits)
    assert calibration.scale == pytest.approx(2, rel=0.1)
    assert np.average(probabilities, weights=weights) == pytest.approx(6666 / 12568, abs=0.01)
    assert calibration.review_low <= calibration.threshold <= calibration.review_high


@pytest.mark.parametrize("value", [True, False])
def test_pictures_of_one_kind_decide_nothing(*, value: bool) -> None:
    with pytest.raises(ValueError, match="with a defect and without"):
        calibrate(np.zeros(3), np.full(3, value))
