"""What can be wrong with a request or a picture. Each is an RFC 9457 problem: a stable slug, a title, a status."""

from __future__ import annotations

from typing import ClassVar


class SteelDefectError(Exception):
    """Base of every error that a caller is told of. `str(error)` says what is wrong and what to do, in one line."""

    slug: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "Bad request"
    status: ClassVar[int] = 400


class EmptyBody(SteelDefectError):
    """The request carries no bytes."""

    slug = "empty-body"
    title = "Empty body"


class MalformedBody(SteelDefectError):
    """The envelope (JSON, base64, multipart) cannot be read."""

    slug = "malformed-body"
    title = "Malformed body"


class MalformedQuery(SteelDefectError):
    """A parameter in the query string has a value that cannot be meant."""

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


class TooManyPixels(SteelDefectError):
    """The picture would unfold to more pixels than the model file allows. Found from its header, before decoding."""

    slug = "too-many-pixels"
    title = "Too many pixels"
    status = 413


class UnsupportedMediaType(SteelDefectError):
    """The Content-Type of the request is none that is read here."""

    slug = "unsupported-media-type"
    title = "Unsupported media type"
    status = 415


class NotAnImage(SteelDefectError):
    """The bytes are not of a supported picture format. Judged by content, not by name."""

    slug = "not-an-image"
    title = "Not a supported picture"
    status = 422


class DamagedImage(SteelDefectError):
    """The format is supported, but the picture cannot be decoded to its end."""

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


class UnreadableFile(SteelDefectError):
    """A file on this machine cannot be read. Only the command line meets it."""

    slug = "unreadable-file"
    title = "Unreadable file"


class ModelUnavailable(SteelDefectError):
    """No model can be loaded. The server's fault, and worth a retry."""

    slug = "model-unavailable"
    title = "Model unavailable"
    status = 503


class InternalError(SteelDefectError):
    """A fault of this program. What happened goes to the log, not to the caller."""

    slug = "internal-error"
    title = "Internal error"
    status = 500
