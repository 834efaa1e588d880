"""What a model file states about itself: the ONNX `metadata_props` that decide how a picture is read and judged.

The trainer writes them with `to_metadata`, the scorer reads them with `from_metadata`; nothing else knows the keys.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple, dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from steel_defect.camera import Orientation
from steel_defect.decision import Decision, Reason, decide

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Files of version 1 are read, too: they state no frame and no guard.
SCHEMA_VERSION = 2
READ_VERSIONS = (1, 2)
RESIZES = ("fit", "stretch")


class ContractError(ValueError):
    """The file is not a model of this project, or is of a schema that this version does not read."""


@dataclass(frozen=True)
class InputSpec:
    """How bytes become the model's input, and which bytes are refused.

    With `resize` "fit" the picture is scaled into `height` x `width` with its aspect kept and put into the top left
    corner, and the rest is filled with `pad` - black, as the strip's surroundings are in the training pictures. With
    "stretch" it fills `height` x `width`, whatever its aspect.
    """

    height: int = 128
    width: int = 800
    pad: int = 0
    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    min_side: int = 32
    max_aspect: float = 25.0
    resize: str = "fit"

    def __post_init__(self) -> None:
        """Refuse a way of scaling that this version does not know."""
        if self.resize not in RESIZES:
            message = f"expected resize to be one of {', '.join(RESIZES)}, got {self.resize!r}"
            raise ContractError(message)


@dataclass(frozen=True)
class Frame:
    """What the pictures were like that the model was trained on, in their own pixels.

    Attributes:
        width: of most of them.
        height: the same.
        aspects: the least and the greatest ratio of width to height among them.
        smallest: a picture of the frame's shape is scaled into it down to this part of the frame's size.
        largest: up to this multiple. Beyond it, a picture shows more strip, and is scored in tiles.
        mm_per_pixel: millimetres of strip that a pixel of theirs covers; None if that is not known.
        bit_depth: of their samples, for pictures that say nothing themselves; None if that is not known.
    """

    width: int
    height: int
    aspects: tuple[float, float]
    smallest: float = 0.5
    largest: float = 1.25
    mm_per_pixel: float | None = None
    bit_depth: int | None = None

    def __post_init__(self) -> None:
        """Refuse a frame of no size, or limits that leave out the frame itself."""
        low, high = self.aspects
        if min(self.width, self.height) < 1 or not 0 < low <= high or not 0 < self.smallest <= 1 <= self.largest:
            message = f"the frame cannot be: {self}"
            raise ContractError(message)

    @property
    def lies(self) -> Orientation:
        """How the strip runs in them; auto if they were both higher than wide and wider than high."""
        low, high = self.aspects
        if low > 1:
            return Orientation.HORIZONTAL
        return Orientation.VERTICAL if high < 1 else Orientation.AUTO


@dataclass(frozen=True)
class Guard:
    """How far a picture may be from those that the model was trained on; beyond it, its score means little.

    Attributes:
        dark: the brightest percent of its grays begins below this: the picture is dark.
        saturated: a larger share of its grays is burnt out.
        flat: the standard deviation of its grays is below this.
        blurred: neighbouring grays differ by less than this.
        noisy: neighbouring grays differ by more than this.
        unfamiliar: the output `novelty` of the graph is above this.
    """

    dark: float
    saturated: float
    flat: float
    blurred: float
    noisy: float
    unfamiliar: float

    def __post_init__(self) -> None:
        """Refuse limits that are no numbers: nothing would be beyond them."""
        if not all(isinstance(limit, int | float) and math.isfinite(limit) for limit in astuple(self)):
            message = f"the guard cannot be: {self}"
            raise ContractError(message)


@dataclass(frozen=True)
class MaskTerms:
    """From which probability on a pixel is damaged, and how much damage is a defect. Both for each class, in its order.

    Attributes:
        threshold: of the output `mask_prob` of the graph, above 0 and up to 1.
        least_area: a connected region that is smaller is no defect; in pixels of the frame, which are the picture's own
            for pictures like those that the model was trained on.
    """

    threshold: tuple[float, ...]
    least_area: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what would make every pixel a defect, or none."""
        good = all(0 < value <= 1 for value in self.threshold) and all(0 <= area < math.inf for area in self.least_area)
        if not good or len(self.threshold) != len(self.least_area):
            message = f"the masks cannot be: {self}"
            raise ContractError(message)


# For a model file that gives masks and does not say how to read them.
_EVEN_ODDS: Final = 0.5


@dataclass(frozen=True)
class Distribution:
    """How often values fall between edges: `shares[i]` from `edges[i - 1]` on and below `edges[i]`, open at both ends.

    Attributes:
        edges: rising.
        shares: one more than edges; they add up to 1.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse figures that are no distribution."""
        rising = all(low < high for low, high in pairwise(self.edges))
        whole = math.isclose(sum(self.shares), 1, abs_tol=1e-6) and min(self.shares) >= 0
        if not rising or not whole or len(self.shares) != len(self.edges) + 1:
            message = f"expected rising edges and one share more, of a sum of 1, got {self.edges} and {self.shares}"
            raise ContractError(message)


@dataclass(frozen=True)
class Reference:
    """The distributions of pictures and answers when the model was evaluated; drift is the distance from them.

    Attributes:
        pictures: how many it is from.
        statistics: by name, those of `steel_defect.statistics.Statistics`, and `defect_prob`.
    """

    pictures: int
    statistics: Mapping[str, Distribution]


@dataclass(frozen=True)
class ModelContract:
    """Everything beside the graph that decides an answer. Probabilities are calibrated, in 0..1.

    `reference`, `frame`, `guard` and `masks` are None in files of earlier versions of the trainer.
    """

    name: str
    version: str
    class_names: tuple[str, ...]
    threshold: float
    review_low: float
    review_high: float
    training_data_digest: str
    git_commit: str
    licence: str
    input: InputSpec = field(default_factory=InputSpec)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    reference: Reference | None = None
    frame: Frame | None = None
    guard: Guard | None = None
    masks: MaskTerms | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Refuse an invalid band or threshold, or terms of masks of other classes."""
        if not 0 <= self.review_low <= self.threshold <= self.review_high <= 1:
            message = (
                "expected 0 <= review_low <= threshold <= review_high <= 1, got "
                f"{self.review_low}, {self.threshold}, {self.review_high}"
            )
            raise ContractError(message)
        if len(self.mask_terms.threshold) != len(self.class_names):
            message = f"the masks are not of the classes {', '.join(self.class_names)}: {self.masks}"
            raise ContractError(message)

    @property
    def mask_terms(self) -> MaskTerms:
        """How masks are read: as the file says, else from even odds on, however small."""
        classes = len(self.class_names)
        return self.masks or MaskTerms((_EVEN_ODDS,) * classes, (0.0,) * classes)

    def decide(self, probability: float, reasons: Collection[Reason] = ()) -> Decision:
        """The decision for a calibrated probability, by the review band, and for what is known of the picture."""
        return decide(probability, self.review_low, self.review_high, reasons)


_OPTIONAL: Final = ("reference", "frame", "guard", "masks")


def to_metadata(contract: ModelContract) -> dict[str, str]:
    """The contract as ONNX metadata: one key a field, each value JSON; no key for what the contract does not state."""
    content = {key: value for key, value in asdict(contract).items() if key not in _OPTIONAL or value is not None}
    return {key: json.dumps(value, sort_keys=True) for key, value in content.items()}


def from_metadata(metadata: Mapping[str, str]) -> ModelContract:
    """Read the contract of a model file.

    Raises:
        ContractError: a key is missing, not JSON, of another schema version, or out of range.
    """
    try:
        schema_version = json.loads(metadata["schema_version"])
        if schema_version not in READ_VERSIONS:
            versions = " and ".join(map(str, READ_VERSIONS))
            message = f"the model file has schema version {schema_version}; this program reads versions {versions}"
            raise ContractError(message)
        required = [item.name for item in fields(ModelContract) if item.name not in _OPTIONAL]
        values = {name: json.loads(metadata[name]) for name in required}
        values["class_names"] = tuple(values["class_names"])
        values["input"] = InputSpec(**values["input"])
        reference, frame, guard, masks = (json.loads(metadata.get(name, "null")) for name in _OPTIONAL)
        values["reference"] = _reference(reference)
        values["frame"] = None if frame is None else Frame(**{**frame, "aspects": tuple(frame["aspects"])})
        values["guard"] = None if guard is None else Guard(**guard)
        values["masks"] = None if masks is None else MaskTerms(**{name: tuple(masks[name]) for name in masks})
        return ModelContract(**values)
    except KeyError as error:
        message = f"the model file has no metadata {error}: not a steel-defect model, or exported by another tool"
        raise ContractError(message) from error
    except (TypeError, ValueError) as error:
        if isinstance(error, ContractError):
            raise
        message = f"the model file's metadata cannot be read: {error}"
        raise ContractError(message) from error


def _reference(content: Any) -> Reference | None:  # noqa: ANN401 - JSON
    match content:
        case None:
            return None
        case {"pictures": int(pictures), "statistics": dict(statistics)}:
            return Reference(pictures, {name: _distribution(item) for name, item in statistics.items()})
        case _:
            message = f"the model file's reference cannot be read: {str(content)[:200]}"
            raise ContractError(message)


def _distribution(content: dict[str, list[float]]) -> Distribution:
    return Distribution(tuple(map(float, content["edges"])), tuple(map(float, content["shares"])))
