"""Lambda's event shapes through its real runtime."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.pictures import strip_jpeg
from tests.requests_table import predict
from tests.transports import Lambda

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = base64.b64encode(strip_jpeg()).decode()


def rest_event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What an API Gateway REST API sends (payload format 1.0)."""
    return {
        "resource": "/{proxy+}",
        "path": "/predict",
        "httpMethod": "POST",
        "headers": {"Content-Type": "image/jpeg"},
        "multiValueHeaders": {"Content-Type": ["image/jpeg"]},
        "queryStringParameters": None,
        "requestContext": {"stage": "prod", "httpMethod": "POST", "path": "/prod/predict"},
        "body": PICTURE,
        "isBase64Encoded": True,
        **changes,
    }


def http_event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What an HTTP API or a Function URL sends (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"content-type": "image/jpeg"},
        "requestContext": {"http": {"method": "POST", "path": "/predict"}, "stage": "$default"},
        "body": PICTURE,
        "isBase64Encoded": True,
        **changes,
    }


def probability(answer: dict[str, Any]) -> float:
    assert answer["statusCode"] == 200, answer
    return float(json.loads(answer["body"])["defect_prob"])


def test_every_event_shape_gives_the_same_answer(aws_lambda: Lambda) -> None:
    direct = aws_lambda.invoke({"image": PICTURE})
    assert set(direct) >= {"statusCode", "body"}
    assert isinstance(direct["body"], str)
    assert probability(aws_lambda.invoke(rest_event())) == probability(direct)
    assert probability(aws_lambda.invoke(http_event())) == probability(direct)


def test_a_direct_invocation_can_ask_for_the_map(aws_lambda: Lambda) -> None:
    assert "defect_map" in json.loads(aws_lambda.invoke({"image": PICTURE, "map": True})["body"])


def test_the_stage_of_an_http_api_is_no_part_of_the_path(aws_lambda: Lambda) -> None:
    context = {"http": {"method": "POST", "path": "/dev/predict"}, "stage": "dev"}
    assert probability(aws_lambda.invoke(http_event(rawPath="/dev/predict", requestContext=context)))


def test_text_bodies_come_without_base64(aws_lambda: Lambda) -> None:
    event = rest_event(
        headers={"Content-Type": "application/json"}, body=json.dumps({"image": PICTURE}), isBase64Encoded=False
    )
    assert probability(aws_lambda.invoke(event))


@pytest.mark.parametrize(
    "event",
    [
        {}, [], "image", 7, None, {"requestContext": None}, {"image": 7}, {"image": ""}, {"Records": []},
        http_event(body="not base64!"), http_event(body=None), rest_event(body=None, headers=None),
        http_event(body=[PICTURE]), http_event(rawPath=None), http_event(requestContext="http"),
        rest_event(headers={"Content-Type": None}), rest_event(queryStringParameters={"map": ["true"]}),
    ],
)  # fmt: skip
def test_an_event_that_makes_no_sense_is_answered_not_raised(aws_lambda: Lambda, event: object) -> None:
    answer = aws_lambda.invoke(event)
    assert 400 <= answer["statusCode"] < 500
    assert answer["headers"]["content-type"] == "application/problem+json"


def test_a_notification_fails_so_that_it_is_sent_again_and_an_alarm_rings(aws_lambda: Lambda) -> None:
    failure = aws_lambda.invoke_failing({"Records": [{"eventSource": "aws:s3", "s3": {}}]})
    assert failure["errorType"] == "Misrouted"


def test_a_missing_model_is_a_503_and_no_crash(tmp_path: Path) -> None:
    with Lambda(model=tmp_path / "missing.onnx") as server:
        answer = server.send(predict(strip_jpeg()))
        assert answer.status == 503
        assert json.loads(answer.body)["type"].endswith("model-unavailable")
        assert "missing.onnx cannot be read" in server.output()
