"""A clean network learns from clean pictures once: all of them count, and defects among them do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from steel_defect_trainer.errors import DataError
from steel_defect_trainer.evaluation.ranking import roc_auc
from steel_defect_trainer.networks.clean import MEMORY, CleanNet
from steel_defect_trainer.runs.folder import RunFolder
from steel_defect_trainer.training.batches import mixture_of
from steel_defect_trainer.training.checkpoint import read_checkpoint
from steel_defect_trainer.training.predict import predict
from steel_defect_trainer.training.remember import fill, remember
from steel_defect_trainer.training.train import Job
from tests.trainer.small import ALONE, small_recipe, small_set, woken

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def _network() -> CleanNet:
    torch.manual_seed(0)
    made = CleanNet()
    woken(made.features)
    return made


def _job(folder: Path, learned: NDArray[np.bool_] | None = None, count: int = 40) -> Job:
    recipe, strips = small_recipe(name="clean"), small_set(count)
    return Job(recipe, strips, mixture_of(strips, recipe, learned), None, RunFolder(folder))


def test_it_ranks_damage_that_it_never_saw_above_clean_pictures_that_it_did_not_see(tmp_path: Path) -> None:
    network = remember(_network(), _job(tmp_path / "run"), ALONE)
    others = small_set(20, seed=1)
    logits = predict(network, others, ALONE).defect_logits
    assert roc_auc(logits, others.defect) > 0.8  # by random features; those of ImageNet see more
    assert (logits[~others.defect] < 0).mean() > 0.7


def test_defects_among_the_pictures_are_not_remembered(tmp_path: Path) -> None:
    both = remember(_network(), _job(tmp_path / "both"), ALONE).state_dict()
    clean = ~small_set(40).defect
    alone = remember(_network(), _job(tmp_path / "alone", clean), ALONE).state_dict()
    assert all(torch.equal(both[name], alone[name]) for name in both)
    stored = read_checkpoint(tmp_path / "both" / "best.pt")["network"]
    assert all(torch.equal(both[name], stored[name]) for name in both)


def test_one_clean_picture_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="learns from clean pictures, and there are 1 of them"):
        remember(_network(), _job(tmp_path / "run", count=2), ALONE)


def test_pictures_of_one_group_can_be_learned_from(tmp_path: Path) -> None:
    job = _job(tmp_path / "run")
    job = replace(job, strips=replace(job.strips, groups=("coil",) * 40))
    assert float(remember(_network(), job, ALONE).head.spread) > 0


def test_the_memory_leaves_rare_places_no_farther_than_common_ones() -> None:
    memory = _network().head
    generator = torch.Generator().manual_seed(0)
    common, rare = torch.randn(5000, 128, generator=generator), torch.randn(5, 128, generator=generator) + 9
    cells = torch.cat([common, rare])
    fill(memory, cells, generator)
    assert len({tuple(row) for row in memory.known.tolist()}) == MEMORY
    assert float(memory.distances(rare[None, None]).max()) < 0.2  # each of them is remembered itself


def test_with_fewer_cells_than_it_holds_it_holds_all_of_them() -> None:
    memory = _network().head
    cells = torch.randn(30, 128, generator=torch.Generator().manual_seed(0))
    fill(memory, cells, torch.Generator().manual_seed(0))
    assert float(memory.distances(cells[None, None]).max()) < 0.2
