"""What a model file says about itself: the ONNX `metadata_props` that decide how a picture is read and judged.

The trainer writes them with `to_metadata`, the scorer reads them with `from_metadata`; nothing else knows the keys.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1
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
class ModelContract:
    """Everything beside the graph that decides an answer. Probabilities are calibrated, in 0..1."""

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
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Refuse a band or a threshold that cannot be meant."""
        if not 0 <= self.review_low <= self.threshold <= self.review_high <= 1:
            message = (
                "expected 0 <= review_low <= threshold <= review_high <= 1, got "
                f"{self.review_low}, {self.threshold}, {self.review_high}"
            )
            raise ContractError(message)


def to_metadata(contract: ModelContract) -> dict[str, str]:
    """The contract as ONNX metadata: one key a field, each value JSON."""
    return {key: json.dumps(value, sort_keys=True) for key, value in asdict(contract).items()}


def from_metadata(metadata: Mapping[str, str]) -> ModelContract:
    """Read the contract of a model file.

    Raises:
        ContractError: a key is missing, not JSON, of another schema version, or out of range.
    """
    try:
        schema_version = json.loads(metadata["schema_version"])
        if schema_version != SCHEMA_VERSION:
            message = f"the model file has schema version {schema_version}; this program reads version {SCHEMA_VERSION}"
            raise ContractError(message)
        values = {item.name: json.loads(metadata[item.name]) for item in fields(ModelContract)}
        values["class_names"] = tuple(values["class_names"])
        values["input"] = InputSpec(**values["input"])
        return ModelContract(**values)
    except KeyError as error:
        message = f"the model file has no metadata {error}: not a steel-defect model, or exported by another tool"
        raise ContractError(message) from error
    except (TypeError, json.JSONDecodeError) as error:
        message = f"the model file's metadata cannot be read: {error}"
        raise ContractError(message) from error
