"""The frozen-features baseline learns from what it may, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]  # torchvision ships no types

from steel_defect_trainer.training.baseline import baseline_of_folds, baseline_of_parts, regress
from tests.trainer.small import small_set

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(mobilenet_v2(weights=None).state_dict(), path)
    return path


def test_regression_ranks_what_it_did_not_learn_from() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 2 == 0
    statistics = rng.normal(0, 1, (200, 20)).astype(np.float32)
    statistics[:, 0] += 4 * truth
    logits = regress(statistics[:100], truth[:100], statistics[100:])
    assert np.mean((logits > 0) == truth[100:]) > 0.9


def test_labels_of_a_fold_do_not_change_its_own_answers(backbone: Path) -> None:
    strips = small_set(12)
    folds = np.arange(12) // 2 % 3
    first = baseline_of_folds(strips, folds, backbone, CPU)
    relabelled = strips.classes.copy()
    relabelled[folds == 0] = 1 - relabelled[folds == 0]
    second = baseline_of_folds(replace(strips, classes=relabelled), folds, backbone, CPU)
    np.testing.assert_array_equal(first.defect_logits[folds == 0], second.defect_logits[folds == 0])
    assert (first.defect_logits[folds != 0] != second.defect_logits[folds != 0]).any()


def test_a_part_is_answered_by_the_other(backbone: Path) -> None:
    strips = small_set(12)
    judged = np.arange(12) >= 8
    found = baseline_of_parts(strips, ~judged, judged, backbone, CPU)
    assert found.names == strips.names[8:]
    np.testing.assert_array_equal(found.truth, strips.defect[8:])
