"""From pictures to predictions: one ONNX Runtime session and the contract inside its file."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import onnxruntime

from steel_defect.contract import ContractError, Decision, ModelContract, from_metadata
from steel_defect.errors import ModelUnavailable
from steel_defect.image import Picture, decode
from steel_defect.statistics import Statistics, statistics_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_INPUT: Final = "image"
_PROBABILITY: Final = "defect_prob"
_OPTIONAL_OUTPUTS: Final = ("class_prob", "defect_map")


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    Attributes:
        defect_prob: calibrated probability that the picture shows a defect, 0..1.
        defect_status: 1 if `defect_prob` reaches the model's threshold, else 0.
        decision: by the model's review band.
        class_prob: probability of each defect class by name; empty if the model has no such output.
        defect_map: float32 of shape (classes, rows, columns), probability of each class in each cell of the picture
            (padding cut off); None if the model has no such output.
        picture: what was decoded.
        statistics: what the picture looks like.
        decode_ms: milliseconds from bytes to the model's input.
        model_ms: milliseconds in the model; for a batch, the batch's time divided by its size.
    """

    defect_prob: float
    defect_status: int
    decision: Decision
    class_prob: dict[str, float]
    defect_map: NDArray[np.float32] | None
    picture: Picture
    statistics: Statistics
    decode_ms: float
    model_ms: float


class Scorer:
    """Scores pictures with one model. Safe to call from several threads: nothing changes after construction."""

    def __init__(self, model: bytes | Path, *, threads: int = 1) -> None:
        """Load a model file.

        Args:
            model: an ONNX file that follows the project's contract, or its bytes.
            threads: ONNX Runtime's threads for one call. With less than two processors to itself, more than one only
                makes them wait for each other.

        Raises:
            ModelUnavailable: cannot be read, not an ONNX file, or one that does not follow the contract.
        """
        self.sha256, self.size_bytes = _identity(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # One size of input at a time needs no plan for its memory: 4 MB less, and no slower.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            # A path if there is one: the bytes need not be in memory beside what is made of them.
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self.contract: ModelContract = from_metadata(self._session.get_modelmeta().custom_metadata_map)
        except ContractError as error:
            raise ModelUnavailable(str(error)) from error
        except Exception as error:  # ONNX Runtime's own exceptions share no base class of theirs.
            message = f"the model file cannot be loaded: {error}"
            raise ModelUnavailable(message) from error
        self._check_graph()
        self.threads = threads
        self.decision_from: Literal["model", "settings"] = "model"

    def deciding_by(self, contract: ModelContract) -> Scorer:
        """The same model in the same session, with threshold and review band of the deployment in its contract."""
        other = copy(self)
        other.contract = contract
        other.decision_from = "settings"
        return other

    @property
    def identity(self) -> dict[str, str]:
        """The model by name, version and SHA-256, as answers and results state it."""
        return {"name": self.contract.name, "version": self.contract.version, "sha256": self.sha256}

    def score(self, data: bytes) -> Prediction:
        """Score one picture given as the bytes of its file.

        Raises:
            SteelDefectError: the picture cannot be scored; see `steel_defect.image.decode`.
        """
        picture, decode_ms = self.decode(data)
        return self.score_decoded([picture], [decode_ms])[0]

    def decode(self, data: bytes) -> tuple[Picture, float]:
        """Decode one picture for this model, and the milliseconds that took."""
        start = perf_counter()
        picture = decode(data, self.contract.input)
        return picture, 1e3 * (perf_counter() - start)

    def score_decoded(self, pictures: Sequence[Picture], decode_ms: Sequence[float]) -> list[Prediction]:
        """Score a batch in one call of the model."""
        start = perf_counter()
        batch = np.stack([picture.pixels for picture in pictures])
        outputs = dict(zip(self._outputs, self._session.run(self._outputs, {_INPUT: batch}), strict=True))
        model_ms = 1e3 * (perf_counter() - start) / len(pictures)
        return [
            self._prediction({name: values[row] for name, values in outputs.items()}, picture, milliseconds, model_ms)
            for row, (picture, milliseconds) in enumerate(zip(pictures, decode_ms, strict=True))
        ]

    def _prediction(
        self, outputs: dict[str, NDArray[np.float32]], picture: Picture, decode_ms: float, model_ms: float
    ) -> Prediction:
        contract = self.contract
        probability = float(outputs[_PROBABILITY])
        classes = outputs.get("class_prob")
        defect_map = outputs.get("defect_map")
        return Prediction(
            defect_prob=probability,
            defect_status=int(probability >= contract.threshold),
            decision=contract.decide(probability),
            class_prob={} if classes is None else dict(zip(contract.class_names, map(float, classes), strict=True)),
            defect_map=None if defect_map is None else _cut_padding(defect_map, picture),
            picture=picture,
            statistics=statistics_of(picture),
            decode_ms=decode_ms,
            model_ms=model_ms,
        )

    def _check_graph(self) -> None:
        """Refuse a graph that does not take and give what the contract says, now and not at the first picture."""
        names = [output.name for output in self._session.get_outputs()]
        self._outputs = [_PROBABILITY, *(name for name in _OPTIONAL_OUTPUTS if name in names)]
        expected = (_INPUT, "tensor(uint8)", [self.contract.input.height, self.contract.input.width])
        found = [(node.name, node.type, list(node.shape[1:])) for node in self._session.get_inputs()]
        if found != [expected] or _PROBABILITY not in names:
            message = f"the model takes {found} and gives {names}; expected {[expected]} and {_PROBABILITY!r}"
            raise ModelUnavailable(message)


def _identity(model: bytes | Path) -> tuple[str, int]:
    """SHA-256 and size of a model file."""
    if isinstance(model, bytes):
        return hashlib.sha256(model).hexdigest(), len(model)
    try:
        with model.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except OSError as error:
        message = f"the model file {model} cannot be read: {error.strerror or error}"
        raise ModelUnavailable(message) from error


def _cut_padding(defect_map: NDArray[np.float32], picture: Picture) -> NDArray[np.float32]:
    """The cells of the map that cover the picture, the last row and column included if they cover it in part."""
    rows = -(-picture.content[0] * defect_map.shape[1] // picture.pixels.shape[0])
    columns = -(-picture.content[1] * defect_map.shape[2] // picture.pixels.shape[1])
    return defect_map[:, :rows, :columns]
