"""Loader processes that are not forked map the pictures themselves, and see the same ones."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from steel_defect_trainer.training.batches import _Strips, mixture_of
from tests.trainer.small import small_network, small_recipe, small_set

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["strip", "unified"])
def test_a_loader_process_is_sent_the_place_of_the_pictures_and_not_the_pictures(tmp_path: Path, name: str) -> None:
    strips, recipe = small_set(32), small_recipe(name=name)
    for part in ("pixels", "masks"):
        np.save(tmp_path / f"{part}.npy", getattr(strips, part))
    mapped = replace(
        strips,
        pixels=np.load(tmp_path / "pixels.npy", mmap_mode="c"),
        masks=np.load(tmp_path / "masks.npy", mmap_mode="r"),
    )
    own = _Strips(mapped, mixture_of(mapped, recipe), recipe)
    sent = pickle.dumps(own)
    assert len(sent) < strips.pixels.nbytes / 10
    for slot in ((0, 0, 0), (5, 3, 1)):
        for one, other in zip(own[slot], pickle.loads(sent)[slot], strict=True):  # noqa: S301 - ours
            assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["strip", "e1-15b"])
def test_under_autocast_the_head_computes_in_float32(name: str) -> None:
    network = small_network(small_recipe(name=name)).eval()
    pixels = torch.from_numpy(small_set(4).pixels)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        answers = network(pixels)
        rounded = answers.defect.bfloat16().float()
    assert answers.defect.dtype is torch.float32
    assert not torch.equal(answers.defect, rounded)
