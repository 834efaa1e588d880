"""The port: what every back end does, and what a key may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from steel_defect.storage.errors import PreconditionFailed, StorageRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

# The limit of both clouds, for the whole name of an object with the prefix of the store.
MAX_KEY_BYTES: Final = 1024
BINARY: Final = "application/octet-stream"


@dataclass(frozen=True)
class ObjectInfo:
    """One object without its bytes.

    Attributes:
        key: as it was given to `put`, without the prefix of the store.
        size: bytes.
        tag: what `put(if_match=...)` compares with. Changes with every change of the content.
        version: names this state of the object for `get(version=...)`: S3's version id, Cloud Storage's generation.
            None if the back end keeps no versions, and if S3 lists objects.
        modified: when this content was written, with a time zone. `list` always states it; a write need not.
    """

    key: str
    size: int
    tag: str
    version: str | None
    modified: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Stored:
    """One object with its bytes; `info` is of exactly these bytes."""

    data: bytes
    info: ObjectInfo


@dataclass(frozen=True)
class SignedUpload:
    """A permission to write one object with PUT. Whoever has it needs no credentials.

    Attributes:
        url: to send the bytes to.
        headers: to be sent with the bytes, exactly so: they are part of what was signed.
    """

    url: str
    headers: Mapping[str, str]


class Store(Protocol):
    """Objects under keys. Safe to call from several threads; writes are whole or not at all.

    A key is any text of 1 to `MAX_KEY_BYTES` bytes in UTF-8 but `.` and `..`, and means exactly itself: nothing is
    decoded, and a slash, a dot or a percent sign leads nowhere else. Every method raises `StorageUnavailable` or
    `StorageRefused` if the back end cannot or may not do it.
    """

    def get(self, key: str, *, version: str | None = None) -> Stored:
        """Read one object, or one version of it.

        Raises:
            ObjectNotFound: there is none.
        """

    def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """As `get`, without the bytes."""

    def put(
        self,
        key: str,
        data: bytes,
        *,
        content_type: str = BINARY,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """Write one object.

        Args:
            key: of the object.
            data: the whole content.
            content_type: for whoever reads it over HTTP. Only S3 and Cloud Storage keep it.
            if_absent: only if there is none (create-only).
            if_match: only if the object still has this tag (compare-and-swap).

        Raises:
            PreconditionFailed: the condition did not hold; nothing was written.
            StorageUnavailable: a write with a condition is not tried again by itself, since a lost answer and a lost
                race would look the same. Read, and decide.
        """

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, in the order of the keys' UTF-8 bytes."""

    def versions(self, key: str) -> tuple[str, ...]:
        """The versions of one object that can be read, the newest first; none if the back end keeps no versions.

        What was deleted is in it as long as the back end keeps it.
        """

    def delete(self, key: str) -> None:
        """Remove one object. Removing what is not there is no error. Older versions stay if there are any."""

    def sign_upload(self, key: str, *, content_type: str, size: int, expires_seconds: int) -> SignedUpload:
        """Permit whoever has the URL to write one object, of this type and size, for a time.

        Raises:
            SigningUnsupported: this back end has no such thing, or the credentials cannot sign.
        """


def check_key(key: str, prefix: str = "") -> str:
    """The name of the object in the back end: the key, behind the prefix of the store.

    Raises:
        StorageRefused: it is no key.
    """
    name = f"{prefix}/{key}" if prefix else key
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        message = f"the key {key!r} is not valid Unicode"
        raise StorageRefused(message) from error
    if key in {"", ".", ".."}:
        message = f"{key!r} cannot be a key"
        raise StorageRefused(message)
    if length > MAX_KEY_BYTES:
        message = f"the key {key[:40]!r}... makes a name of {length} bytes; at most {MAX_KEY_BYTES} can be stored"
        raise StorageRefused(message)
    return name


def check_condition(key: str, *, if_absent: bool, if_match: str | None) -> None:
    """Refuse a condition that is invalid in itself.

    Raises:
        ValueError: two conditions at once, which no object can meet.
        PreconditionFailed: an empty tag. No object has it, and an empty header would pass as no condition.
    """
    if if_absent and if_match is not None:
        message = "if_absent and if_match exclude each other"
        raise ValueError(message)
    if if_match == "":
        message = f"{key!r} cannot have an empty tag"
        raise PreconditionFailed(message)
