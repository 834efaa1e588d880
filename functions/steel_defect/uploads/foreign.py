"""Objects in the bucket of uploads that are no pictures: they get no result, and count as nothing that failed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from steel_defect.uploads.refs import ObjectRef


# Whoever puts a coil's pictures puts this beside them when it is finished; see `coils.closing`.
COIL_MARKER: Final = "coil.json"


class Reason(StrEnum):
    """Why an object is ignored; log lines and reports name it."""

    OUTSIDE = "outside-prefix"
    FOLDER = "folder-marker"
    NO_BYTES = "no-bytes"
    SUFFIX = "suffix"
    NAME = "name"
    COIL = "coil-marker"
    GONE = "object-gone"


class NotAPicture(Exception):
    """An object is ignored."""

    def __init__(self, reason: Reason) -> None:
        """Take the reason."""
        super().__init__(reason.value)
        self.reason = reason


def is_coil_marker(key: str) -> bool:
    """Whether an object says that its coil is finished."""
    return key.rpartition("/")[2] == COIL_MARKER


def reason_to_ignore(ref: ObjectRef, prefix: str, suffixes: tuple[str, ...]) -> Reason | None:
    """Why the object is no picture, as far as its name and its size tell; None if it may be one.

    Args:
        ref: the object.
        prefix: that of the uploads, with a slash at its end; empty if the whole bucket is theirs.
        suffixes: ends of names to ignore, in lower case.
    """
    if not ref.key.startswith(prefix):
        return Reason.OUTSIDE
    if ref.key.endswith("/"):
        return Reason.FOLDER
    if is_coil_marker(ref.key):
        return Reason.COIL
    if ref.size == 0:
        return Reason.NO_BYTES
    if ref.key.lower().endswith(suffixes):
        return Reason.SUFFIX
    # S3 takes these names, and clients that treat keys as paths make other objects of them.
    return Reason.NAME if ref.key in {".", ".."} else None
