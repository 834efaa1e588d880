"""Figures without a threshold agree with scikit-learn; resamples are what they say; paired differences are honest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from steel_defect_trainer.evaluation.measures import measure_with_intervals
from steel_defect_trainer.evaluation.paired import paired_auc_difference
from steel_defect_trainer.evaluation.ranking import average_precision_of, bootstrap_auc, roc_auc, roc_auc_of
from steel_defect_trainer.evaluation.resampling import interval, resample_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.evaluation.resampling import Interval

# Scores with ties; weights as resamples have them, 0 included.
PICTURES = st.lists(st.tuples(st.integers(-4, 4), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40)


@settings(deadline=None)
@given(PICTURES)
def test_weighted_figures_are_those_of_scikit_learn_on_the_repeated_pictures(
    pictures: list[tuple[int, bool, int]],
) -> None:
    scores, truth, times = (np.array(column) for column in zip(*pictures, strict=True))
    repeated_scores, repeated_truth = np.repeat(scores, times), np.repeat(truth, times)
    weights = times.astype(np.float64)[None, :]
    auc = roc_auc_of(scores.astype(np.float32), truth, weights)[0]
    precision = average_precision_of(scores.astype(np.float32), truth, weights)[0]
    if repeated_truth.any():
        assert precision == pytest.approx(average_precision_score(repeated_truth, repeated_scores))
    else:
        assert np.isnan(precision)
    if repeated_truth.any() and not repeated_truth.all():
        assert auc == pytest.approx(roc_auc_score(repeated_truth, repeated_scores))
    else:
        assert np.isnan(auc)


@settings(deadline=None)
@given(PICTURES)
def test_roc_auc_knows_only_the_order_and_turns_around_with_it(pictures: list[tuple[int, bool, int]]) -> None:
    scores, truth, _ = (np.array(column) for column in zip(*pictures, strict=True))
    auc = roc_auc(scores, truth)
    assert roc_auc(3 * scores**3 - 7, truth) == pytest.approx(auc, nan_ok=True)
    assert roc_auc(-scores, truth) == pytest.approx(1 - auc, nan_ok=True)
    assert roc_auc(scores, ~truth) == pytest.approx(1 - auc, nan_ok=True)


def test_every_resample_draws_as_many_pictures_as_there_are() -> None:
    weights = np.concatenate(list(resample_weights(50, resamples=400, seed=3)))
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == 50).all()
    # A picture is left out of a resample with probability (1 - 1/50)^50 = 0.364.
    assert (weights == 0).mean() == pytest.approx(0.364, abs=0.02)


def test_pictures_of_one_group_are_drawn_together() -> None:
    groups = ("a", "b", "a", "c", "b", "a")
    weights = np.concatenate(list(resample_weights(6, groups, resamples=100)))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 0] == weights[:, 5]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_draws_in_pieces_are_whole_and_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steel_defect_trainer.evaluation.resampling._CHUNK", 100)
    pieces = list(resample_weights(30, resamples=10))
    assert Counter(len(piece) for piece in pieces) == {3: 3, 1: 1}
    assert all(
        np.array_equal(one, other) for one, other in zip(pieces, resample_weights(30, resamples=10), strict=True)
    )
    assert not np.array_equal(pieces[0], next(resample_weights(30, resamples=10, seed=1)))


@pytest.mark.parametrize(
    ("count", "groups", "message"), [(0, None, "no pictures"), (3, ("a",), "of 3 pictures, got 1")]
)
def test_draws_that_cannot_be_are_refused(count: int, groups: tuple[str, ...] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        next(resample_weights(count, groups))


def test_an_interval_leaves_out_what_has_no_value() -> None:
    assert interval(0.5, np.array([np.nan, 0.25, np.nan, 0.75])).low == pytest.approx(0.2625)
    assert np.isnan(interval(0.5, np.array([np.nan])).low)


def scored(rng: np.random.Generator, truth: np.ndarray, distance: float, seeds: int = 1) -> np.ndarray:
    """Scores of `seeds` runs: normals of deviation 1 whose means lie `distance` apart."""
    return distance * truth + rng.normal(0, 1, (seeds, len(truth)))


def grouped_auc(scores: NDArray[np.float64], truth: NDArray[np.bool_], groups: tuple[str, ...]) -> Interval:
    """ROC-AUC with its interval over groups."""
    return measure_with_intervals(scores, truth[:, None].astype(np.float32), 0.5, groups).figures["roc_auc"]


def test_an_interval_of_groups_is_wider_where_their_pictures_are_alike() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(40) < 0.5
    scores = scored(rng, truth, 1)[0]
    tenfold = np.repeat(scores, 10), np.repeat(truth, 10)
    groups = tuple(str(number) for number in np.repeat(np.arange(40), 10))
    once, apart, together = bootstrap_auc(scores, truth), bootstrap_auc(*tenfold), grouped_auc(*tenfold, groups)
    assert together.high - together.low == pytest.approx(once.high - once.low, rel=0.05)
    assert apart.high - apart.low < 0.5 * (once.high - once.low)


def test_a_recipe_against_itself_differs_by_nothing() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(200) < 0.4
    scores = scored(rng, truth, 1)
    found = paired_auc_difference(scores, scores[0], truth, resamples=200)
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert found.auc_a.value == pytest.approx(roc_auc_score(truth, scores[0]))


def test_the_auc_of_seeds_is_averaged_and_their_scales_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random(300) < 0.5
    good, bad = scored(rng, truth, 2, seeds=3), scored(rng, truth, 1, seeds=2)
    found = paired_auc_difference(good * [[1], [100], [0.01]] + [[0], [50], [-7]], bad, truth, resamples=500)
    assert found.seeds_a == pytest.approx([roc_auc_score(truth, run) for run in good])
    assert found.seeds_b == pytest.approx([roc_auc_score(truth, run) for run in bad])
    assert found.difference.value == pytest.approx(np.mean(found.seeds_a) - np.mean(found.seeds_b))
    assert 0 < found.difference.low < found.difference.value < found.difference.high
    turned = paired_auc_difference(bad, good, truth, resamples=500)
    assert turned.difference.value == pytest.approx(-found.difference.value)


def test_what_is_hard_for_both_cancels_out() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(150) < 0.5
    shared = scored(rng, truth, 1)[0]
    one, other = shared + rng.normal(0, 0.1, 150), shared + rng.normal(0, 0.1, 150)
    found = paired_auc_difference(one, other, truth, resamples=500)
    assert found.difference.high - found.difference.low < 0.25 * (found.auc_a.high - found.auc_a.low)


def test_differences_of_grouped_pictures_are_drawn_by_group() -> None:
    rng = np.random.default_rng(6)
    truth = rng.random(40) < 0.5
    one, other = scored(rng, truth, 1), scored(rng, truth, 1)
    ninefold = np.repeat(one, 9, axis=1), np.repeat(other, 9, axis=1), np.repeat(truth, 9)
    groups = tuple(f"{number:02}" for number in np.repeat(np.arange(40), 9))
    once = paired_auc_difference(one, other, truth, resamples=500).difference
    together = paired_auc_difference(*ninefold, groups, resamples=500).difference
    apart = paired_auc_difference(*ninefold, resamples=500).difference
    assert (together.low, together.high) == pytest.approx((once.low, once.high))
    assert apart.high - apart.low < 0.5 * (once.high - once.low)


def test_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(400) < 0.5
    alike, apart = scored(rng, truth, 1.5, seeds=3), np.stack([scored(rng, truth, d)[0] for d in (0.5, 1.5, 2.5)])
    steady = paired_auc_difference(alike, scored(rng, truth, 1.5), truth, resamples=500).difference
    shaky = paired_auc_difference(apart, scored(rng, truth, 1.5), truth, resamples=500).difference
    assert shaky.high - shaky.low > 1.5 * (steady.high - steady.low)


def test_the_interval_of_a_difference_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(60):
        truth = rng.random(200) < 0.5
        # The same distance: the true difference is nothing.
        one, other = scored(rng, truth, 1), scored(rng, truth, 1)
        found = paired_auc_difference(one, other, truth, resamples=300, seed=seed).difference
        covered += found.low <= 0 <= found.high
    assert covered >= 52  # 95 % of 60 is 57; fewer than 52 by chance: 1 in 100


@pytest.mark.parametrize(
    ("scores", "truth", "message"),
    [
        (np.zeros(3), [True, False], r"expected scores_a of shape \(seeds, 2\), got \(3,\)"),
        (np.zeros((0, 2)), [True, False], r"got \(0, 2\)"),
        (np.zeros((1, 1, 2)), [True, False], r"got \(1, 1, 2\)"),
        (np.array([0, np.nan]), [True, False], "1 scores that are not finite"),
        (np.zeros(2), [True, True], "with a defect and without"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(scores: np.ndarray, truth: list[bool], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_auc_difference(scores, np.zeros(len(truth)), np.array(truth))
