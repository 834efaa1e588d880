"""Recipes: everything beside the data that decides a training run, as a small file that is kept with the run."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, get_type_hints

from steel_defect.contract import ContractError, InputSpec
from steel_defect_trainer.errors import RecipeError
from steel_defect_trainer.strips import BLOCKS, CELL

RECIPES: Final = Path(__file__).parent / "recipes"
_CHOICES: Final = {
    "network.kind": ("strip", "unified", "clean", "classifier"),
    "network.batch_norm": ("trained", "frozen"),
    "optimisation.optimiser": ("adam", "adamw", "sgd"),
    "optimisation.schedule": ("constant", "cosine"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
}
_SHARES: Final = (
    *(f"augmentation.{key}" for key in ("horizontal_flip", "vertical_flip", "shift", "blackout", "window", "paste")),
    "optimisation.keep",
)
_ONLY_FOR: Final = {"optimisation.refit": "strip", "augmentation.window": "unified", "augmentation.paste": "unified"}


@dataclass(frozen=True)
class Network:
    """Which network, and what of it is trained.

    Attributes:
        kind: "strip" (a map of classes), "unified" (a mask of each class, and what the picture as a whole shows),
            "clean" (how far from clean pictures; nothing is trained) or "classifier" (one answer a picture).
        trained_blocks: how many of the 19 feature blocks are trained, from the last one on. With none of a unified
            network's, logistic regression judges the picture, and masks alone learn.
        batch_norm: whether the trained blocks' batch normalisation is "trained" or "frozen"; elsewhere it is frozen.
        dropout: chance to drop a value before the last layer.
        pooled: of a classifier: side of the square that features are averaged to, 0 for none.
        hidden: of a classifier: width of its hidden layer, 0 for none.
    """

    kind: str = "strip"
    trained_blocks: int = BLOCKS
    batch_norm: str = "trained"
    dropout: float = 0.2
    pooled: int = 0
    hidden: int = 0

    @property
    def learns_masks(self) -> bool:
        """Whether it learns places from masks, in fields of 4 x 4 pixels, and not from cells of 32 x 32."""
        return self.kind == "unified"

    @property
    def masks_alone(self) -> bool:
        """Whether masks alone learn step by step: the body rests, and logistic regression judges the picture."""
        return self.learns_masks and not self.trained_blocks

    @property
    def learns_from_clean(self) -> bool:
        """Whether it looks at clean pictures once, and needs no defects; the others learn step by step from both."""
        return self.kind == "clean"


@dataclass(frozen=True)
class Optimisation:
    """How the weights move.

    Attributes:
        optimiser: "adam", "adamw" or "sgd", each without momentum other than its own.
        rate: peak learning rate of the last feature block.
        layer_decay: factor on the rate from each block to the one before it.
        head_rate: peak learning rate of what is behind the features.
        weight_decay: of all weights but those of normalisation and the offsets.
        batch: pictures in a step, over all processes.
        epochs: how often every picture is seen.
        steps: number of batches instead, if it is not 0.
        heads_first: of all steps, how many come first in which only the head learns.
        schedule: after the warm-up: "constant", or "cosine" down to zero.
        warm_up: share of the steps in which the rate rises.
        average: decay of the moving average of the weights, which is what comes out, once it has warmed up; 0 for the
            last weights.
        clip: largest norm of a gradient; 0 for no limit.
        balance: fill half of each batch with defects, whatever their share.
        patience: epochs without a better validation ROC-AUC before training stops; 0 for never.
        keep: share of the weights that training started from in those that come out; for few pictures of another
            origin 0.5 (Wortsman et al., 2022, "Robust fine-tuning of zero-shot models").
        refit: of a strip network: at the end, fit its weights for the whole picture; see `training.whole`.
    """

    optimiser: str = "adamw"
    rate: float = 6e-4
    layer_decay: float = 1.0
    head_rate: float = 3e-3
    weight_decay: float = 0.02
    batch: int = 16
    epochs: float = 20.0
    steps: int = 0
    heads_first: int = 0
    schedule: str = "cosine"
    warm_up: float = 0.1
    average: float = 0.98
    clip: float = 5.0
    balance: bool = False
    patience: int = 0
    keep: float = 0.0
    refit: bool = False


@dataclass(frozen=True)
class Augmentation:
    """Chances and strengths of random changes.

    Attributes:
        horizontal_flip: chance.
        vertical_flip: chance.
        exposure: largest change in stops (factors of two), either way.
        contrast: largest change of the exponent of the contrast curve in powers of two, either way.
        shift: chance that the strip moves sideways, black behind it.
        blackout: chance that all damage is painted out, which makes the picture clean; on clean ones sound places are.
        window: of a unified network: chance that a part of the strip, mirrored again and again, fills its length; of a
            damaged strip every second part is a sound one.
        paste: of a unified network: chance that damage of another strip is pasted in, for the masks to learn from. The
            picture's own answer is then not learned: pasted damage is easier to tell than true damage.
    """

    horizontal_flip: float = 0.5
    vertical_flip: float = 0.5
    exposure: float = 0.0
    contrast: float = 0.0
    shift: float = 0.0
    blackout: float = 0.0
    window: float = 0.0
    paste: float = 0.0


@dataclass(frozen=True)
class Data:
    """Which pictures are learned from.

    Attributes:
        train: how many pictures of the training part; 0 for all.
        validation: how many others of the training part to validate on, if `train` is given.
        final: learn from training and validation together, then answer the test part once.
    """

    train: int = 0
    validation: int = 0
    final: bool = False


@dataclass(frozen=True)
class Recipe:
    """One way of training. `input` says how bytes become the network's input."""

    name: str
    about: str = ""
    seed: int = 0
    precision: str = "auto"
    input: InputSpec = field(default_factory=InputSpec)
    network: Network = field(default_factory=Network)
    optimisation: Optimisation = field(default_factory=Optimisation)
    augmentation: Augmentation = field(default_factory=Augmentation)
    data: Data = field(default_factory=Data)

    def __post_init__(self) -> None:
        """Refuse invalid values by the name of their key."""
        for key, allowed in _CHOICES.items():
            value = _at(self, key)
            if value not in allowed:
                _refuse(key, value, f"one of {', '.join(allowed)}")
        for key in _SHARES:
            value = _at(self, key)
            if not isinstance(value, float) or not 0 <= value <= 1:
                _refuse(key, value, "from 0 to 1")
        for key, kind in _ONLY_FOR.items():
            if _at(self, key) and self.network.kind != kind:
                _refuse(key, _at(self, key), f"nothing like it for a {self.network.kind}: it is for a {kind} network")
        _check_numbers(self)


def names() -> list[str]:
    """Names of the recipes that come with the trainer."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def described() -> str:
    """The recipes that come with the trainer, a paragraph each, for a command's help."""
    return "\n\n".join(f"{name}: {_about(name)}" for name in names())


def _about(name: str) -> str:
    return str(tomllib.loads((RECIPES / f"{name}.toml").read_text(encoding="utf-8"))["about"])


def read_recipe(name: str, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe by its name, or a file, and change what `overrides` say ("optimisation.rate=1e-4").

    Raises:
        RecipeError: no such recipe, not TOML, an unknown key, or an invalid value.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        message = f"there is no recipe {name!r}: choose one of {', '.join(names())}, or name a .toml file"
        raise RecipeError(message)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: {error}"
        raise RecipeError(message) from error
    table.setdefault("name", path.stem)
    for override in overrides:
        _override(table, override)
    return from_table(table)


def from_table(table: dict[str, Any]) -> Recipe:
    """Build a recipe from nested dicts, as `to_json` wrote them.

    Raises:
        RecipeError: an unknown key or a value of another type.
    """
    recipe = _build(Recipe, table, "")
    assert isinstance(recipe, Recipe)  # noqa: S101 - the builder gives what it is asked for
    return recipe


def to_json(recipe: Recipe) -> str:
    """Write the resolved recipe, every key named."""
    return json.dumps(asdict(recipe), indent=2) + "\n"


def _override(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        message = f"--set takes KEY=VALUE, such as optimisation.rate=1e-4; got {override!r}"
        raise RecipeError(message)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    target: object = table
    for section in sections:
        target = target.setdefault(section, {}) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        message = f"--set {override}: {'.'.join(sections)!r} is no section of a recipe"
        raise RecipeError(message)
    target[last] = value


def _build(kind: Any, table: dict[str, Any], prefix: str) -> object:  # noqa: ANN401 - any of the dataclasses above
    known = {item.name: get_type_hints(kind)[item.name] for item in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{prefix}{key}"
        if key not in known:
            message = f"a recipe has no {where!r}; here there are {', '.join(known)}"
            raise RecipeError(message)
        wanted = known[key]
        if is_dataclass(wanted):
            if not isinstance(value, dict):
                _refuse(where, value, "a section")
            values[key] = _build(wanted, value, f"{where}.")
            continue
        exact = float(value) if wanted is float and type(value) is int else value
        if type(exact) is not wanted:
            _refuse(where, value, f"a value of type {wanted.__name__}")
        values[key] = exact
    try:
        return kind(**values)
    except ContractError as error:
        raise RecipeError(str(error)) from error


def _check_numbers(recipe: Recipe) -> None:
    """Refuse sizes and counts that cannot be meant."""
    for key in ("height", "width"):
        if getattr(recipe.input, key) < CELL or getattr(recipe.input, key) % CELL:
            _refuse(f"input.{key}", getattr(recipe.input, key), f"a multiple of {CELL}")
    if not 0 <= recipe.network.trained_blocks <= BLOCKS:
        _refuse("network.trained_blocks", recipe.network.trained_blocks, f"0 to {BLOCKS}")
    plan = recipe.optimisation
    if plan.batch < 1 or plan.epochs <= 0 or plan.heads_first < 0:
        _refuse("optimisation", plan, "a batch of at least 1, more than 0 epochs and at least 0 heads_first")


def _at(recipe: Recipe, key: str) -> object:
    value: object = recipe
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _refuse(key: str, value: object, expected: str) -> None:
    message = f"recipe: {key} is {value!r}; expected {expected}"
    raise RecipeError(message)
