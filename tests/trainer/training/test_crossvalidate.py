"""Parts of the cross-validation share no source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steel_defect_trainer.training.crossvalidate import source_folds


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
