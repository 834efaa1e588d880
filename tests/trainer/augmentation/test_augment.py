"""Random changes keep picture and label together, and batches depend on the seed and the step alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch

from steel_defect_trainer.augmentation.augment import augment
from steel_defect_trainer.recipe import Augmentation
from steel_defect_trainer.training.batches import batches, mixture_of
from steel_defect_trainer.training.distributed import World
from tests.trainer.small import ALONE, small_recipe, small_set

ALL = Augmentation(exposure=0.7, contrast=0.32, shift=1.0)


def _one_bright_cell(row: int, column: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pixels = np.full((128, 800), 60, np.uint8)
    cells = np.zeros((4, 4, 25), np.int8)
    pixels[row * 32 : (row + 1) * 32, column * 32 : (column + 1) * 32] = 140
    cells[2, row, column] = 1
    return pixels, np.array([0, 0, 1, 0], np.float32), cells


def test_wherever_the_damage_goes_its_label_goes() -> None:
    moved = 0
    for place in range(100):
        pixels, classes, cells = _one_bright_cell(place % 4, place % 25)
        new_pixels, new_classes, new_cells = augment(pixels, classes, cells, ALL, np.random.default_rng(place))
        means = new_pixels.reshape(4, 32, 25, 32).mean(axis=(1, 3))
        assert np.unravel_index(means.argmax(), means.shape) == np.unravel_index(new_cells[2].argmax(), means.shape)
        assert np.array_equal((new_cells == 1).any(axis=(1, 2)), new_classes > 0)
        moved += not np.array_equal(new_cells, cells)
    assert moved > 60


def test_a_strip_that_moves_leaves_black_behind_and_keeps_its_damage() -> None:
    pixels, classes, cells = _one_bright_cell(1, 24)
    seen = set()
    for seed in range(40):
        new_pixels, _, new_cells = augment(
            pixels, classes, cells, Augmentation(0, 0, shift=1.0), np.random.default_rng(seed)
        )
        column = int(new_cells[2, 1].argmax())
        seen.add(column)
        assert (new_pixels[:, (column + 1) * 32 :] == 0).all()
    assert len(seen) > 5


def test_painted_out_damage_makes_a_clean_strip() -> None:
    pixels, classes, cells = _one_bright_cell(2, 7)
    new_pixels, new_classes, new_cells = augment(
        pixels, classes, cells, Augmentation(0, 0, blackout=1.0), np.random.default_rng(0)
    )
    assert not new_classes.any()
    assert not new_cells.any()
    assert (new_pixels[64:96, 224:256] == 0).all()
    assert new_pixels.max() == 60
    assert pixels.max() == 140  # the picture itself stays as it is


def test_damage_somewhere_unknown_is_not_painted_out_and_black_patches_tell_nothing() -> None:
    how = Augmentation(0, 0, blackout=1.0)
    pixels, classes, cells = _one_bright_cell(2, 7)
    cells[2] = -1
    new_pixels, new_classes, new_cells = augment(pixels, classes, cells, how, np.random.default_rng(0))
    assert np.array_equal(new_pixels, pixels)
    assert np.array_equal(new_classes, classes)
    assert np.array_equal(new_cells, cells)
    clean = augment(np.full((128, 800), 60, np.uint8), np.zeros(4, np.float32), np.zeros((4, 4, 25), np.int8), how,
                    np.random.default_rng(0))  # fmt: skip
    assert 1 <= (clean[0].reshape(4, 32, 25, 32).max(axis=(1, 3)) == 0).sum() <= 4
    assert not clean[1].any()


def _stream(recipe_seed: int, steps: range, world: World = ALONE, workers: int = 0) -> list[torch.Tensor]:
    recipe, strips = small_recipe(f"seed={recipe_seed}"), small_set(10)
    loader = batches(strips, mixture_of(strips, recipe), recipe, steps, world=world, workers=workers)
    return [pixels for pixels, _, _ in loader]


def test_a_step_sees_the_same_whether_the_run_began_there_or_before() -> None:
    whole, late = _stream(1, range(6)), _stream(1, range(4, 6))
    assert all(torch.equal(one, other) for one, other in zip(whole[4:], late, strict=True))
    assert not torch.equal(whole[0], _stream(2, range(1))[0])


def test_two_processes_see_what_one_would_and_so_do_loader_processes() -> None:
    alone = _stream(1, range(3))
    shares = [_stream(1, range(3), World(rank, 2, torch.device("cpu"))) for rank in range(2)]
    for one, *parts in zip(alone, *shares, strict=True):
        assert torch.equal(one[0::2], parts[0])
        assert torch.equal(one[1::2], parts[1])
    assert all(torch.equal(one, other) for one, other in zip(alone, _stream(1, range(3), workers=1), strict=True))


def test_every_picture_is_seen_once_before_any_is_seen_again() -> None:
    recipe = small_recipe("optimisation.batch=5")
    strips = small_set(10)
    strips.pixels[:] = np.arange(10)[:, None, None]
    plain = replace(recipe, augmentation=Augmentation())
    loader = batches(strips, mixture_of(strips, recipe), plain, range(4), world=ALONE, workers=0)
    seen = [pixels[:, 0, 0].tolist() for pixels, _, _ in loader]
    assert sorted(chain(*seen[:2])) == sorted(chain(*seen[2:])) == list(range(10))
    assert seen[:2] != seen[2:]


@pytest.mark.parametrize("batch", [4, 5])
def test_a_balanced_batch_is_half_defects(batch: int) -> None:
    recipe, strips = small_recipe("optimisation.balance=true", f"optimisation.batch={batch}"), small_set(10)
    strips.classes[4:] = 0
    chosen = np.arange(10) != 9
    plain = replace(recipe, augmentation=Augmentation())
    loader = batches(strips, mixture_of(strips, recipe, chosen), plain, range(4), world=ALONE, workers=0)
    assert {int(classes.any(dim=1).sum()) for _, classes, _ in loader} == {batch // 2}
