"""What can be wrong with a request or a picture. Each is an RFC 9457 problem: a stable slug, a title, a status."""

from __future__ import annotations

import logging
from typing import Final

_log = logging.getLogger(__name__)
PROBLEM_TYPE: Final = "urn:problem-type:steel-defect:"


class SteelDefectError(Exception):
    """Base of every error that a caller sees. `str(error)` says what is wrong and what to do, in one line."""

    slug: str = "bad-request"
    title: str = "Bad request"
    status: int = 400

    def problem(self) -> dict[str, str | int]:
        """The RFC 9457 problem details. `type` is stable and meant for programs, `detail` for people."""
        return {"type": PROBLEM_TYPE + self.slug, "title": self.title, "status": self.status, "detail": str(self)}


class EmptyBody(SteelDefectError):
    """The request carries no bytes."""

    slug = "empty-body"
    title = "Empty body"


class MalformedBody(SteelDefectError):
    """The envelope (JSON, base64, multipart) cannot be read."""

    slug = "malformed-body"
    title = "Malformed body"


class MalformedQuery(SteelDefectError):
    """A parameter in the query string is unknown or has an invalid value."""

    slug = "malformed-query"
    title = "Malformed query"


class NotFound(SteelDefectError):
    """No such path."""

    slug = "not-found"
    title = "Not found"
    status = 404


class MethodNotAllowed(SteelDefectError):
    """The path exists, the method does not. `allowed` goes into the Allow header."""

    slug = "method-not-allowed"
    title = "Method not allowed"
    status = 405

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        """Keep the methods that the path does take."""
        super().__init__(message)
        self.allowed = allowed


class TooManyBytes(SteelDefectError):
    """The body or the picture has more bytes than the model file allows."""

    slug = "too-many-bytes"
    title = "Too many bytes"
    status = 413


def too_many_bytes(most: int, size: int | None = None) -> TooManyBytes:
    """The error for a picture of `size` bytes; None if a request is refused before its picture is known."""
    found = "the request is longer than that" if size is None else f"it has {size:,}"
    return TooManyBytes(f"a picture may have at most {most:,} bytes; {found}")


class TooManyPixels(SteelDefectError):
    """The picture would unfold to more pixels than the model file allows, or to more memory or time than one may take.

    Found from its header, before decoding.
    """

    slug = "too-many-pixels"
    title = "Too many pixels"
    status = 413


class TooManyTiles(SteelDefectError):
    """The picture shows more strip than is scored in one request."""

    slug = "too-many-tiles"
    title = "Too many tiles"
    status = 413


class UnsupportedMediaType(SteelDefectError):
    """The Content-Type of the request is not supported."""

    slug = "unsupported-media-type"
    title = "Unsupported media type"
    status = 415


class NotAnImage(SteelDefectError):
    """The bytes are not of a supported picture format, or of a kind that is not read. Judged by content alone."""

    slug = "not-an-image"
    title = "Not a supported picture"
    status = 422


class DamagedImage(SteelDefectError):
    """The format is supported, but not all pixels of the picture are there, or they are not as they were written."""

    slug = "damaged-image"
    title = "Damaged picture"
    status = 422


class ImageTooSmall(SteelDefectError):
    """A side is shorter than the model file allows, or the picture too elongated to keep enough of its short side."""

    slug = "image-too-small"
    title = "Picture too small"
    status = 422


class ObjectGone(SteelDefectError):
    """An upload was deleted before it could be read. Only results say so."""

    slug = "object-gone"
    title = "Upload gone"
    status = 410


class UploadsNotConfigured(SteelDefectError):
    """The deployment has no bucket that takes uploads by signed URLs."""

    slug = "uploads-not-configured"
    title = "Uploads not configured"
    status = 404


class ResultNotReady(SteelDefectError):
    """There is no result under this key: the upload did not come, or is waiting to be scored. Ask again."""

    slug = "result-not-ready"
    title = "Result not ready"
    status = 404


class UploadsUnavailable(SteelDefectError):
    """The buckets cannot be reached. Worth a retry."""

    slug = "uploads-unavailable"
    title = "Uploads unavailable"
    status = 503


class ModelUnavailable(SteelDefectError):
    """No model can be loaded. The server's fault, and worth a retry."""

    slug = "model-unavailable"
    title = "Model unavailable"
    status = 503


class Busy(SteelDefectError):
    """There is no memory, or no time, for this picture beside those that are being scored. Worth a retry."""

    slug = "busy"
    title = "Busy"
    status = 503


class InternalError(SteelDefectError):
    """A fault of this program. What happened goes to the log, not to the caller."""

    slug = "internal-error"
    title = "Internal error"
    status = 500


def problem_of(error: Exception) -> SteelDefectError:
    """What a caller is told of any exception; of a fault of ours no more than that, and the log has the rest."""
    if isinstance(error, SteelDefectError):
        return error
    if isinstance(error, MemoryError):
        return Busy("there is no memory for this picture now: send it again")
    _log.error("request failed", exc_info=error)
    return InternalError("the request failed here; the log of the function says why")
