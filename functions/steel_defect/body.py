"""The picture inside a request body: raw bytes, base64 in JSON, or a multipart form."""

from __future__ import annotations

import binascii
import json
import re
from io import BytesIO
from typing import TYPE_CHECKING, Final

from steel_defect.errors import EmptyBody, MalformedBody, UnsupportedMediaType, too_many_bytes

if TYPE_CHECKING:
    from steel_defect.http import Request

# A picture grows by base64 (4/3), by the line breaks that some encoders add, and by a JSON or multipart envelope.
_ENVELOPE_FACTOR: Final = 1.4
_ENVELOPE_BYTES: Final = 65_536
# What a browser makes of a file stands before its base64.
_DATA_URL: Final = re.compile(r"\Adata:image/[a-z0-9.+-]+;base64,", re.ASCII | re.IGNORECASE)
_ACCEPTED: Final = (
    "image/jpeg (or another picture type) with the picture as the body, application/json with the picture in base64 "
    "under 'image', or multipart/form-data with one file"
)


def body_limit(max_bytes: int) -> int:
    """The longest body that can hold a picture of `max_bytes`. An adapter can refuse a longer one unread."""
    return int(max_bytes * _ENVELOPE_FACTOR) + _ENVELOPE_BYTES


def picture_in(request: Request, max_bytes: int) -> bytes:
    """The bytes of the one picture that a request carries.

    Raises:
        EmptyBody: no body, or an empty picture in it.
        TooManyBytes: the body is too long to hold a picture of at most `max_bytes`.
        MalformedBody: the JSON, base64 or multipart envelope cannot be read.
        UnsupportedMediaType: the Content-Type is none of the three, or the body is compressed.
    """
    if request.json is not None:
        return picture_from_json(request.json)
    if len(request.body) > body_limit(max_bytes):
        raise too_many_bytes(max_bytes)
    if not request.body:
        message = f"the request has no body; send {_ACCEPTED}"
        raise EmptyBody(message)
    if request.headers.get("content-encoding", "identity") != "identity":
        message = "send the body without Content-Encoding: pictures are compressed already"
        raise UnsupportedMediaType(message)
    content_type = request.headers.get("content-type", "")
    match content_type.partition(";")[0].strip().lower():
        case "application/json":
            return _from_json(request.body)
        case "multipart/form-data":
            return _from_multipart(request.body, content_type)
        case "" | "application/octet-stream":
            return request.body
        case kind if kind.startswith("image/"):
            return request.body
        case kind:
            message = f"the Content-Type is {kind[:100]!r}; send {_ACCEPTED}"
            raise UnsupportedMediaType(message)


def require_json(request: Request) -> None:
    """Refuse a body with another Content-Type.

    Raises:
        UnsupportedMediaType: names it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"", "application/json"}:
        message = f"the Content-Type is {kind[:100]!r}; send application/json"
        raise UnsupportedMediaType(message)


def _from_json(body: bytes) -> bytes:
    return picture_from_json(json_in(body))


def json_in(body: bytes) -> object:
    """The JSON of a body.

    Raises:
        MalformedBody: the body is not JSON.
    """
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"the body is not JSON: {error}"
        raise MalformedBody(message) from error
    return content


def picture_from_json(content: object) -> bytes:
    """The picture in `{"image": "<base64>"}`; also what the direct Lambda invocation carries."""
    if not isinstance(content, dict) or not isinstance(content.get("image"), str):
        message = 'the JSON must be an object with the picture in base64: {"image": "<base64>"}'
        raise MalformedBody(message)
    try:
        # Base64 tools break lines; anything else outside the alphabet is refused rather than skipped.
        encoded = _DATA_URL.sub("", content["image"], count=1)
        picture = binascii.a2b_base64("".join(encoded.split()), strict_mode=True)
    except ValueError as error:  # binascii.Error, and non-ASCII characters
        message = f"'image' is not base64: {error}"
        raise MalformedBody(message) from error
    if not picture:
        message = "'image' is empty; put the picture there in base64"
        raise EmptyBody(message)
    return picture


def _from_multipart(body: bytes, content_type: str) -> bytes:
    from multipart import MultipartError, MultipartParser, parse_options_header

    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary:
        message = "the multipart Content-Type names no boundary; let the HTTP client set it"
        raise MalformedBody(message)
    try:
        # The body is in memory already and bounded, so nothing is spooled to disk.
        parser = MultipartParser(
            BytesIO(body), boundary, len(body), strict=True, memory_limit=len(body), spool_limit=len(body)
        )
        files = [part.raw for part in parser.parts() if part.filename is not None]
    except (MultipartError, UnicodeDecodeError) as error:
        message = f"the multipart form cannot be read: {error}"
        raise MalformedBody(message) from error
    if len(files) != 1:
        message = f"the form must have exactly one file, and has {len(files)}"
        raise MalformedBody(message)
    if not files[0]:
        message = "the file in the form is empty"
        raise EmptyBody(message)
    return bytes(files[0])
