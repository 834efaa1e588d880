"""From pictures to predictions: one ONNX Runtime session and the contract inside its file."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import replace
from math import isnan
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from steel_defect.admission import UNLIMITED, Admission
from steel_defect.camera import Camera
from steel_defect.contract import ContractError, ModelContract, from_metadata
from steel_defect.defects import together
from steel_defect.errors import ModelUnavailable
from steel_defect.pictures import open_picture
from steel_defect.pictures.views import view_of
from steel_defect.prediction import ImageFacts, Prediction, ViewFacts
from steel_defect.scored_page import score_page
from steel_defect.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.pictures import PictureSource
    from steel_defect.pictures.preview import Preview
    from steel_defect.scored_page import ScoredPage

_INPUT: Final = "image"
_PROBABILITY: Final = "defect_prob"
# Classes, rows and columns.
_MASK_AXES: Final = 3
_OPTIONAL_OUTPUTS: Final = ("class_prob", "defect_map", "mask_prob", "novelty")


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
        try:
            self._session = open_session(model, threads)
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

    def score(
        self,
        data: bytes,
        camera: Camera | None = None,
        admission: Admission | None = None,
        *,
        with_preview: bool = False,
    ) -> Prediction:
        """Score one picture given as the bytes of its file.

        Args:
            data: the bytes.
            camera: what is known of the camera; None if nothing is.
            admission: bounds what is scored at a time; None for no bound.
            with_preview: whether to make `preview`.

        Raises:
            SteelDefectError: the picture cannot be scored; see `open_picture` and `view_of`.
        """
        start = perf_counter()
        spec, frame = self.contract.input, self.contract.frame
        camera = camera or Camera()
        depth = camera.bit_depth or (frame.bit_depth if frame else None)
        model_ms = 0.0
        pages: list[ScoredPage] = []
        with (
            open_picture(data, max_bytes=spec.max_bytes, max_pixels=spec.max_pixels, bit_depth=depth) as source,
            (admission or UNLIMITED).held(source.memory),
        ):
            for index in range(len(source.pages)):
                view = view_of(source, index, spec, frame, camera)
                began = perf_counter()
                pages.append(score_page(view, index, self.contract, camera, self.predict))
                model_ms += 1e3 * (perf_counter() - began)
            prediction = self._prediction(pages, source, 1e3 * (perf_counter() - start) - model_ms, model_ms)
            return replace(prediction, preview=_preview(source, prediction)) if with_preview else prediction

    def predict(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Every output of the model by name, for inputs uint8 (N, height, width)."""
        return dict(zip(self._outputs, self._session.run(self._outputs, {_INPUT: pixels}), strict=True))

    def _prediction(
        self, pages: Sequence[ScoredPage], source: PictureSource, decode_ms: float, model_ms: float
    ) -> Prediction:
        contract = self.contract
        # NaN is no probability, and decides as the worst: compared with others, it would be passed over.
        worst = max(pages, key=lambda page: (isnan(page.probability), page.probability, bool(page.reasons)))
        reasons = tuple(dict.fromkeys(reason for page in pages for reason in page.reasons))
        classes = [page.classes for page in pages if page.classes is not None]
        novelties = [page.novelty for page in pages if page.novelty is not None]
        view = worst.view
        return Prediction(
            defect_prob=worst.probability,
            defect_status=int(worst.probability >= contract.threshold),
            decision=contract.decide(worst.probability, reasons),
            reasons=reasons,
            class_prob=dict(zip(contract.class_names, map(float, np.max(classes, axis=0)), strict=True))
            if classes
            else {},
            defect_map=worst.defect_map,
            defects=together(page.defects for page in pages),
            mask=worst.mask,
            novelty=max(novelties, default=None),
            image=ImageFacts(view.page.width, view.page.height, source.format),
            view=ViewFacts(
                turned=90 if view.framing.turned else 0,
                scale=round(view.framing.scale, 6),
                tiles=sum(page.tiles for page in pages),
                pages=len(pages),
                page=worst.index + 1,
                bit_depth=view.depth.bits,
                bit_depth_from=view.depth.origin,
                content=view.content,
            ),
            statistics=worst.statistics,
            decode_ms=decode_ms,
            model_ms=model_ms,
        )

    def _check_graph(self) -> None:
        """Refuse a graph that does not take and give what the contract says, now and not at the first picture."""
        outputs = self._session.get_outputs()
        names = [output.name for output in outputs]
        self._outputs = [_PROBABILITY, *(name for name in _OPTIONAL_OUTPUTS if name in names)]
        expected = (_INPUT, "tensor(uint8)", [self.contract.input.height, self.contract.input.width])
        found = [(node.name, node.type, list(node.shape[1:])) for node in self._session.get_inputs()]
        if found != [expected] or _PROBABILITY not in names:
            message = f"the model takes {found} and gives {names}; expected {[expected]} and {_PROBABILITY!r}"
            raise ModelUnavailable(message)
        masks = next((output.shape for output in outputs if output.name == "mask_prob"), None)
        # Of the batch's dimension, and of those that the file leaves open, nothing is known.
        known = [] if masks is None else [size if isinstance(size, int) else None for size in masks[1:]]
        classes = len(self.contract.class_names)
        if masks is not None and (len(known) != _MASK_AXES or known[0] not in {classes, None}):
            message = (
                f"the model gives masks of shape {masks}; expected {classes} classes, rows and columns of each picture"
            )
            raise ModelUnavailable(message)


def _preview(source: PictureSource, prediction: Prediction) -> Preview:
    from steel_defect.pictures.preview import preview_of  # no other prediction needs it

    return preview_of(source, prediction.view.page - 1)


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
