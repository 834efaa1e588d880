"""The calibration of the bundled model: set as if defects were as frequent as in all of Severstal's pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.evaluation.calibration import calibrate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect_trainer.evaluation.calibration import Calibration

# Share of defect pictures in the whole Severstal training set: 6,666 of 12,568. Our few real pictures have far more, so
# they are weighted to this share wherever a probability or a threshold is set.
DEFECT_SHARE: Final = 6666 / 12568


def weights_for_share(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights (N,) that sum to N and give defects the share they have of all Severstal pictures."""
    share = truth.mean()
    weights: NDArray[np.float64] = np.where(truth, DEFECT_SHARE / share, (1 - DEFECT_SHARE) / (1 - share))
    return weights


def calibrate_as_severstal(logits: NDArray[np.floating], truth: NDArray[np.bool_]) -> Calibration:
    """Fit calibration and bounds to held-out logits as if defects had their share of all Severstal pictures."""
    return calibrate(logits, truth, weights=weights_for_share(truth))
