"""Answers in the shape of Amazon Lookout for Vision: a client of that service passes nothing that we would not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.decision import Decision
from steel_defect.lookout import detect_anomaly_result
from steel_defect.scorer import Scorer
from tests.pictures import encoded, gray, strip_jpeg
from tests.probe_model import MASKED, probe_model

if TYPE_CHECKING:
    from steel_defect.prediction import Prediction


def passes(prediction: Prediction, limit: float) -> bool:
    """As Amazon's sample client decides."""
    result = detect_anomaly_result(prediction, ("left", "right"))["DetectAnomalyResult"]
    return not (result["IsAnomalous"] and result["Confidence"] >= limit)


@pytest.mark.parametrize("prob", [0.0, 0.01, 0.3, 0.99])
@pytest.mark.parametrize("limit", [0.0, 0.5, 0.9, 1.0])
def test_what_a_person_should_see_is_passed_by_no_limit(probe: Scorer, prob: float, limit: float) -> None:
    """A dark picture, for example, whose probability says nothing."""
    prediction = replace(probe.score(strip_jpeg()), defect_prob=prob, decision=Decision.REVIEW)
    assert not passes(prediction, limit)
    assert passes(replace(prediction, decision=Decision.PASS), limit)


@pytest.mark.parametrize(
    ("decision", "anomalous", "confidence"),
    [(Decision.PASS, False, 0.75), (Decision.REVIEW, True, 1.0), (Decision.REJECT, True, 0.25)],
)
def test_confidence_is_in_what_is_said(
    probe: Scorer, decision: Decision, *, anomalous: bool, confidence: float
) -> None:
    prediction = replace(probe.score(strip_jpeg()), defect_prob=0.25, decision=decision)
    assert detect_anomaly_result(prediction, ("left", "right")) == {
        "DetectAnomalyResult": {"Source": {"Type": "direct"}, "IsAnomalous": anomalous, "Confidence": confidence}
    }


def test_classes_are_listed_behind_the_background_with_their_shares() -> None:
    scorer = Scorer(probe_model(MASKED, masks=True))
    pixels = np.full((256, 1600), 120, np.uint8)
    pixels[40:120, 400:560] = 230
    names = scorer.contract.class_names
    result = detect_anomaly_result(scorer.score(encoded(gray(pixels))), names)["DetectAnomalyResult"]
    background, found = result["Anomalies"]
    assert background["Name"] == "background"
    assert background["PixelAnomaly"] == {"TotalPercentageArea": pytest.approx(0.96875), "Color": "#FFFFFF"}
    assert found["Name"] == "left"
    assert found["PixelAnomaly"]["TotalPercentageArea"] == pytest.approx(0.03125)
    sound = scorer.score(encoded(gray(np.full((256, 1600), 120, np.uint8))))
    assert [item["Name"] for item in detect_anomaly_result(sound, names)["DetectAnomalyResult"]["Anomalies"]] == [
        "background"
    ]
