"""The pictures a run is most wrong about."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from steel_defect.contract import InputSpec
from steel_defect.errors import SteelDefectError
from steel_defect.image import decode

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.evaluation.evaluation import Evaluation

_MOST: Final = 12
# As large as the report shows them; the picture is fitted in.
_SHOWN: Final = InputSpec(height=400, width=800)


@dataclass(frozen=True)
class Mistake:
    """One picture on the wrong side of the threshold.

    Attributes:
        name: of the picture.
        probability: calibrated.
        classes: that it truly has, in words.
        jpeg: the picture, gray; None if it cannot be shown.
        why_not: the reason, if it cannot.
    """

    name: str
    probability: float
    classes: str
    jpeg: bytes | None
    why_not: str = ""


def worst_mistakes(evaluation: Evaluation) -> tuple[tuple[Mistake, ...], tuple[Mistake, ...]]:
    """Defects that were missed and clean pictures called a defect, at most 12 each, the most certain ones first."""
    probabilities, truth = evaluation.probabilities, evaluation.predictions.truth
    called = probabilities >= evaluation.calibration.threshold
    # By logit: far from the threshold probabilities may be equal when rounded.
    surest = np.argsort(evaluation.predictions.defect_logits, kind="stable")
    missed = [int(index) for index in surest if truth[index] and not called[index]][:_MOST]
    alarms = [int(index) for index in surest[::-1] if called[index] and not truth[index]][:_MOST]
    return tuple(_show(evaluation, index) for index in missed), tuple(_show(evaluation, index) for index in alarms)


def _show(evaluation: Evaluation, index: int) -> Mistake:
    predictions = evaluation.predictions
    has = predictions.classes[index] > 0
    name, probability = predictions.names[index], float(evaluation.probabilities[index])
    classes = ", ".join(label for label, present in zip(evaluation.class_names, has, strict=True) if present)
    folder = evaluation.run.pictures
    if folder is None:
        return Mistake(name, probability, classes, None, "the run does not say where its pictures are")
    try:
        return Mistake(name, probability, classes, _jpeg(folder / name))
    except (OSError, SteelDefectError) as error:
        return Mistake(name, probability, classes, None, f"cannot be shown: {error}")


def _jpeg(path: Path) -> bytes:
    picture = decode(path.read_bytes(), _SHOWN)
    rows, columns = picture.content
    buffer = BytesIO()
    Image.fromarray(picture.pixels[:rows, :columns]).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
