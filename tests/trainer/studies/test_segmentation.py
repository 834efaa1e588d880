"""The study of decoders: what it learns from, how it judges, and that ours starts from the given body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from steel_defect_trainer.networks.unified import UnifiedNet
from steel_defect_trainer.studies.segmentation import SIZE, Ours, Theirs, Tiles, damage, dice_of, targets, train

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _masks() -> NDArray[np.uint8]:
    masks = np.zeros((2, SIZE, SIZE), np.uint8)
    masks[0, :8, :8] = 2
    masks[0, 8, 0] = 1
    return masks


def test_targets_are_percent_of_each_field_and_class() -> None:
    fine, coarse = targets(_masks(), 1), targets(_masks(), 4)
    assert fine.shape == (2, 5, SIZE, SIZE)
    assert coarse.shape == (2, 5, SIZE // 4, SIZE // 4)
    assert fine[0, 1].sum() == 64 * 100
    assert coarse[0, 1, :2, :2].tolist() == [[100, 100], [100, 100]]
    assert coarse[0, 0, 2, 0] == 7  # One pixel of sixteen, rounded up.
    assert not coarse[1].any()


def test_dice_of_what_is_empty_and_found_empty_is_one() -> None:
    found = np.where(_masks() == 2, 0.9, 0.1).astype(np.float32)
    assert dice_of(found, _masks(), 0.5).tolist() == [pytest.approx(128 / 129), 1]
    assert dice_of(found, _masks(), 0.05)[1] == 0


def test_training_ends_in_time_and_finds_what_it_has_learned() -> None:
    torch.manual_seed(0)
    network = Ours(UnifiedNet(5).features.state_dict())
    masks = _masks()
    pixels = np.where(masks > 0, 220, 90).astype(np.uint8)
    assert train(network, Tiles(pixels, masks, ()), 1.0, seed=0) >= 1
    assert damage(network, pixels).shape == (2, SIZE, SIZE)


@pytest.mark.parametrize("name", ["unet", "fpn"])
def test_the_others_answer_each_pixel(name: str) -> None:
    pytest.importorskip("segmentation_models_pytorch", reason="a dependency of the study alone")
    network = Theirs(name, UnifiedNet(5).features.state_dict()).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)).shape == (1, 5, SIZE, SIZE)
