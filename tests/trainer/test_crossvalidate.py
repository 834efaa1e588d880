"""Parts of the cross-validation share no source; measures and bounds are right on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.crossvalidate import source_folds
from trainer.metrics import best_f1_threshold, bootstrap_auc, decide, roc_auc, weights_for_share


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60), st.integers(2, 5))
def test_no_source_is_in_two_parts_and_no_part_is_empty(sources: list[str], folds: int) -> None:
    if len(set(sources)) < folds:
        with pytest.raises(ValueError, match="need as many sources"):
            source_folds(tuple(sources), folds)
        return
    parts = source_folds(tuple(sources), folds)
    assert set(parts.tolist()) == set(range(folds))
    for source in set(sources):
        assert len({int(part) for part, its in zip(parts, sources, strict=True) if its == source}) == 1


def test_large_sources_get_parts_of_their_own() -> None:
    parts = source_folds(tuple("aaaaabbbbccd"), 3)
    assert np.bincount(parts).tolist() == [5, 4, 3]


def test_roc_auc_by_hand() -> None:
    scores = np.array([0.9, 0.4, 0.4, 0.1], np.float32)
    truth = np.array([True, True, False, False])
    assert roc_auc(scores, truth) == pytest.approx((2 + 1 + 0.5) / 4)
    assert np.isnan(roc_auc(scores, np.ones(4, bool)))


def test_bootstrap_interval_encloses_the_estimate_and_shrinks() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.5
    scores = (truth + rng.normal(0, 1, 400)).astype(np.float32)
    few = bootstrap_auc(scores[:40], truth[:40], resamples=300)
    many = bootstrap_auc(scores, truth, resamples=300)
    assert few.low < few.value < few.high
    assert many.low < many.value < many.high
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_best_f1_lies_in_the_gap() -> None:
    probabilities = np.array([0.1, 0.2, 0.6, 0.8])
    truth = np.array([False, False, True, True])
    assert best_f1_threshold(probabilities, truth, np.ones(4)) == pytest.approx(0.4)


def test_decision_is_calibrated_to_the_share_of_all_severstal() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(4000) < 0.8
    # The true slope is 2: two normals one apart in units of a deviation of sqrt(1/2).
    logits = (truth + rng.normal(0, np.sqrt(0.5), 4000)).astype(np.float32)
    decision = decide(logits, truth)
    weights = weights_for_share(truth)
    probabilities = 1 / (1 + np.exp(-(decision.scale * logits + decision.offset)))
    assert decision.scale == pytest.approx(2, rel=0.1)
    assert np.average(probabilities, weights=weights) == pytest.approx(6666 / 12568, abs=0.01)
    assert decision.review_low <= decision.threshold <= decision.review_high
    assert (probabilities[truth] < decision.review_low).mean() <= 0.05
    assert (probabilities[~truth] > decision.review_high).mean() <= 0.10
