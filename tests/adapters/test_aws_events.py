"""Events that AWS never sends, from a caller who invokes the function directly: each is answered, by what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aws_events
from steel_defect.api import Api, refused
from steel_defect.errors import MalformedBody
from steel_defect.scorer import Scorer
from steel_defect.uploads.refs import ObjectRef
from tests.adapters.test_aws import http_event, rest_event
from tests.probe_model import probe_model
from tests.uploads import events

HALF_A_PAIR = "\ud800"
SCORER = Scorer(probe_model())
API = Api(lambda: SCORER)


def answer(event: object) -> dict[str, Any]:
    """What the function answers, as `aws.api` does."""
    try:
        response = API.handle(aws_events.request_in(event, API.route))
    except MalformedBody as error:
        response = refused(error)
    return aws_events.answer_to(event, response)


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (http_event(body=["a"]), "'body' is not text"),
        (rest_event(body=7), "'body' is not text"),
        (http_event(body={"image": ""}, isBase64Encoded=False), "'body' is not text"),
        (http_event(body="é"), "its body is base64, and it is not"),
        (http_event(body=HALF_A_PAIR, isBase64Encoded=False), "'body' is not text"),
        (rest_event(body=HALF_A_PAIR), "'body' is not text"),
        (without(http_event(), "rawPath"), "'rawPath' is not text"),
        (http_event(rawPath=HALF_A_PAIR), "'rawPath' is not text"),
        (http_event(requestContext={"http": {"path": "/predict"}}), "'method' is not text"),
        (http_event(requestContext={"http": None}), "'method' is not text"),
        (http_event(requestContext={"http": "POST"}), "'http' is not an object"),
        (http_event(requestContext="http"), "'requestContext' is not an object"),
        (rest_event(requestContext="elb"), "'requestContext' is not an object"),
        (rest_event(requestContext=["elb"]), "'requestContext' is not an object"),
        (rest_event(requestContext=7), "'requestContext' is not an object"),
        (without(rest_event(), "path"), "'path' is not text"),
        (rest_event(httpMethod=None), "'httpMethod' is not text"),
        (rest_event(headers={"Content-Type": None}), "'Content-Type' is not text"),
        (http_event(headers=["content-type"]), "'headers' is not an object"),
        (rest_event(headers=None, multiValueHeaders={"Content-Type": "image/jpeg"}), "not a list"),
        (rest_event(headers=None, multiValueHeaders={"Content-Type": [None]}), "'Content-Type' is not text"),
        (http_event(queryStringParameters={"map": ["true"]}), "'map' is not text"),
        (http_event(queryStringParameters={"map": None}), "'map' is not text"),
        (http_event(queryStringParameters="map=true"), "'queryStringParameters' is not an object"),
        (
            rest_event(multiValueQueryStringParameters={"map": [True]}, requestContext={"elb": {}}),
            "'map' is not text",
        ),
        ({"messageVersion": "1.0", "actionGroup": "strips", "apiPath": "/predict"}, "neither an HTTP request"),
        ({"Records": None}, "neither an HTTP request"),
        ({"Records": ["aws:sqs"]}, "neither an HTTP request"),
        ({"image": HALF_A_PAIR}, "'image' is not base64"),
        ({"image": [1]}, "the JSON must be an object"),
    ],
)
def test_an_event_with_a_part_of_another_type_is_refused_with_the_name_of_the_part(event: object, reason: str) -> None:
    refusal = answer(event)
    assert refusal["statusCode"] == 400
    problem = json.loads(refusal["body"])
    assert problem["type"].endswith("malformed-body")
    assert reason in problem["detail"]


def test_null_stands_for_what_is_absent() -> None:
    nothing = {"headers": None, "multiValueHeaders": None, "multiValueQueryStringParameters": None}
    assert answer(rest_event(**nothing))["statusCode"] == 200
    assert answer(http_event(queryStringParameters=None))["statusCode"] == 200
    assert answer(http_event(body=None))["statusCode"] == 400


REF = ObjectRef("s3", "uploads", "a.jpg", order="1", size=1)
NOTIFICATION = events.s3_notification(REF)


@pytest.mark.parametrize(
    "event",
    [
        NOTIFICATION,
        events.eventbridge(REF),
        events.sqs(NOTIFICATION),
        {"Records": [{"EventSource": "aws:sns", "Sns": events.sns(NOTIFICATION)}]},
    ],
    ids=["S3", "EventBridge", "SQS", "SNS"],
)
def test_a_notification_is_no_request_and_its_sender_hears_of_it(event: dict[str, Any]) -> None:
    # Who sends notifications takes any answer for success: the upload would be lost, and no alarm would ring.
    with pytest.raises(aws_events.Misrouted, match="the upload function takes it"):
        answer(event)


_SCALARS = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "é", "/predict", HALF_A_PAIR, "%ff"])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["http", "elb", "method", "stage", "map", "domainName", "é"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
_PARTS = sorted(
    {*http_event(), *rest_event(), "queryStringParameters", "multiValueQueryStringParameters", "image", "map"}
)


@given(st.sampled_from([{}, http_event(), rest_event()]), st.dictionaries(st.sampled_from(_PARTS), _VALUES, max_size=4))
def test_whatever_the_parts_of_an_event_are_it_is_answered(event: dict[str, Any], parts: dict[str, Any]) -> None:
    got = answer({**event, **parts})
    assert got["statusCode"] in {200, 400, 404, 405, 413, 415, 422}
    json.dumps(got).encode()
