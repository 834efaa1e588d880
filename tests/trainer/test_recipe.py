"""Recipes say what they should, and what cannot be meant is refused by name."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steel_defect_trainer.errors import RecipeError
from steel_defect_trainer.recipe import from_table, names, read_recipe, to_json

if TYPE_CHECKING:
    from pathlib import Path


def test_every_recipe_reads_and_comes_back_from_the_run_that_keeps_it() -> None:
    assert names() == ["clean", "e1-1", "e1-15", "e1-15b", "e1-15c", "e1-6", "e1-9", "frozen", "strip", "unified"]
    for name in names():
        recipe = read_recipe(name)
        assert recipe.name == name
        assert recipe.about
        assert from_table(json.loads(to_json(recipe))) == recipe


# As the seed project's report describes its experiments.
@pytest.mark.parametrize(
    ("name", "optimiser", "rate", "epochs", "size", "blocks", "pooled", "hidden", "dropout", "flip", "pictures"),
    [
        ("e1-1", "sgd", 1e-4, 20, 256, 0, 0, 0, 0.2, 0.0, (3500, 1500)),
        ("e1-6", "adam", 1e-4, 15, 256, 3, 2, 1024, 0.3, 0.0, (3500, 1500)),
        ("e1-9", "adam", 1e-5, 30, 384, 3, 2, 512, 0.5, 0.5, (3500, 1500)),
        ("e1-15", "adam", 1e-5, 30, 384, 4, 2, 512, 0.5, 0.5, (3500, 1500)),
        ("e1-15b", "adam", 1e-5, 20, 384, 4, 2, 512, 0.5, 0.5, (0, 0)),
        ("e1-15c", "adam", 1e-5, 20, 384, 4, 2, 512, 0.5, 0.5, (0, 0)),
    ],
)
def test_the_experiments_of_the_seed_project(  # noqa: PLR0913, PLR0917 - one column each
    name: str,
    optimiser: str,
    rate: float,
    epochs: float,
    size: int,
    blocks: int,
    pooled: int,
    hidden: int,
    dropout: float,
    flip: float,
    pictures: tuple[int, int],
) -> None:
    recipe = read_recipe(name)
    plan, network, change = recipe.optimisation, recipe.network, recipe.augmentation
    assert (network.kind, recipe.input.resize) == ("classifier", "stretch")
    assert (recipe.input.height, recipe.input.width) == (size, size)
    assert (plan.optimiser, plan.rate, plan.head_rate, plan.epochs) == (optimiser, rate, rate, epochs)
    assert (plan.batch, plan.schedule, plan.average, plan.clip, plan.weight_decay) == (20, "constant", 0, 0, 0)
    assert (network.trained_blocks, network.pooled, network.hidden) == (blocks, pooled, hidden)
    assert network.dropout == dropout
    assert (change.horizontal_flip, change.vertical_flip) == (flip, flip)
    assert (change.exposure, change.contrast, change.shift, change.blackout) == (0, 0, 0, 0)
    assert (recipe.data.train, recipe.data.validation) == pictures
    assert recipe.data.final == (name == "e1-15c")


def test_set_changes_one_key_and_keeps_the_rest() -> None:
    recipe = read_recipe("strip", ("optimisation.rate=1e-5", "network.batch_norm=frozen", "seed=7", "input.width=1216"))
    assert recipe.optimisation.rate == 1e-5
    assert recipe.network.batch_norm == "frozen"
    assert recipe.seed == 7
    assert recipe.input.width == 1216
    assert recipe.optimisation.head_rate == read_recipe("strip").optimisation.head_rate


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("rate=1", "'rate'"),
        ("optimisation.speed=1", "optimisation.speed"),
        ("optimisation.rate=fast", "optimisation.rate is 'fast'"),
        ("optimisation.batch=2.5", "optimisation.batch is 2.5"),
        ("optimisation.batch=0", "batch of at least 1"),
        ("optimisation.optimiser=lion", "adam, adamw, sgd"),
        ("optimisation.keep=1.5", "optimisation.keep is 1.5; expected from 0 to 1"),
        ("network.trained_blocks=20", "0 to 19"),
        ("input.height=100", "multiple of 32"),
        ("input.resize=crop", "fit, stretch"),
        ("augmentation.blackout=2", "augmentation.blackout is 2.0; expected from 0 to 1"),
        ("optimisation=1", "a section"),
        ("name.first=1", "'name' is no section"),
        ("epochs", "KEY=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said.replace(".", r"\.")):
        read_recipe("strip", ("name=x", override))


def test_what_needs_a_map_is_refused_for_a_classifier() -> None:
    with pytest.raises(RecipeError, match=r"optimisation\.refit is True; expected nothing like it for a classifier"):
        read_recipe("e1-15b", ("optimisation.refit=true",))


def test_no_such_recipe_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="e1-15b"):
        read_recipe("resnet")
    with pytest.raises(RecipeError, match="resnet"):
        read_recipe(str(tmp_path / "resnet.toml"))


def test_a_file_of_ones_own_needs_to_name_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[optimisation]\nbatch = 8\n", encoding="utf-8")
    recipe = read_recipe(str(tmp_path / "mine.toml"))
    assert (recipe.name, recipe.optimisation.batch, recipe.network.kind) == ("mine", 8, "strip")
    (tmp_path / "mine.toml").write_text("[optimisation\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"mine\.toml"):
        read_recipe(str(tmp_path / "mine.toml"))


def test_reading_a_recipe_loads_no_torch() -> None:
    code = (
        "import sys, steel_defect_trainer.recipe, steel_defect_trainer.errors; "
        "heavy = {'torch', 'torchvision'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)  # noqa: S603 - ours
