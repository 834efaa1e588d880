"""Several pictures in one request, on the core and real servers of both clouds: each has its own answer or problem."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from steel_defect import batch as batches
from steel_defect.errors import Busy
from tests.adapters.logs import log_lines, measured
from tests.adapters.test_http_contract import assert_in_contract
from tests.pictures import encoded, strip_jpeg
from tests.requests_table import FORM, JSON, batch, in_form, predict, with_fields
from tests.transports import CloudRun, Lambda
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.http import Request
    from tests.transports import Transport

PASSED, REJECTED = (encoded(Image.new("L", (1600, 256), value)) for value in (20, 220))
PICTURES = [PASSED, b"no picture", REJECTED, b"", strip_jpeg()]


def in_json(*pictures: bytes, **fields: object) -> bytes:
    return json.dumps({"images": [base64.b64encode(picture).decode() for picture in pictures], **fields}).encode()


def came_of(transport: Transport, request: Request) -> list[dict[str, Any]]:
    response = transport.send(request)
    assert response.status == 200, response.body
    content: dict[str, Any] = assert_in_contract(transport, request, response)
    return [*content["answers"]]


@pytest.mark.parametrize("request_", [batch(in_form(*PICTURES)), batch(in_json(*PICTURES), JSON)], ids=["form", "JSON"])
def test_each_picture_has_the_answer_or_the_problem_that_it_has_alone(transport: Transport, request_: Request) -> None:
    found = came_of(transport, request_)
    assert [sorted(one) for one in found] == [["answer", "file"], ["file", "problem"]] * 2 + [["answer", "file"]]
    for picture, one in zip(PICTURES, found, strict=True):
        alone = json.loads(transport.send(predict(picture)).body)
        if "problem" in one:
            assert one["problem"]["type"] == alone["type"]
        else:
            assert {**one["answer"], "timings_ms": 0} == {**alone, "timings_ms": 0}
    assert {one["file"] for one in found} == ({"strip.jpg"} if request_.headers == FORM else {None})


def test_sixteen_are_not_too_many(transport: Transport) -> None:
    assert len(came_of(transport, batch(in_form(*[PASSED] * 16)))) == 16


def test_one_that_is_no_base64_harms_no_other(transport: Transport) -> None:
    body = json.dumps({"images": ["not/base64!", base64.b64encode(PASSED).decode(), 7]}).encode()
    found = came_of(transport, batch(body, JSON))
    assert [one.get("problem", {}).get("status") for one in found] == [400, None, 400]


def test_what_the_body_states_goes_as_if_the_query_did(transport: Transport) -> None:
    stated = {"coil": "47Ä11", "bit_depth": "12"}
    for request in (batch(in_form(PASSED, REJECTED, **stated)), batch(in_json(PASSED, REJECTED, **stated), JSON)):
        assert {one["answer"]["coil"] for one in came_of(transport, request)} == {"47Ä11"}
    for request in (
        predict(in_form(PASSED, position_mm="5", map="true", **stated), FORM),
        predict(with_fields(PASSED, position_mm=5, map=True, camera="of the seed's clients", **stated), JSON),
    ):
        answer = assert_in_contract(transport, request, transport.send(request))
        assert (answer["coil"], answer["position_mm"]) == ("47Ä11", 5)
        assert "defect_map" in answer


def test_a_function_is_invoked_with_several_pictures(aws_lambda: Lambda) -> None:
    said = aws_lambda.invoke(json.loads(in_json(*PICTURES, coil="4711")))
    answers = json.loads(said["body"])["answers"]
    assert [one.get("answer", {}).get("coil") for one in answers] == ["4711", None, "4711", None, "4711"]


@pytest.mark.parametrize("runtime", [CloudRun, Lambda])
def test_logs_and_metrics_have_each_picture_as_a_request(runtime: type[CloudRun | Lambda], probe_file: Path) -> None:
    with runtime(model=probe_file, environment={"LOG_SAMPLE_RATE": "1"}) as server:
        server.send(batch(in_form(PASSED, b"no picture", REJECTED)))
        server.send(batch(in_form()))
        wait_for(lambda: len(log_lines(server.output())) == 4 and len(measured(server.output())) >= 2)
        lines, counted = log_lines(server.output()), measured(server.output())
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/batch", status) for status in (200, 422, 200, 400)
    ]
    assert [line.get("decision", line.get("problem")) for line in lines[:3]] == ["pass", "not-an-image", "reject"]
    assert [line["request_bytes"] for line in lines[:3]] == [len(PASSED), len(b"no picture"), len(REJECTED)]
    assert sum(call.get("DefectFound", 0) for call in counted) == 1
    assert sum(call.get("Responses2xx", 0) for call in counted) == 2


def test_pictures_for_which_there_is_no_time_left_are_to_be_sent_again() -> None:
    found = batches.answers([("a", lambda: b""), ("b", lambda: b"")], lambda _: {}, last_begins=-1)
    assert [(one["file"], one["problem"]["status"]) for one in found] == [("a", Busy.status), ("b", Busy.status)]


def test_a_fault_of_ours_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def score(picture: bytes) -> dict[str, Any]:
        return {"bytes": picture[0]}

    found = batches.answers([(None, lambda: b""), (None, lambda: b"a")], score)
    assert [one.get("problem", {}).get("status") for one in found] == [500, None]
    assert "IndexError" in caplog.text
