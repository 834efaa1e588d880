"""From a logit to an answer: calibration, threshold and review band, chosen on pictures that were not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize_scalar

from steel_defect.decision import Decision, decision_index
from steel_defect_trainer.evaluation.review_band import review_band, undercut
from steel_defect_trainer.evaluation.scan import above, best_f1, best_precision, scan_thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_SCALE: Final = 0.05
_MOST_SCALE: Final = 20.0
# Of clean pictures that a person looks at without need, one in so many may be rejected, if no defect is known.
_REJECTED: Final = 10


@dataclass(frozen=True)
class Calibration:
    """How a logit becomes an answer: probability = sigmoid(scale * logit + offset), then three bounds on it.

    A picture's decision follows from `review_low` and `review_high` (see `decision_index`). It is called a defect from
    `threshold` on, which lies between the two.
    """

    scale: float
    offset: float
    threshold: float
    review_low: float
    review_high: float

    def log_odds(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated log-odds of a defect, float64 of the same shape."""
        odds: NDArray[np.float64] = self.scale * np.asarray(logits, np.float64) + self.offset
        return odds

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probability of a defect, float64 of the same shape."""
        return sigmoid(self.log_odds(logits))


def calibrate(  # noqa: PLR0913 - each a way to choose the threshold
    logits: NDArray[np.floating],
    truth: NDArray[np.bool_],
    *,
    recall_floor: float | None = None,
    false_alarms: float | None = None,
    threshold: float | None = None,
    weights: NDArray[np.float64] | None = None,
) -> Calibration:
    """Fit the calibration to held-out logits and set the bounds.

    Args:
        logits: (N,), higher for defects.
        truth: (N,), with pictures of both kinds.
        recall_floor: the threshold has the best precision among those with this recall or more; None for the best F1.
        false_alarms: the threshold is one that no more than this share of new clean pictures are expected to reach.
        threshold: takes this one instead.
        weights: (N,), if defects are not as frequent among these pictures as they will be; None if they are. Without
            weights calibration is temperature scaling, with weights it has an offset too.

    Raises:
        ValueError: pictures of one kind only.
        RecallFloorUnmet: no threshold has that recall.
    """
    if truth.all() or not truth.any():
        message = f"calibration needs pictures with a defect and without; there are {int(truth.sum())} of {len(truth)}"
        raise ValueError(message)
    exact = np.asarray(logits, np.float64)
    scale, offset = (temperature(exact, truth), 0.0) if weights is None else _logistic(exact, truth, weights)
    probabilities = sigmoid(scale * exact + offset)
    if threshold is None and false_alarms is not None:
        threshold = float(above(sigmoid(-undercut(-(scale * exact + offset)[~truth], false_alarms))))
    if threshold is None:
        scan = scan_thresholds(probabilities, truth, weights)
        threshold = best_f1(scan) if recall_floor is None else best_precision(scan, recall_floor)
    low, high = review_band(probabilities, truth, threshold)
    return Calibration(scale, offset, threshold, low, high)


def calibrate_by_clean(
    logits: NDArray[np.floating], false_alarms: float, threshold: float | None = None
) -> Calibration:
    """Set the bounds by clean pictures alone, for a network whose logit grows by one with each deviation of theirs.

    Of new clean pictures no more than `false_alarms` are expected not to pass, and a tenth of that to be rejected: of n
    pictures the k-th highest is reached by the next one with the chance k / (n + 1). A probability of 0.5 is where they
    no longer pass; as no defect is known, it is no chance of one, and nobody knows how many defects pass.

    Args:
        logits: (N,), of held-out clean pictures.
        false_alarms: share of them, above 0 and below 1.
        threshold: takes this one instead.
    """
    lowest_first = -np.asarray(logits, np.float64)
    limit, sure = (-float(undercut(lowest_first, share)) for share in (false_alarms, false_alarms / _REJECTED))
    chosen = 0.5 if threshold is None else threshold
    rejected = float(above(sigmoid(np.array(sure - limit))))
    return Calibration(1.0, -limit, chosen, chosen, max(rejected, chosen))


def count_decisions(
    probabilities: NDArray[np.floating], truth: NDArray[np.bool_], low: float, high: float
) -> dict[str, dict[str, int]]:
    """How many "defect" and "clean" pictures each decision has, by its name."""
    found = decision_index(probabilities, low, high)
    return {
        decision.value: {
            "defect": int((truth & (found == index)).sum()),
            "clean": int((~truth & (found == index)).sum()),
        }
        for index, decision in enumerate(Decision)
    }


def temperature(logits: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The scale, one over the temperature, under which the labels are likeliest (Guo et al., 2017); 0.05 to 20.

    As if one more picture of each kind had been seen, and one with the scores of that kind and the other label (Platt,
    1999): so no probability is surer than so many pictures can show, and pictures that are separated give a scale too.
    """
    defects, clean = int(truth.sum()), int((~truth).sum())
    wanted = np.where(truth, (defects + 1) / (defects + 2), 1 / (clean + 2))

    def loss(exponent: float) -> float:
        return float(cross_entropy(math.exp(exponent) * logits, wanted).mean())

    bounds = (math.log(_LEAST_SCALE), math.log(_MOST_SCALE))
    return math.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7}).x)


def sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of log-odds, without overflow."""
    probability: NDArray[np.float64] = np.exp(-np.logaddexp(0, -log_odds))
    return probability


def cross_entropy(log_odds: NDArray[np.float64], truth: NDArray[np.bool_] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Binary cross-entropy of each picture, in nats; `truth` may be a probability."""
    loss: NDArray[np.float64] = np.logaddexp(0, log_odds) - log_odds * truth
    return loss


def _logistic(
    logits: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and offset of a weighted logistic regression by Newton's method, the slope drawn gently towards 1."""
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    prior, strength = np.array([1.0, 0.0]), np.diag([1.0, 1e-3])
    answer = prior.copy()
    for _ in range(50):
        probabilities = sigmoid(design @ answer)
        slope = design.T @ (weights * (probabilities - truth)) + strength @ (answer - prior)
        curvature = (design * (weights * probabilities * (1 - probabilities))[:, None]).T @ design + strength
        answer = answer - np.clip(np.linalg.solve(curvature, slope), -1, 1)
    return float(max(answer[0], _LEAST_SCALE)), float(answer[1])
