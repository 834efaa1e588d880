"""Requests and what must come of them, on every transport."""

from __future__ import annotations

import base64
import json

from PIL import Image

from steel_defect.http import Request
from tests.pictures import encoded, gradient, gray, pixel_bomb, strip_jpeg
from tests.probe_model import CONTRACT

JPEG = {"content-type": "image/jpeg"}
JSON = {"content-type": "application/json"}
CURL = {"content-type": "application/x-www-form-urlencoded"}
BOUNDARY = "a-boundary"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def predict(body: bytes = b"", headers: dict[str, str] | None = None, **query: str) -> Request:
    """A request to score one picture."""
    return Request("POST", "/predict", JPEG if headers is None else headers, query, body)


def in_json(picture: bytes) -> bytes:
    """As the seed's clients send a picture."""
    return json.dumps({"image": base64.b64encode(picture).decode()}).encode()


def in_form(*pictures: bytes, filename: str = 'filename="strip.jpg"', **fields: str) -> bytes:
    """A multipart form with these fields and files."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts += [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; {filename}\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + picture
        + b"\r\n"
        for picture in pictures
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def with_fields(picture: bytes, **fields: object) -> bytes:
    """The same with other fields beside the picture."""
    return json.dumps({"image": base64.b64encode(picture).decode(), **fields}).encode()


def batch(body: bytes, headers: dict[str, str] | None = None, **query: str) -> Request:
    """A request to score several pictures."""
    return Request("POST", "/batch", FORM if headers is None else headers, query, body)


def good_requests() -> dict[str, Request]:
    """Different envelopes around the same picture."""
    picture = strip_jpeg()
    wrapped = json.dumps({"image": base64.encodebytes(picture).decode()}).encode()
    return {
        "raw": predict(picture),
        "raw, octet stream": predict(picture, {"content-type": "application/octet-stream"}),
        "raw, type in capitals and with a parameter": predict(picture, {"content-type": "IMAGE/JPEG; q=1"}),
        "raw, called another picture type": predict(picture, {"content-type": "image/png"}),
        "base64 in JSON": predict(in_json(picture), JSON),
        "base64 in JSON with a charset": predict(in_json(picture), {"content-type": "application/json; charset=utf-8"}),
        "data URL in JSON": predict(in_json(picture).replace(b'": "', b'": "data:image/jpeg;base64,'), JSON),
        "base64 with line breaks": predict(wrapped, JSON),
        "multipart form": predict(in_form(picture), FORM),
        "raw, of the type that curl states by default": predict(picture, CURL),
        "base64 in JSON of that type": predict(in_json(picture), CURL),
        "raw, of no type": predict(picture, {}),
        "path with a slash at its end": Request("POST", "/predict/", JPEG, {}, picture),
    }


def bad_requests() -> dict[str, tuple[Request, int, str]]:
    """Name -> request, status, slug of the problem."""
    picture = strip_jpeg()
    maximum = CONTRACT.input.max_bytes
    tiny = encoded(Image.new("L", (8, 8)))
    return {
        "empty body": (predict(), 400, "empty-body"),
        "empty picture in JSON": (predict(b'{"image": ""}', JSON), 400, "empty-body"),
        "empty file in a form": (predict(in_form(b""), FORM), 400, "empty-body"),
        "wrong content type": (predict(picture, {"content-type": "text/plain"}), 415, "unsupported-media-type"),
        "fields of a form of the type that curl states by default": (
            predict(b"image=strip.jpg&map=true", CURL), 422, "not-an-image"),
        "compressed body": (predict(picture, {**JPEG, "content-encoding": "gzip"}), 415, "unsupported-media-type"),
        "truncated JPEG": (predict(picture[: len(picture) // 2]), 422, "damaged-image"),
        "too small to mean anything": (predict(tiny), 422, "image-too-small"),
        "81 megapixels in 10 kB": (predict(pixel_bomb()), 413, "too-many-pixels"),
        "a text file named .jpg": (predict(b"these are my notes\n" * 100), 422, "not-an-image"),
        "a format not on the list": (predict(encoded(gray(gradient()), "GIF")), 422, "not-an-image"),
        "base64 that is not base64": (predict(b'{"image": "not/base64!"}', JSON), 400, "malformed-body"),
        "base64 with a foreign character in it": (
            predict(in_json(picture).replace(b'"}', b'*"}'), JSON), 400, "malformed-body"),
        "a data URL of something else": (
            predict(in_json(picture).replace(b'": "', b'": "data:text/plain;base64,'), JSON), 400, "malformed-body"),
        "base64 cut off": (predict(b'{"image": "abcde"}', JSON), 400, "malformed-body"),
        "base64 that is not ASCII": (predict('{"image": "ä"}'.encode(), JSON), 400, "malformed-body"),
        "JSON that is not JSON": (predict(b"{", JSON), 400, "malformed-body"),
        "JSON that is not UTF-8": (predict(b'{"image": "\xff\xfe"}', JSON), 400, "malformed-body"),
        "JSON that is not an object": (predict(b'["image"]', JSON), 400, "malformed-body"),
        "JSON without the picture": (predict(b'{"picture": "QUJD"}', JSON), 400, "malformed-body"),
        "JSON with a number for a picture": (predict(b'{"image": 7}', JSON), 400, "malformed-body"),
        "JSON nested without end": (predict(b"[" * 100_000, JSON), 400, "malformed-body"),
        "base64 of no picture": (predict(in_json(b"no picture at all"), JSON), 422, "not-an-image"),
        "form without a boundary": (
            predict(in_form(picture), {"content-type": "multipart/form-data"}), 400, "malformed-body"),
        "form cut off": (predict(in_form(picture)[:-20], FORM), 400, "malformed-body"),
        "form with two files": (predict(in_form(picture, picture), FORM), 400, "malformed-body"),
        "form with a field and no file": (predict(in_form(picture, filename=""), FORM), 400, "malformed-body"),
        "picture over the limit": (predict(bytes(maximum + 1)), 413, "too-many-bytes"),
        "body over the limit": (predict(bytes(2 * maximum)), 413, "too-many-bytes"),
        "JSON over the limit": (predict(in_json(bytes(maximum + 3)), JSON), 413, "too-many-bytes"),
        "a flag that is neither": (predict(picture, map="perhaps"), 400, "malformed-query"),
        "a shape that there is not": (predict(picture, shape="rekognition"), 400, "malformed-query"),
        "a map in the shape of another service": (
            predict(picture, shape="lookout", map="true"), 400, "malformed-query"),
        "a coil with a line break": (predict(picture, coil="a\nb"), 400, "malformed-query"),
        "a position before the strip": (predict(picture, position_mm="-1"), 400, "malformed-query"),
        "a parameter that there is not": (predict(picture, maps="true"), 400, "malformed-query"),
        "a field that there is not": (predict(in_form(picture, maps="true"), FORM), 400, "malformed-query"),
        "a field that is a list": (predict(with_fields(picture, coil=["4711"]), JSON), 400, "malformed-body"),
        "a field with a line break": (predict(with_fields(picture, coil="a\nb"), JSON), 400, "malformed-query"),
        "a field of the query, too": (
            predict(in_form(picture, coil="4711"), FORM, coil="4711"), 400, "malformed-query"),
        "a field twice": (
            predict(in_form(picture, coil="1").replace(b"--a-boundary--", in_form(coil="2")), FORM),
            400, "malformed-body"),
        "a field that is not UTF-8": (
            predict(in_form(picture, coil="4711").replace(b"4711", b"\xff"), FORM), 400, "malformed-body"),
        "a batch of no picture": (batch(in_form(coil="4711")), 400, "malformed-body"),
        "a batch of too many": (batch(in_form(*[picture] * 17)), 400, "malformed-body"),
        "a batch in JSON that is no list": (batch(in_json(picture), JSON), 400, "malformed-body"),
        "a batch of one picture as the body": (batch(picture, JPEG), 415, "unsupported-media-type"),
        "a batch of nothing": (batch(b""), 400, "empty-body"),
        "a batch over the limit": (batch(in_form(bytes(maximum), bytes(maximum))), 413, "too-many-bytes"),
        "a map for a batch": (batch(in_form(picture), map="true"), 400, "malformed-query"),
        "a wrong camera for a batch": (batch(in_form(picture), bit_depth="7"), 400, "malformed-query"),
        **{
            f"a parameter of {path}": (Request("GET", path, {}, {"map": "true"}), 400, "malformed-query")
            for path in ("/health", "/healthz", "/model", "/openapi.json")
        },
        "a parameter of uploads": (Request("POST", "/uploads", JSON, {"a": "b"}, b"{}"), 400, "malformed-query"),
        "uploads where there are no buckets": (
            Request("POST", "/uploads", JSON, {}, b'{"name": "a.jpg", "content_type": "image/jpeg", "size": 1}'),
            404, "uploads-not-configured"),
        "results where there are no buckets": (
            Request("GET", "/results/web/2026-01-31/abcdefghijklmnopqrstuv/a.jpg"), 404, "uploads-not-configured"),
        "a verdict where there are no buckets": (
            Request("POST", "/verdicts", JSON, {}, b'{"picture": "a.jpg", "verdict": "pass", "who": "Anna"}'),
            404, "uploads-not-configured"),
        "a parameter of a verdict": (
            Request("POST", "/verdicts", JSON, {"picture": "a.jpg"}, b"{}"), 400, "malformed-query"),
        "verdicts of no picture": (Request("GET", "/verdicts"), 400, "malformed-query"),
        "no such path": (Request("GET", "/nothing"), 404, "not-found"),
        "method not allowed": (Request("GET", "/predict"), 405, "method-not-allowed"),
        "method unheard of": (Request("DELETE", "/model"), 405, "method-not-allowed"),
        "method not allowed for any key": (Request("POST", "/results/a/b"), 405, "method-not-allowed"),
    }  # fmt: skip
