"""Objects as files below a folder of this machine.

Written here, because obstore's local back end has no compare-and-swap, and a lock with an atomic rename is short. A
write goes to a file of its own, reaches the disk, and is renamed under a lock, so a kill at any point leaves the old
content or the new. The kernel drops the lock of a process that dies. A file that a killed writer leaves in `~tmp` is no
object.

Versions are not kept. `a` and `a/b` cannot both be objects, since a file is no folder: the second one is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from uuid import uuid4

from steel_defect.storage.errors import (
    ObjectNotFound,
    PreconditionFailed,
    SigningUnsupported,
    StorageRefused,
    StorageUnavailable,
)
from steel_defect.storage.local_names import ESCAPE, key_of, path_of
from steel_defect.storage.port import BINARY, ObjectInfo, Stored, check_condition, check_key

if TYPE_CHECKING:
    from collections.abc import Iterator


class LocalStore:
    """A folder, made at the first write. The tag is the SHA-256 of the content."""

    def __init__(self, root: str) -> None:
        """Take the absolute path of the folder."""
        self._root = Path(root)
        self._own = {"tmp": self._root / f"{ESCAPE}tmp", "lock": self._root / f"{ESCAPE}lock"}

    def get(self, key: str, *, version: str | None = None) -> Stored:
        """See `Store`."""
        path = self._path(key)
        _refuse_version(key, version)
        with _translated(key, writing=False):
            data = path.read_bytes()
            modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Stored(data, _info(key, data, modified))

    def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """See `Store`. Reads the file, whose digest is the tag, but holds no more than a part of it."""
        path = self._path(key)
        _refuse_version(key, version)
        with _translated(key, writing=False), path.open("rb") as file:
            tag = hashlib.file_digest(file, "sha256").hexdigest()
            modified = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            return ObjectInfo(key, file.tell(), tag, None, modified)

    def put(
        self,
        key: str,
        data: bytes,
        *,
        content_type: str = BINARY,  # noqa: ARG002 - a file has none
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """See `Store`."""
        path = self._path(key)
        check_condition(key, if_absent=if_absent, if_match=if_match)
        with _translated(key, writing=True):
            self._own["tmp"].mkdir(parents=True, exist_ok=True)
            written = self._write_aside(data)
            try:
                with self._locked():
                    if if_absent or if_match is not None:
                        _require(path, key, if_match)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    written.replace(path)
                    _flush_folder(path.parent)
            except BaseException:
                written.unlink(missing_ok=True)
                raise
        return _info(key, data, None)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`. A file that is removed meanwhile is left out."""
        found = []
        for folder, _, names in os.walk(self._root):
            for name in names:
                key = key_of((Path(folder) / name).relative_to(self._root).as_posix())
                if key is not None and key.startswith(prefix):
                    found.append(key)
        for key in sorted(found, key=os.fsencode):
            with suppress(ObjectNotFound):
                yield self.head(key)

    def versions(self, key: str) -> tuple[str, ...]:
        """See `Store`. A folder keeps none."""
        check_key(key)
        return ()

    def delete(self, key: str) -> None:
        """See `Store`."""
        path = self._path(key)
        if not path.is_file():
            return
        with _translated(key, writing=True), self._locked():
            path.unlink(missing_ok=True)
            folder = path.parent
            # A folder without files would stand in the way of an object of its name.
            with suppress(OSError):
                while folder != self._root:
                    folder.rmdir()
                    folder = folder.parent

    def sign_upload(self, key: str, *, content_type: str, size: int, expires_seconds: int) -> NoReturn:  # noqa: ARG002 - as the port
        """There is no URL that others could use."""
        message = "a local folder has no signed URLs"
        raise SigningUnsupported(message)

    def _path(self, key: str) -> Path:
        return self._root / path_of(check_key(key))

    def _write_aside(self, data: bytes) -> Path:
        path = self._own["tmp"] / uuid4().hex
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, in all threads and processes of this machine."""
        with self._own["lock"].open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _info(key: str, data: bytes, modified: datetime | None) -> ObjectInfo:
    return ObjectInfo(key, len(data), hashlib.sha256(data).hexdigest(), None, modified)


def _refuse_version(key: str, version: str | None) -> None:
    if version is not None:
        message = f"{key!r}: a local folder keeps no versions"
        raise StorageRefused(message)


def _require(path: Path, key: str, if_match: str | None) -> None:
    """Raise if the file exists and must not, or has another digest than it must have."""
    there = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    if there != if_match:
        message = f"{key!r} {'exists already' if if_match is None else 'was changed meanwhile'}"
        raise PreconditionFailed(message)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(key: str, *, writing: bool) -> Iterator[None]:
    """The errors of the file system as those of a store."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        if not writing:
            message = f"there is no object {key!r}"
            raise ObjectNotFound(message) from error
        if isinstance(error, FileNotFoundError):  # No folder can be made here, or another writer removed it meanwhile.
            message = f"{key!r} cannot be written: {error.strerror}: {error.filename}"
            raise StorageUnavailable(message) from error
        message = f"{key!r} cannot be stored here: a part of its path is a folder for one key and a file for another"
        raise StorageRefused(message) from error
    except PermissionError as error:
        message = f"{key!r}: {error.strerror}"
        raise StorageRefused(message) from error
    except OSError as error:
        message = f"{key!r}: {error.strerror or error}"
        raise StorageUnavailable(message) from error
