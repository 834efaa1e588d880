"""Objects in the memory of this process, with all their versions: for tests and for trying things out."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final, NoReturn

from steel_defect.storage.errors import ObjectNotFound, PreconditionFailed, SigningUnsupported
from steel_defect.storage.port import BINARY, ObjectInfo, Stored, check_condition, check_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_stores: Final[dict[str, MemoryStore]] = {}
_stores_lock: Final = Lock()


def memory_store(name: str) -> MemoryStore:
    """The store of this name, the same one for everybody in this process."""
    with _stores_lock:
        return _stores.setdefault(name, MemoryStore())


class MemoryStore:
    """Keeps every version, as a bucket with versioning does. Tag and version are the count of writes."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = Lock()
        self._writes = 0
        self._current: dict[str, Stored] = {}
        self._versions: dict[tuple[str, str], Stored] = {}

    def get(self, key: str, *, version: str | None = None) -> Stored:
        """See `Store`."""
        check_key(key)
        with self._lock:
            found = self._current.get(key) if version is None else self._versions.get((key, version))
        if found is None:
            message = f"there is no object {key!r}" + (f" of version {version}" if version else "")
            raise ObjectNotFound(message)
        return found

    def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """See `Store`."""
        return self.get(key, version=version).info

    def put(
        self,
        key: str,
        data: bytes,
        *,
        content_type: str = BINARY,  # noqa: ARG002 - nobody reads this over HTTP
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """See `Store`."""
        check_key(key)
        check_condition(key, if_absent=if_absent, if_match=if_match)
        with self._lock:
            there = self._current.get(key)
            if (if_absent and there) or (if_match is not None and (not there or there.info.tag != if_match)):
                message = f"{key!r} {'exists already' if if_absent else 'was changed meanwhile'}"
                raise PreconditionFailed(message)
            self._writes += 1
            number = str(self._writes)
            stored = Stored(data, ObjectInfo(key, len(data), number, number, datetime.now(UTC)))
            self._current[key] = self._versions[key, number] = stored
            return stored.info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`."""
        with self._lock:
            found = [stored.info for key, stored in self._current.items() if key.startswith(prefix)]
        return iter(sorted(found, key=lambda info: info.key.encode()))

    def versions(self, key: str) -> tuple[str, ...]:
        """See `Store`."""
        check_key(key)
        with self._lock:
            numbers = [number for name, number in self._versions if name == key]
        return tuple(sorted(numbers, key=int, reverse=True))

    def delete(self, key: str) -> None:
        """See `Store`."""
        check_key(key)
        with self._lock:
            self._current.pop(key, None)

    def sign_upload(self, key: str, *, content_type: str, size: int, expires_seconds: int) -> NoReturn:  # noqa: ARG002 - as the port
        """There is no URL that others could use."""
        message = "memory has no signed URLs"
        raise SigningUnsupported(message)
