"""openapi.json against what the core, Cloud Run's server and Lambda's runtime really answer."""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from steel_defect.errors import PROBLEM_TYPE
from steel_defect.http import Request, Response
from tests.pictures import strip_jpeg
from tests.requests_table import bad_requests, good_requests, predict

if TYPE_CHECKING:
    from tests.transports import Transport

GOOD = good_requests()
BAD = bad_requests()
OPENAPI = "/openapi.json"


def assert_in_contract(transport: Transport, request: Request, response: Response) -> Any:  # noqa: ANN401 - JSON
    """Fail where the answer is not what openapi.json says of this path, method and status; give its JSON."""
    document = json.loads(transport.send(Request("GET", OPENAPI)).body)
    said = document["paths"][request.path.rstrip("/") or "/"][request.method.lower()]["responses"][str(response.status)]
    said = _resolve(document, said)
    media_type = response.headers["content-type"]
    content = json.loads(response.body)
    schema = {**said["content"][media_type]["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(content)
    return content


def _resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for step in node.get("$ref", "#").split("/")[1:]:
        document = document[step]
    return document if "$ref" in node else node


@pytest.mark.parametrize("name", GOOD)
def test_every_envelope_gives_the_same_answer(transport: Transport, name: str) -> None:
    response = transport.send(GOOD[name])
    assert response.status == HTTPStatus.OK, response.body
    content = assert_in_contract(transport, GOOD[name], response)
    reference = json.loads(transport.send(predict(strip_jpeg())).body)
    assert content["defect_prob"] == reference["defect_prob"]
    assert content["image"] == {"width": 1600, "height": 256, "format": "JPEG"}
    assert "defect_map" not in content


@pytest.mark.parametrize("name", BAD)
def test_every_bad_request_has_its_own_typed_problem(transport: Transport, name: str) -> None:
    request, status, slug = BAD[name]
    response = transport.send(request)
    assert response.status == status, response.body
    assert response.headers["content-type"] == "application/problem+json"
    content = json.loads(response.body)
    assert content["type"] == PROBLEM_TYPE + slug
    assert content["status"] == status
    assert "Traceback" not in response.body
    assert len(response.body) < 600
    if status not in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        assert_in_contract(transport, request, response)


def test_the_map_on_request(transport: Transport) -> None:
    request = predict(strip_jpeg(), map="true")
    content = assert_in_contract(transport, request, transport.send(request))
    found = content["defect_map"]
    assert (found["classes"], found["rows"], found["columns"]) == (["left", "right"], 4, 25)
    assert found["values"][0][0] == sorted(found["values"][0][0])


def test_a_preview_on_request(transport: Transport) -> None:
    request = predict(strip_jpeg(), preview="true", map="true")
    content = assert_in_contract(transport, request, transport.send(request))
    assert (content["preview"]["width"], content["preview"]["height"]) == (1600, 256)
    assert base64.b64decode(content["preview"]["jpeg"]).startswith(b"\xff\xd8")


def test_the_shape_of_lookout_for_vision_on_request(transport: Transport) -> None:
    request = predict(strip_jpeg(), shape="lookout")
    content = assert_in_contract(transport, request, transport.send(request))["DetectAnomalyResult"]
    reference = json.loads(transport.send(predict(strip_jpeg())).body)
    assert content["IsAnomalous"] == (reference["decision"] != "pass")


@pytest.mark.parametrize("path", ["/health", "/healthz", "/model", OPENAPI])
def test_what_can_be_read(transport: Transport, path: str) -> None:
    request = Request("GET", path)
    response = transport.send(request)
    assert response.status == HTTPStatus.OK
    assert_in_contract(transport, request, response)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_what_people_read(transport: Transport, path: str) -> None:
    """What is on the pages is shown by tests/page."""
    document = json.loads(transport.send(Request("GET", OPENAPI)).body)
    response = transport.send(Request("GET", path))
    (media_type,) = document["paths"][path]["get"]["responses"][str(response.status)]["content"]
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.body.startswith("<!doctype html>")


def test_a_wrong_method_is_told_the_right_ones(transport: Transport) -> None:
    assert transport.send(Request("GET", "/predict")).headers["allow"] == "POST"
    assert transport.send(Request("POST", "/model")).headers["allow"] == "GET, HEAD"


def test_a_bad_request_leaves_the_next_one_unharmed(transport: Transport) -> None:
    transport.send(BAD["body over the limit"][0])
    assert transport.send(predict(strip_jpeg())).status == HTTPStatus.OK


def test_coil_and_position_come_back_as_they_were_stated(transport: Transport) -> None:
    request = predict(strip_jpeg(), coil='Ä47/11 "<b>', position_mm="128000.5")
    content = assert_in_contract(transport, request, transport.send(request))
    assert (content["coil"], content["position_mm"]) == ('Ä47/11 "<b>', 128_000.5)
    assert not {"coil", "position_mm"} & set(json.loads(transport.send(predict(strip_jpeg())).body))
