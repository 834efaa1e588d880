"""A model for programs in Python that need no server: `Model.load().predict("picture.jpg")`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from steel_defect.loading import load_model
from steel_defect.machine import processors
from steel_defect.model_uri import ModelFile, parse_model_uri
from steel_defect.override import Override
from steel_defect.settings import BUNDLED_MODEL

if TYPE_CHECKING:
    from steel_defect.camera import Camera
    from steel_defect.contract import ModelContract
    from steel_defect.prediction import Prediction
    from steel_defect.scorer import Scorer


class Model:
    """A loaded model. Safe to use from several threads; no variable of the environment changes what it decides.

    Attributes:
        contract: what the model file says about itself: name, version, classes, threshold, review band.
        sha256: of the file.
    """

    def __init__(self, scorer: Scorer) -> None:
        """Take what scores; `load` makes it."""
        self._scorer = scorer
        self.contract: ModelContract = scorer.contract
        self.sha256: str = scorer.sha256

    @classmethod
    def load(cls, source: str | os.PathLike[str] | None = None, *, threads: int | None = None) -> Self:
        """Load a model.

        Args:
            source: an ONNX file, by its path or a URI that ends in .onnx; or a model of a registry: STORE/models/NAME
                (the version in production now) or STORE/models/NAME/SHA256, with a STORE such as s3://bucket,
                gs://bucket or file:///folder. None for the bundled model.
            threads: for one picture; None for as many as there are processors. Use 1 if several threads predict.

        Raises:
            ModelUnavailable: it cannot be loaded; says why.
            ValueError: the URI is of none of these forms.
        """
        wanted = ModelFile(str(BUNDLED_MODEL)) if source is None else parse_model_uri(os.fspath(source))
        return cls(load_model(wanted, Override(), threads=threads or max(1, int(processors(os.environ)))))

    def predict(self, picture: bytes | str | os.PathLike[str], camera: Camera | None = None) -> Prediction:
        """Score one picture.

        Args:
            picture: the bytes of its file, or the path of it.
            camera: what is known of what took it; None if nothing is.

        Raises:
            SteelDefectError: the picture cannot be scored; says why, and `problem()` says it to programs.
            OSError: the file cannot be read.
        """
        data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        return self._scorer.score(data, camera)
