"""The pictures in a request's body: raw bytes, base64 in JSON, or a multipart form; and what it states beside them."""

from __future__ import annotations

import json
import re
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from steel_defect.base64_text import from_base64
from steel_defect.errors import EmptyBody, MalformedBody, UnsupportedMediaType, too_many_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from steel_defect.http import Request

    # The name of a file, if it has one, and what gives its bytes, or raises why it cannot.
    Part = tuple[str | None, Callable[[], bytes]]

# How many pictures one request may have.
MOST_PICTURES: Final = 16
# A picture grows by base64 (4/3), by the line breaks that some encoders add, and by a JSON or multipart envelope.
_ENVELOPE_FACTOR: Final = 1.4
_ENVELOPE_BYTES: Final = 65_536
# What a browser makes of a file stands before its base64.
_DATA_URL: Final = re.compile(r"\Adata:image/[a-z0-9.+-]+;base64,", re.ASCII | re.IGNORECASE)
_FORM: Final = "multipart/form-data"
_JSON: Final = "application/json"
# What curl says of any body, and HTTP clients of one that they know nothing of.
_UNTOLD: Final = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded"})
_ACCEPTED: Final = (
    "image/jpeg (or another picture type) with the picture as the body, application/json with the picture in base64 "
    "under 'image', or multipart/form-data with one file"
)
_SEVERAL: Final = "multipart/form-data with the files, or application/json with each in base64 in a list under 'images'"


def body_limit(max_bytes: int) -> int:
    """The longest body that can hold a picture of `max_bytes`. An adapter can refuse a longer one unread."""
    return int(max_bytes * _ENVELOPE_FACTOR) + _ENVELOPE_BYTES


def picture_in(request: Request, max_bytes: int, names: Iterable[str] = ()) -> tuple[bytes, dict[str, str]]:
    """The bytes of the one picture that a request carries, and what its body states beside it.

    Args:
        request: that carries it.
        max_bytes: of a picture.
        names: of the fields that JSON may state; it may have others. What else is in a form is given whatever its name.

    Raises:
        EmptyBody: no body, or an empty picture in it.
        TooManyBytes: the body is too long to hold a picture of at most `max_bytes`.
        MalformedBody: the JSON, base64 or multipart envelope cannot be read.
        UnsupportedMediaType: the Content-Type is none of the three, and the content no picture and no JSON; or the body
            is compressed.
    """
    kind = _checked(request, max_bytes, _ACCEPTED)
    if kind == _JSON:
        content = _json_of(request)
        return picture_from_json(content), _stated_in(content, names)
    if kind == _FORM:
        parts, stated = _form_of(request)
        if len(parts) != 1:
            message = f"the form must have exactly one file, and has {len(parts)}"
            raise MalformedBody(message)
        return parts[0][1](), stated
    if kind in _UNTOLD or kind.startswith("image/"):
        return request.body, {}
    message = f"the Content-Type is {kind[:100]!r}; send {_ACCEPTED}"
    raise UnsupportedMediaType(message)


def pictures_in(request: Request, max_bytes: int, names: Iterable[str]) -> tuple[list[Part], dict[str, str]]:
    """The pictures that a request carries, and what its body states of all of them. Arguments as for `picture_in`.

    Raises:
        EmptyBody, TooManyBytes, UnsupportedMediaType: as above; the limit is that of one picture's body.
        MalformedBody: the envelope cannot be read, or has no picture or more than `MOST_PICTURES`.
    """
    kind = _checked(request, max_bytes, _SEVERAL)
    if kind == _JSON:
        content = _json_of(request)
        images = content.get("images") if isinstance(content, dict) else None
        if not isinstance(images, list):
            message = 'the JSON must be an object with the pictures in base64: {"images": ["<base64>", "<base64>"]}'
            raise MalformedBody(message)
        parts: list[Part] = [(None, partial(_picture_from_base64, image)) for image in images]
        stated = _stated_in(content, names)
    elif kind == _FORM:
        parts, stated = _form_of(request)
    else:
        message = f"the Content-Type is {kind[:100]!r}; send {_SEVERAL}"
        raise UnsupportedMediaType(message)
    if not 0 < len(parts) <= MOST_PICTURES:
        message = f"the request has {len(parts)} pictures; send 1 to {MOST_PICTURES}"
        raise MalformedBody(message)
    return parts, stated


def require_json(request: Request) -> None:
    """Refuse a body with another Content-Type, or with none.

    A browser sends the others in a person's name from any page, without asking the service before.

    Raises:
        UnsupportedMediaType: names it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = f"the Content-Type is {kind[:100]!r}; send application/json"
        raise UnsupportedMediaType(message)


def _checked(request: Request, max_bytes: int, accepted: str) -> str:
    """The type of a body that may be read: as it is stated, or told by its content if nothing of use is."""
    if request.json is not None:
        return _JSON
    if len(request.body) > body_limit(max_bytes):
        raise too_many_bytes(max_bytes)
    if not request.body:
        message = f"the request has no body; send {accepted}"
        raise EmptyBody(message)
    if request.headers.get("content-encoding", "identity") != "identity":
        message = "send the body without Content-Encoding: pictures are compressed already"
        raise UnsupportedMediaType(message)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return _JSON if kind in _UNTOLD and request.body[:64].lstrip()[:1] == b"{" else kind


def _json_of(request: Request) -> Any:  # noqa: ANN401 - JSON
    return json_in(request.body) if request.json is None else request.json


def _stated_in(content: dict[str, Any], names: Iterable[str]) -> dict[str, str]:
    """The fields of these names, as a query has them; null states nothing."""
    stated = {}
    for name in names:
        value = content.get(name)
        if isinstance(value, dict | list):
            message = f"{name!r} must be a text, a number, true or false"
            raise MalformedBody(message)
        if value is not None:
            stated[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return stated


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
    return _picture_from_base64(content["image"])


def _picture_from_base64(image: object) -> bytes:
    if not isinstance(image, str):
        message = "a picture in JSON is a text in base64"
        raise MalformedBody(message)
    try:
        picture = from_base64(_DATA_URL.sub("", image, count=1))
    except ValueError as error:  # binascii.Error, and non-ASCII characters
        message = f"'image' is not base64: {error}"
        raise MalformedBody(message) from error
    if not picture:
        message = "'image' is empty; put the picture there in base64"
        raise EmptyBody(message)
    return picture


def _form_of(request: Request) -> tuple[list[Part], dict[str, str]]:
    """The files of a multipart form, and its fields."""
    from multipart import MultipartError, MultipartParser, parse_options_header

    body = request.body
    boundary = parse_options_header(request.headers["content-type"])[1].get("boundary", "")
    if not boundary:
        message = "the multipart Content-Type names no boundary; let the HTTP client set it"
        raise MalformedBody(message)
    files: list[Part] = []
    stated: dict[str, str] = {}
    try:
        # The body is in memory already and bounded, so nothing is spooled to disk.
        parser = MultipartParser(
            BytesIO(body), boundary, len(body), strict=True, memory_limit=len(body), spool_limit=len(body)
        )
        for part in parser.parts():
            if part.filename is not None:
                files.append((part.filename, partial(_picture_from_form, part.raw)))
            elif part.name in stated:
                message = f"the form states {part.name[:100]!r} twice"
                raise MalformedBody(message)
            else:
                stated[part.name] = part.raw.decode()
    except (MultipartError, UnicodeDecodeError) as error:
        message = f"the multipart form cannot be read: {error}"
        raise MalformedBody(message) from error
    return files, stated


def _picture_from_form(raw: bytes) -> bytes:
    if not raw:
        message = "the file in the form is empty"
        raise EmptyBody(message)
    return bytes(raw)
