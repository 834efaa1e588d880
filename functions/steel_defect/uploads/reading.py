"""Reads the picture of an upload, exactly in the version that its event names."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from steel_defect.errors import ObjectGone, too_many_bytes
from steel_defect.storage import ObjectNotFound

if TYPE_CHECKING:
    from steel_defect.storage import ObjectInfo, Store
    from steel_defect.uploads.refs import ObjectRef


def read_upload(store: Store, ref: ObjectRef, max_bytes: int) -> bytes | None:
    """The bytes of the picture; None if a newer version has replaced it, which has an event of its own.

    Raises:
        TooManyBytes: it has more than `max_bytes`, and was not read.
        ObjectGone: it was deleted.
        StorageError: the bucket cannot be read.
    """
    try:
        size = ref.size
        # The size in an event holds for its version. In a bucket without versions another object may be there by now.
        if size is None or ref.version is None:
            info = store.head(ref.key, version=ref.version)
            if _is_another(info, ref):
                return None
            size = info.size
        if size > max_bytes:
            raise too_many_bytes(max_bytes, size)
        stored = store.get(ref.key, version=ref.version)
    except ObjectNotFound as error:
        if _exists(store, ref.key):
            return None
        message = "the upload was deleted before it could be scored"
        raise ObjectGone(message) from error
    return None if _is_another(stored.info, ref) else stored.data


def _is_another(info: ObjectInfo, ref: ObjectRef) -> bool:
    """Whether another object was found than the event names: a bucket without versions gives the present one."""
    return ref.version is None and ref.tag is not None and info.tag.strip('"') != ref.tag.strip('"')


def _exists(store: Store, key: str) -> bool:
    """Whether there is an object. Raises `StorageRefused` if there is not even a bucket."""
    for read in (store.head, store.get):  # S3 distinguishes a missing bucket from a missing object only for a GET.
        with suppress(ObjectNotFound):
            read(key)
            return True
    return False
