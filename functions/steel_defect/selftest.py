"""The last check before a model serves: does it score a picture at all?"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from steel_defect.errors import ModelUnavailable, SteelDefectError

if TYPE_CHECKING:
    from steel_defect.contract import InputSpec
    from steel_defect.scorer import Scorer


def self_test(scorer: Scorer) -> None:
    """Score a drawn picture, and check that every number of the answer is a probability.

    Raises:
        ModelUnavailable: the picture cannot be scored, or a number is not finite, or not in 0..1.
    """
    try:
        prediction = scorer.score(_picture(scorer.contract.input))
    except SteelDefectError as error:
        message = f"the model refuses the self-test picture: {error}"
        raise ModelUnavailable(message) from error
    except Exception as error:  # ONNX Runtime's own exceptions share no base class of theirs.
        message = f"the model fails on the self-test picture: {error}"
        raise ModelUnavailable(message) from error
    numbers = [prediction.defect_prob, *prediction.class_prob.values()]
    mask = None if prediction.mask is None else prediction.mask.prob
    found = np.concatenate([numbers, *(cells.ravel() for cells in (prediction.defect_map, mask) if cells is not None)])
    # NaN is not between anything.
    if not np.all((found >= 0) & (found <= 1)):
        message = f"the model answers the self-test picture with {prediction.defect_prob} and more, not all in 0..1"
        raise ModelUnavailable(message)


def _picture(spec: InputSpec) -> bytes:
    """A shaded strip with a dark scratch, of the size of the model's input, as the bytes of a PNG."""
    pixels = np.tile(np.linspace(60, 200, spec.width), (spec.height, 1)).astype(np.uint8)
    pixels[spec.height // 2, spec.width // 4 : spec.width // 2] = 20
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
