"""The answer for one picture as Amazon Lookout for Vision gave it, for clients that were written for that service."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from steel_defect.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect.prediction import Prediction

_BACKGROUND: Final = {"Name": "background", "Color": "#FFFFFF"}
# Of the first classes; further ones begin again.
_COLOURS: Final = ("#23A436", "#4DD8FF", "#7ED321", "#F5A623", "#D0021B", "#9013FE")


def detect_anomaly_result(prediction: Prediction, class_names: Sequence[str]) -> dict[str, Any]:
    """What `DetectAnomalies` answered. `schema LookoutAnswer` in openapi.json describes it.

    The service knew no review: what a person should see is anomalous, and of full confidence, because clients pass
    what is below a confidence of their own. There is no `AnomalyMask`.
    """
    confidence = {
        Decision.PASS: 1 - prediction.defect_prob,
        Decision.REVIEW: 1.0,
        Decision.REJECT: prediction.defect_prob,
    }[prediction.decision]
    result: dict[str, Any] = {
        "Source": {"Type": "direct"},
        "IsAnomalous": prediction.decision is not Decision.PASS,
        "Confidence": confidence,
    }
    # As the service did: a model without masks lists nothing.
    if prediction.mask is not None:
        result["Anomalies"] = _anomalies(prediction, class_names)
    return {"DetectAnomalyResult": result}


def _anomalies(prediction: Prediction, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """The background first, then each class that is seen, with its share of the picture."""
    shares: dict[str, float] = defaultdict(float)
    for defect in prediction.defects.largest:
        shares[defect.class_name] += defect.area_share
    sound = max(0.0, 1 - sum(shares.values()))
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(class_names)}
    return [
        _anomaly(_BACKGROUND["Name"], sound, _BACKGROUND["Color"]),
        *(_anomaly(name, min(1.0, shares[name]), colours[name]) for name in class_names if name in shares),
    ]


def _anomaly(name: str, share: float, colour: str) -> dict[str, Any]:
    return {"Name": name, "PixelAnomaly": {"TotalPercentageArea": share, "Color": colour}}
