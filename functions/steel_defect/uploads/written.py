"""The results in their bucket: read, and replaced by compare-and-swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from steel_defect import observation
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable
from steel_defect.uploads import results

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.storage import Store

_ATTEMPTS: Final = 20


@dataclass(frozen=True)
class Written:
    """What is written for one upload.

    Attributes:
        result: None if nothing is written, or no result of this schema, which may be replaced.
        tag: of the object, as in `ObjectInfo`; None if there is no object.
    """

    result: dict[str, Any] | None = None
    tag: str | None = None


class ResultStore:
    """The results of uploads. Safe to use from several threads and processes."""

    def __init__(self, store: Store) -> None:
        """Take the store that has, and gets, `scores/<key>.json`."""
        self._store = store

    def read(self, key: str) -> Written:
        """What is written for the upload `key`.

        Raises:
            StorageError: the store cannot be read.
        """
        try:
            with observation.stage("read"):
                stored = self._store.get(results.result_key(key))
        except ObjectNotFound:
            return Written()
        return Written(results.decode(stored.data), stored.info.tag)

    def replace(self, written: Written, result: dict[str, Any], is_newer: Callable[[dict[str, Any]], bool]) -> bool:
        """Write a result in place of what was read; if that has changed since, read again and decide again.

        Returns:
            Whether it was written: False if `is_newer` says of what is written that it is newer.

        Raises:
            StorageUnavailable: the object changes faster than it can be written.
            StorageError: the store cannot be written.
        """
        key = result["source"]["key"]
        name, data = results.result_key(key), results.encode(result)
        for _ in range(_ATTEMPTS):
            if written.result is not None and is_newer(written.result):
                return False
            condition: dict[str, Any] = {"if_absent": True} if written.tag is None else {"if_match": written.tag}
            try:
                with observation.stage("write"):
                    self._store.put(name, data, content_type="application/json", **condition)
            except PreconditionFailed:
                written = self.read(key)
            else:
                return True
        message = f"{name} changes faster than it can be written"
        raise StorageUnavailable(message)
