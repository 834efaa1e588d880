"""Threshold and review band of a deployment, in place of those of whatever model it serves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from steel_defect.http import Request
from steel_defect.override import Override, OverrideError
from steel_defect.settings import SettingsError, settings_from
from tests.pictures import encoded, gray, strip_jpeg
from tests.probe_model import CONTRACT, probe_model
from tests.requests_table import predict
from tests.transports import CloudRun, Lambda

if TYPE_CHECKING:
    from pathlib import Path

BAND = {"THRESHOLD": "0.3", "REVIEW_LOW": "0.1", "REVIEW_HIGH": "0.35"}


def test_each_value_takes_the_place_of_the_models_and_the_others_stay() -> None:
    assert settings_from({}).override == Override()
    assert not settings_from({"THRESHOLD": "", "REVIEW_LOW": "", "REVIEW_HIGH": ""}).override
    override = settings_from({"THRESHOLD": "0.3", "REVIEW_LOW": "0"}).override
    assert override
    assert override.apply(CONTRACT) == replace(CONTRACT, threshold=0.3, review_low=0)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"THRESHOLD": "much"}, "THRESHOLD must be a number from 0 to 1, not 'much'"),
        ({"REVIEW_LOW": "nan"}, "REVIEW_LOW must be"),
        ({"REVIEW_HIGH": "1.01"}, "REVIEW_HIGH must be"),
        ({"THRESHOLD": "-0.1"}, "THRESHOLD must be"),
        ({"THRESHOLD": "0.5", "REVIEW_LOW": "0.6"}, "got REVIEW_LOW=0.6, THRESHOLD=0.5"),
        ({"REVIEW_HIGH": "0.5", "REVIEW_LOW": "0.6"}, "got REVIEW_LOW=0.6, REVIEW_HIGH=0.5"),
        ({"THRESHOLD": "0.5", "REVIEW_HIGH": "0.4"}, "got THRESHOLD=0.5, REVIEW_HIGH=0.4"),
    ],
)
def test_what_no_model_could_have_ends_the_start(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(environment)
    assert message in str(caught.value)


def test_what_does_not_fit_the_rest_of_a_model_says_what_to_set_as_well() -> None:
    with pytest.raises(OverrideError) as caught:
        Override(threshold=0.8).apply(CONTRACT)
    message = (
        "the settings THRESHOLD=0.8 do not fit REVIEW_LOW=0.25, REVIEW_HIGH=0.75 of the model probe 1: set REVIEW_LOW"
    )
    assert str(caught.value).startswith(message)


@pytest.fixture(params=[CloudRun, Lambda], ids=["Cloud Run", "Lambda"])
def kind(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - a class of servers
    """Each platform's own server."""
    return request.param


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The probe model."""
    path = tmp_path / "model.onnx"
    path.write_bytes(probe_model())
    return path


def test_a_function_decides_by_its_settings_and_says_so(kind: Any, model: Path) -> None:  # noqa: ANN401 - as above
    picture = encoded(gray(np.full((256, 1600), 103.0)))  # 0.404 of white: for review by the model itself
    with kind(model, environment=BAND) as server:
        said = json.loads(server.send(Request("GET", "/model")).body)
        answer = json.loads(server.send(predict(picture)).body)
    assert [said[name.lower()] for name in BAND] == [0.3, 0.1, 0.35]
    assert said["decision_from"] == "settings"
    assert (answer["decision"], answer["defect_status"], answer["threshold"]) == ("reject", 1, 0.3)
    with kind(model) as server:
        said = json.loads(server.send(Request("GET", "/model")).body)
        before = json.loads(server.send(predict(picture)).body)
    assert (said["threshold"], said["decision_from"]) == (0.5, "model")
    assert (before["decision"], before["defect_status"]) == ("review", 0)
    assert (before["defect_prob"], before["model"]) == (answer["defect_prob"], answer["model"])


def test_a_model_that_does_not_fit_the_settings_is_never_served(kind: Any, model: Path) -> None:  # noqa: ANN401 - as above
    with kind(model, environment={"THRESHOLD": "0.8"}) as server:
        answer = server.send(predict(strip_jpeg()))
    assert answer.status == 503
    assert "set REVIEW_LOW and REVIEW_HIGH as well" in json.loads(answer.body)["detail"]
