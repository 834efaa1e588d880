"""From pictures to predictions: one ONNX Runtime session and the contract inside its file."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import onnxruntime

from steel_defect.admission import UNLIMITED, Admission
from steel_defect.camera import Camera
from steel_defect.contract import ContractError, ModelContract, from_metadata
from steel_defect.errors import ModelUnavailable
from steel_defect.guard import reasons_against
from steel_defect.pictures import open_picture
from steel_defect.pictures.views import view_of
from steel_defect.prediction import ImageFacts, Prediction, ViewFacts, joined_map
from steel_defect.statistics import DARK, appearance_of, histogram, statistics_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.decision import Reason
    from steel_defect.pictures import PictureSource
    from steel_defect.pictures.views import View
    from steel_defect.statistics import Statistics

_INPUT: Final = "image"
_PROBABILITY: Final = "defect_prob"
_OPTIONAL_OUTPUTS: Final = ("class_prob", "defect_map", "novelty")
# So many tiles at a time: more take memory and save nothing.
_BATCH: Final = 4
# Of several tiles, one with more dark pixels than this share shows what is beside the strip.
_BESIDE: Final = 0.995


@dataclass(frozen=True)
class _ScoredPage:
    index: int
    view: View
    tiles: int
    probability: float
    reasons: tuple[Reason, ...]
    classes: NDArray[np.float32] | None
    defect_map: NDArray[np.float32] | None
    novelty: float | None
    statistics: Statistics


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

    def score(self, data: bytes, camera: Camera | None = None, admission: Admission | None = None) -> Prediction:
        """Score one picture given as the bytes of its file.

        Args:
            data: the bytes.
            camera: what is known of the camera; None if nothing is.
            admission: bounds what is scored at a time; None for no bound.

        Raises:
            SteelDefectError: the picture cannot be scored; see `open_picture` and `view_of`.
        """
        start = perf_counter()
        spec, frame = self.contract.input, self.contract.frame
        camera = camera or Camera()
        depth = camera.bit_depth or (frame.bit_depth if frame else None)
        model_ms = 0.0
        pages: list[_ScoredPage] = []
        with (
            open_picture(data, max_bytes=spec.max_bytes, max_pixels=spec.max_pixels, bit_depth=depth) as source,
            (admission or UNLIMITED).held(source.memory),
        ):
            for index in range(len(source.pages)):
                view = view_of(source, index, spec, frame, camera)
                began = perf_counter()
                pages.append(self._score_page(index, view))
                model_ms += 1e3 * (perf_counter() - began)
            return self._prediction(pages, source, 1e3 * (perf_counter() - start) - model_ms, model_ms)

    def predict(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Every output of the model by name, for inputs uint8 (N, height, width)."""
        return dict(zip(self._outputs, self._session.run(self._outputs, {_INPUT: pixels}), strict=True))

    def _score_page(self, index: int, view: View) -> _ScoredPage:
        """Score the tiles of one page; what the worst of them says counts."""
        spec, guard = self.contract.input, self.contract.guard
        counts = histogram(view.canvas)
        tiles = list(view.tiles(spec))
        grays = [counts] if len(tiles) == 1 else [histogram(tile) for tile in tiles]
        lit = [number for number, one in enumerate(grays) if one[:DARK].sum() <= _BESIDE * one.sum()]
        lit = lit or [0]
        outputs = self._run([tiles[number] for number in lit])
        probabilities, novelty = outputs[_PROBABILITY], outputs.get("novelty")
        reasons = dict.fromkeys(view.framing.reasons)
        if guard is not None:
            for place, number in enumerate(lit):
                far = None if novelty is None else float(novelty[place])
                reasons |= dict.fromkeys(reasons_against(appearance_of(tiles[number], grays[number]), far, guard))
        maps = None
        if "defect_map" in outputs:
            blank = np.zeros_like(outputs["defect_map"][0])
            found = dict(zip(lit, outputs["defect_map"], strict=True))
            maps = joined_map([found.get(number, blank) for number in range(len(tiles))], view.framing, spec)
        return _ScoredPage(
            index=index,
            view=view,
            tiles=len(lit),
            probability=float(probabilities.max()),
            reasons=tuple(reasons),
            classes=outputs["class_prob"].max(axis=0) if "class_prob" in outputs else None,
            defect_map=maps,
            novelty=None if novelty is None else float(novelty.max()),
            statistics=statistics_of(counts),
        )

    def _run(self, tiles: Sequence[NDArray[np.uint8]]) -> dict[str, NDArray[np.float32]]:
        """Every output for tiles of any size up to the model's input, a few at a time."""
        spec = self.contract.input
        parts = []
        for start in range(0, len(tiles), _BATCH):
            some = tiles[start : start + _BATCH]
            batch = np.full((len(some), spec.height, spec.width), spec.pad, np.uint8)
            for pixels, tile in zip(batch, some, strict=True):
                pixels[: tile.shape[0], : tile.shape[1]] = tile
            parts.append(self.predict(batch))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _prediction(
        self, pages: Sequence[_ScoredPage], source: PictureSource, decode_ms: float, model_ms: float
    ) -> Prediction:
        contract = self.contract
        # The page that decides: the one that is least allowed to pass, and of those the one with the highest odds.
        worst = max(pages, key=lambda page: (page.probability, bool(page.reasons)))
        reasons = tuple(dict.fromkeys(reason for page in pages for reason in page.reasons))
        classes = [page.classes for page in pages if page.classes is not None]
        novelties = [page.novelty for page in pages if page.novelty is not None]
        view, depth = worst.view, source.depth
        assert depth is not None  # noqa: S101 - a page was read
        return Prediction(
            defect_prob=worst.probability,
            defect_status=int(worst.probability >= contract.threshold),
            decision=contract.decide(worst.probability, reasons),
            reasons=reasons,
            class_prob=dict(zip(contract.class_names, map(float, np.max(classes, axis=0)), strict=True))
            if classes
            else {},
            defect_map=worst.defect_map,
            novelty=max(novelties, default=None),
            image=ImageFacts(view.page.width, view.page.height, source.format),
            view=ViewFacts(
                turned=90 if view.framing.turned else 0,
                scale=round(view.framing.scale, 6),
                tiles=sum(page.tiles for page in pages),
                pages=len(pages),
                page=worst.index + 1,
                bit_depth=depth.bits,
                bit_depth_from=depth.origin,
                content=view.content,
            ),
            statistics=worst.statistics,
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
