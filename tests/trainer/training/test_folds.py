"""Parts of the cross-validation share no group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steel_defect_trainer.training.folds import group_folds


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60), st.integers(2, 5))
def test_no_group_is_in_two_parts_and_no_part_is_empty(groups: list[str], folds: int) -> None:
    if len(set(groups)) < folds:
        with pytest.raises(ValueError, match="need as many groups"):
            group_folds(tuple(groups), folds)
        return
    parts = group_folds(tuple(groups), folds)
    assert set(parts.tolist()) == set(range(folds))
    for group in set(groups):
        assert len({int(part) for part, its in zip(parts, groups, strict=True) if its == group}) == 1


def test_large_groups_get_parts_of_their_own() -> None:
    parts = group_folds(tuple("aaaaabbbbccd"), 3)
    assert np.bincount(parts).tolist() == [5, 4, 3]
