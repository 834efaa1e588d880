"""Figures agree with scikit-learn, picture by picture repeated; a case by hand; intervals enclose and cover."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from steel_defect_trainer.evaluation.calibration import sigmoid
from steel_defect_trainer.evaluation.measures import Confusion, measure, measure_with_intervals
from steel_defect_trainer.evaluation.shares import share_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 0.5, 0.97]))
def test_figures_are_those_of_scikit_learn_on_the_repeated_pictures(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 40))
    log_odds = rng.normal(0, 2, count).round(1)
    classes = (rng.random((count, 3)) < 0.25).astype(np.float32)
    classes[0], classes[1] = 0, [1, 0, 0]
    times = rng.integers(0, 4, (1, count))
    times[0, :2] = 1
    figures, recalls = measure(log_odds, classes, threshold, times.astype(np.float64))
    again = np.repeat(np.arange(count), times[0])
    truth, probabilities = classes[again].any(axis=1), sigmoid(log_odds[again])
    called = probabilities >= threshold
    expected = {
        "loss": reference.log_loss(truth, probabilities),
        "accuracy": reference.accuracy_score(truth, called),
        "precision": reference.precision_score(truth, called) if called.any() else np.nan,
        "recall": reference.recall_score(truth, called),
        "f1": reference.f1_score(truth, called, zero_division=0),
        "roc_auc": reference.roc_auc_score(truth, log_odds[again]),
        "pr_auc": reference.average_precision_score(truth, log_odds[again]),
    }
    for name, value in expected.items():
        assert figures[name][0] == pytest.approx(value, abs=1e-12, nan_ok=True), name
    for number in range(3):
        has = classes[again, number] > 0
        assert recalls[0, number] == pytest.approx(called[has].mean() if has.any() else np.nan, nan_ok=True)


def log_odds_of(*probabilities: float) -> NDArray[np.float64]:
    return np.array([math.log(value / (1 - value)) for value in probabilities])


def test_calibration_error_by_hand() -> None:
    # A bin of pictures at 0.22 and 0.28, one of them with a defect; a bin of two at 0.93 and 0.97, both with one.
    figures, _ = measure(
        log_odds_of(0.22, 0.28, 0.93, 0.97), np.array([[0], [1], [1], [1]], np.float32), 0.5, np.ones((1, 4))
    )
    assert figures["calibration_error"][0] == pytest.approx(0.5 * abs(0.25 - 0.5) + 0.5 * abs(0.95 - 1))


def test_what_says_the_truth_as_often_as_it_is_has_almost_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    log_odds = rng.normal(0, 2, 50_000)
    classes = (rng.random(50_000) < sigmoid(log_odds)).astype(np.float32)[:, None]
    one = np.ones((1, len(log_odds)))
    assert measure(log_odds, classes, 0.5, one)[0]["calibration_error"][0] < 0.01
    assert measure(3 * log_odds, classes, 0.5, one)[0]["calibration_error"][0] > 0.05


def test_confusion_and_class_recalls_by_hand() -> None:
    classes = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0], [0, 0]], np.float32)
    found = measure_with_intervals(log_odds_of(0.9, 0.5, 0.2, 0.6, 0.1, 0.2), classes, 0.5, resamples=50)
    assert found.confusion == Confusion(true_negatives=2, false_positives=1, false_negatives=1, true_positives=2)
    assert [recall.value for recall in found.class_recalls] == [1, 0.5]
    assert found.figures["precision"].value == found.figures["recall"].value == pytest.approx(2 / 3)


def test_a_figure_without_a_value_is_not_a_number() -> None:
    found = measure_with_intervals(log_odds_of(0.1, 0.2), np.array([[1, 0], [0, 0]], np.float32), 0.5, resamples=50)
    assert np.isnan(found.figures["precision"].value)
    assert found.figures["f1"].value == 0
    assert np.isnan(found.class_recalls[1].value)
    assert np.isnan(found.class_recalls[1].low)


def test_intervals_cover_the_true_share_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(100):
        # A picture is right with probability 0.8, whatever it is.
        classes = (rng.random(100) < 0.5).astype(np.float32)[:, None]
        right = rng.random(100) < 0.8
        log_odds = np.where((classes[:, 0] > 0) == right, 1.0, -1.0)
        found = measure_with_intervals(log_odds, classes, 0.5, resamples=200, seed=seed).figures["accuracy"]
        covered += found.low <= 0.8 <= found.high
    assert covered >= 88


def test_groups_widen_intervals() -> None:
    rng = np.random.default_rng(2)
    classes = np.repeat((rng.random(30) < 0.5).astype(np.float32)[:, None], 8, axis=0)
    log_odds = np.repeat(rng.normal(0, 1, 30), 8) + 2 * classes[:, 0] - 1
    groups = tuple(str(number) for number in np.repeat(np.arange(30), 8))
    apart = measure_with_intervals(log_odds, classes, 0.5, resamples=300).figures
    together = measure_with_intervals(log_odds, classes, 0.5, groups, resamples=300).figures
    for name in ("loss", "accuracy", "recall", "roc_auc", "pr_auc"):
        assert together[name].value == apart[name].value
        assert together[name].high - together[name].low > 1.8 * (apart[name].high - apart[name].low), name


def test_eight_of_eight_defects_found_is_from_sixty_three_percent_on() -> None:
    classes = (np.arange(60) < 8).astype(np.float32)[:, None]
    found = measure_with_intervals(np.where(classes[:, 0] > 0, 3.0, -3.0), classes, 0.5)
    for name in ("recall", "precision", "f1", "roc_auc", "pr_auc"):
        assert (found.figures[name].value, found.figures[name].high) == (1, 1), name
        assert found.figures[name].low == pytest.approx(0.6306, abs=1e-4), name
        assert found.pictures[name] == 8
    assert found.figures["accuracy"].low == pytest.approx(0.9404, abs=1e-4)
    assert found.class_recalls[0].low == pytest.approx(0.6306, abs=1e-4)


def test_ten_pictures_of_one_group_say_as_much_as_one() -> None:
    # 6 of 10 are found; from one place on one coil it might as well be none or all of those to come.
    classes = (np.arange(30) < 10).astype(np.float32)[:, None]
    log_odds = np.where(np.arange(30) < 6, 1.0, -1.0)
    groups = ("one",) * 10 + tuple(str(number) for number in range(20))
    recall = measure_with_intervals(log_odds, classes, 0.5, groups, resamples=50).class_recalls[0]
    assert recall.value == pytest.approx(0.6)
    assert recall.low < 0.05
    assert recall.high > 0.95


@pytest.mark.parametrize(("share", "groups"), [(0.9, None), (0.9, 20), (1.0, 10)])
def test_exact_intervals_cover_the_true_share(share: float, groups: int | None) -> None:
    rng = np.random.default_rng(0)
    covered, times = 0, 300
    for _ in range(times):
        numbers = np.arange(40) if groups is None else rng.integers(0, groups, 40)
        hit = (rng.random(40) < share)[numbers]
        found = share_interval(hit, np.ones(40, np.bool_), None if groups is None else numbers)
        covered += found.low <= share <= found.high
    assert covered >= 0.93 * times


def test_two_thousand_resamples_of_two_thousand_pictures_take_seconds() -> None:
    rng = np.random.default_rng(3)
    classes = (rng.random((2000, 4)) < 0.2).astype(np.float32)
    started = time.process_time()
    measure_with_intervals(rng.normal(0, 2, 2000), classes, 0.5)
    assert time.process_time() - started < 30  # about 3 on one core
