"""Reads the picture of an upload, exactly in the version that its event names."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from steel_defect.errors import ObjectGone, too_many_bytes
from steel_defect.storage import ObjectNotFound
from steel_defect.uploads.foreign import NotAPicture, Reason
from steel_defect.uploads.results import plain_tag

if TYPE_CHECKING:
    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.refs import ObjectRef


def identify(store: Store, ref: ObjectRef) -> ObjectRef | None:
    """The reference with size and tag of its version; None if a newer version has replaced it.

    The size in an event holds for its version. In a bucket without versions another object may be there by now.

    Raises:
        ObjectGone: it was deleted.
        StorageError: the bucket cannot be read.
    """
    if ref.size is not None and ref.version is not None:
        return ref
    try:
        info = store.head(ref.key, version=ref.version)
    except ObjectNotFound as error:
        _require_another(store, ref, error)
        return None
    return None if _is_another(info, ref) else replace(ref, size=info.size, tag=info.tag)


def read_upload(store: Store, ref: ObjectRef, max_bytes: int) -> tuple[bytes, ObjectRef] | None:
    """The bytes of the picture, and the reference as `identify` gives it; None if a newer version has replaced it.

    Args:
        store: the whole bucket.
        ref: as `identify` gave it.
        max_bytes: a picture with more is not read.

    Raises:
        NotAPicture: the object has no bytes.
        TooManyBytes: it has more than `max_bytes`.
        ObjectGone: it was deleted.
        StorageError: the bucket cannot be read.
    """
    if ref.size == 0:
        raise NotAPicture(Reason.NO_BYTES)
    if ref.size is not None and ref.size > max_bytes:
        raise too_many_bytes(max_bytes, ref.size)
    try:
        stored = store.get(ref.key, version=ref.version)
    except ObjectNotFound as error:
        _require_another(store, ref, error)
        return None
    if _is_another(stored.info, ref):
        return None
    return stored.data, replace(ref, size=len(stored.data), tag=stored.info.tag)


def _require_another(store: Store, ref: ObjectRef, error: ObjectNotFound) -> None:
    """Raise `ObjectGone` if no object is in its place, `StorageRefused` if there is not even a bucket."""
    for read in (store.head, store.get):  # S3 distinguishes a missing bucket from a missing object only for a GET.
        with suppress(ObjectNotFound):
            read(ref.key)
            return
    message = "the upload was deleted before it could be scored"
    raise ObjectGone(message) from error


def _is_another(info: ObjectInfo, ref: ObjectRef) -> bool:
    """Whether another object was found than the event names: a bucket without versions gives the present one."""
    return ref.version is None and ref.tag is not None and plain_tag(info.tag) != plain_tag(ref.tag)
