"""Thresholds, calibration and the review band, against brute force and cases with a known answer."""

from __future__ import annotations

import math
from dataclasses import replace
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
    calibrate_by_clean,
    count_decisions,
    cross_entropy,
    sigmoid,
    temperature,
)
from steel_defect_trainer.evaluation.review_band import review_band
from steel_defect_trainer.evaluation.scan import best_f1, best_precision, scan_thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Every bound that a model file can hold.
BOUNDS = np.arange(10_001) / 10_000
# Probabilities between two bounds, both kinds of pictures, at times several with the same.
BOTH_KINDS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 99).map(lambda k: k / 100 + 5e-5), st.integers(0, 9999).map(lambda k: k / 1e4 + 5e-5)),
        st.booleans(),
    ),
    min_size=2,
    max_size=30,
).filter(lambda pictures: len({truth for _, truth in pictures}) == 2)


def columns(pictures: list[tuple[float, bool]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probabilities, truth = zip(*pictures, strict=True)
    return np.array(probabilities, np.float64), np.array(truth)


def deciding(pictures: list[tuple[float, bool]]) -> list[float]:
    """A bound for each way in which a model file can decide: one below each picture, and those at the ends."""
    return [0.0, 1.0, *(float(BOUNDS[probability > BOUNDS][-1]) for probability, _ in pictures)]


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
    assert f1(chosen) == pytest.approx(max(map(f1, deciding(pictures))))


@settings(deadline=None)
@given(BOTH_KINDS, st.integers(1, 100))
def test_best_precision_is_that_of_trying_every_threshold_above_the_floor(
    pictures: list[tuple[float, bool]], percent: int
) -> None:
    clean = sum(not truth for _, truth in pictures)
    tried = [
        hits / (hits + alarms)
        for hits, alarms, misses in (counted(pictures, bound) for bound in deciding(pictures))
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
    # F1 is 1 from 0.205 to 0.6; odds of 0.2579 and of 1.5 lie as far from those of 0.3834, by their factor.
    scan = scan_thresholds(np.array([0.1, 0.205, 0.6, 0.8]), np.array([False, False, True, True]))
    assert best_f1(scan) == best_precision(scan, 0.9) == pytest.approx(0.3834, abs=2e-4)
    # Half the defects suffice: precision is 1 up to 0.8.
    assert best_precision(scan, 0.5) == pytest.approx(0.5039, abs=2e-4)


def test_thresholds_are_tried_where_the_scores_are() -> None:
    # 52 clean pictures, 42 of them from 0.02 on and 22 from 0.0289 on, where the lowest of 8 defects is.
    clean = np.concatenate(
        [np.linspace(0.001, 0.0199, 10), np.linspace(0.0201, 0.0287, 20), np.linspace(0.03, 0.4, 22)]
    )
    probabilities = np.concatenate([clean, [0.0289], np.linspace(0.5, 0.9, 7)])
    truth = np.arange(60) >= 52
    threshold = best_precision(scan_thresholds(probabilities, truth), 0.98)
    assert (probabilities[truth] >= threshold).all()
    assert (clean >= threshold).sum() == 22
    assert threshold == round(threshold, 4)


def test_one_defect_in_a_hundred_pictures_costs_no_more_false_alarms_than_it_must() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(10_000) < 0.01
    seen = rng.normal(4.2 * truth, 1)
    log_odds = 4.2 * seen - 4.2**2 / 2 + np.log(0.01 / 0.99)
    least = np.quantile(seen[truth], 0.02, method="lower")
    reachable = (seen[~truth] >= least).mean()
    calibration = calibrate(log_odds, truth, recall_floor=0.98)
    probabilities = calibration.probabilities(log_odds)
    assert (probabilities[truth] >= calibration.threshold).mean() >= 0.98
    assert (probabilities[~truth] >= calibration.threshold).mean() == pytest.approx(reachable, abs=0.002)
    assert reachable < 0.03


def test_a_floor_that_only_calling_everything_meets_is_refused_with_what_can_be_had() -> None:
    probabilities = np.array([0.001, 0.5, 0.9, 0.3])
    scan = scan_thresholds(probabilities, np.array([True, True, True, False]))
    with pytest.raises(RecallFloorUnmet, match=r"a recall of 0.98 is .* is 0.6667, at threshold 0.4999"):
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
def test_no_other_temperature_is_likelier_with_one_more_picture_of_each_kind(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, truth = drawn(rng, 60, 0.5, float(rng.uniform(0.5, 3)))
    defects, clean = truth.sum(), (~truth).sum()

    def loss(scale: float) -> float:
        right = cross_entropy(scale * logits, truth)
        wrong = cross_entropy(scale * logits, ~truth)
        one = np.where(truth, 1 / (defects + 2), 1 / (clean + 2))
        return float(((1 - one) * right + one * wrong).mean())

    least = loss(temperature(logits, truth))
    for other in np.geomspace(0.05, 20, 200):
        assert least <= loss(other) + 1e-9


def test_temperature_stays_finite_where_nothing_is_wrong_and_where_everything_is() -> None:
    truth = np.array([False, True])
    assert temperature(np.array([-1.0, 1.0]), truth) == pytest.approx(math.log(2), rel=1e-3)
    assert temperature(np.array([1.0, -1.0]), truth) == pytest.approx(0.05, rel=1e-3)


def test_few_pictures_that_are_separated_make_nothing_certain() -> None:
    # Before, this gave a scale of 20, and the threshold and both bounds at 0.5: nobody ever looked at anything.
    rng = np.random.default_rng(0)
    truth = np.arange(60) >= 52
    logits = rng.normal(0, 0.5, 60) + np.where(truth, 3.0, -3.0)
    found = calibrate(logits, truth)
    assert found.scale < 2
    probabilities = found.probabilities(logits)
    assert 0.85 < probabilities[truth].mean() < 0.97  # 9 of 10 by the rule of succession
    assert found.review_low < found.threshold < found.review_high
    # No defect and no clean picture was seen between the two kinds, so a person looks at all there is.
    assert found.review_low <= probabilities[~truth].max() + 1e-4
    assert found.review_high >= probabilities[truth].min() - 1e-4


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
    # The 5th lowest of 100 defects has 0.505, the 10th highest of 100 clean pictures 0.091.
    assert (low, high) == (0.5049, 0.0911)


def test_a_bound_is_not_rounded_into_the_band() -> None:
    # 0.123456 rounds to 0.1235, which would let the lowest defect pass; 0.654321 to 0.6543, rejecting a clean one.
    probabilities = np.concatenate([[0.123456], np.full(18, 0.5), [0.654321], np.full(8, 0.5)])
    assert review_band(probabilities, np.arange(28) < 19) == (0.1234, 0.6544)


@pytest.mark.parametrize(("count", "lowest"), [(1, 0.0909), (8, 0.3103), (18, 0.4871), (19, 0.4999), (30, 0.4999)])
def test_the_fewer_defects_the_farther_the_band_goes_below_the_lowest(count: int, lowest: float) -> None:
    # All defects are alike at odds of 1: of n, the next one is below them with the chance 1 / (n + 1).
    probabilities = np.concatenate([np.full(count, 0.5), np.full(50, 0.1)])
    low, _ = review_band(probabilities, np.arange(count + 50) < count)
    assert low == lowest


@settings(deadline=None)
@given(BOTH_KINDS, st.integers(0, 10_000))
def test_the_band_never_closes_and_holds_the_threshold(pictures: list[tuple[float, bool]], bound: int) -> None:
    probabilities, truth = columns(pictures)
    threshold = bound / 10_000
    low, high = review_band(probabilities, truth, threshold)
    assert 0 <= low <= threshold <= high <= 1
    assert low < high
    # All between the nearest pictures on both sides of the threshold is for a person, whom it gives nothing to do here.
    under, over = probabilities[probabilities < threshold], probabilities[probabilities >= threshold]
    assert low <= under.max(initial=0) + 1e-4
    assert high >= over.min(initial=1) - 1e-4


def test_of_new_pictures_no_more_pass_or_are_rejected_than_is_promised() -> None:
    rng = np.random.default_rng(0)
    for count in (8, 19, 40, 100):
        passed, rejected = [], []
        for _ in range(1000):
            truth = np.arange(2 * count) < count
            low, high = review_band(sigmoid(rng.normal(4 * truth - 2, 1.5)), truth)
            passed.append((sigmoid(rng.normal(2, 1.5, 100)) < low).mean())
            rejected.append((sigmoid(rng.normal(-2, 1.5, 100)) >= high).mean())
        assert np.mean(passed) < 0.055, count
        assert np.mean(rejected) < 0.105, count


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
    given = calibrate(logits, truth, threshold=0.05)
    assert replace(given, review_low=0.05) == Calibration(calibration.scale, 0, 0.05, 0.05, calibration.review_high)
    assert given.review_low == pytest.approx(0.05, abs=1e-3)
    careful = calibrate(logits, truth, recall_floor=0.99)
    assert (probabilities[truth] >= careful.threshold).mean() >= 0.99
    assert (probabilities[truth] >= careful.threshold + 0.002).mean() < 0.99


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


@pytest.mark.parametrize(("count", "share"), [(9, 0.05), (40, 0.05), (143, 0.05), (143, 0.3), (500, 0.01)])
def test_of_new_clean_pictures_no_more_are_called_than_was_asked_for(count: int, share: float) -> None:
    rng = np.random.default_rng(count)
    called, rejected = [], []
    for _ in range(400):
        found = calibrate_by_clean(rng.normal(-2, 1, count).astype(np.float32), share)
        probabilities = found.probabilities(rng.normal(-2, 1, 500))
        called.append((probabilities >= found.threshold).mean())
        rejected.append((probabilities >= found.review_high).mean())
        assert found.review_low == found.threshold < found.review_high
    assert np.mean(called) <= share * 1.1  # within what 400 tries can show
    assert np.mean(called) > 0.2 * share
    assert np.mean(rejected) <= share / 10 * 1.3


def test_with_defects_too_the_threshold_keeps_to_the_share_of_clean_pictures() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(400) < 100
    logits = rng.normal(np.where(truth, 1, -1), 1)
    found = calibrate(logits, truth, false_alarms=0.02)
    alarms = (found.probabilities(logits) >= found.threshold)[~truth].sum()
    assert alarms <= 6  # 0.02 of 301
    assert alarms >= 4
    assert found.review_low <= found.threshold <= found.review_high


def test_a_given_threshold_is_kept_without_any_defect() -> None:
    logits = np.random.default_rng(0).normal(-2, 1, 50)
    for threshold in (0.1, 0.9999):
        found = calibrate_by_clean(logits, 0.05, threshold)
        assert found.threshold == found.review_low == threshold <= found.review_high
