"""Local copies of what is in a bucket: only what changed is moved, and a copy that was stopped goes on."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from steel_defect.storage.errors import StorageError
from steel_defect.storage.opening import open_store
from steel_defect_trainer.buckets.transfers import FILES, open_transfer
from steel_defect_trainer.data.parallel import with_progress
from steel_defect_trainer.errors import BucketError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steel_defect.location import Location
    from steel_defect.storage.port import ObjectInfo

_RECORD: Final = ".objects.jsonl"
_PARTIAL: Final = ".partial"
# How often a run's folder goes to its bucket while it trains.
SECONDS_BETWEEN: Final = 180.0


@dataclass(frozen=True)
class _Known:
    """An object and its file as they were when both were alike."""

    key: str
    tag: str
    size: int
    modified: int


class Copy:
    """A folder of this machine for a place in a bucket."""

    def __init__(self, location: Location, cache: Path) -> None:
        """Choose the folder, which is the same each time; nothing is read yet.

        Args:
            location: `s3://bucket/folder` or `gs://bucket/folder`.
            cache: below which copies are kept.

        Raises:
            BucketError: there are no credentials, or the name cannot be that of a folder.
        """
        if ".." in location.prefix.split("/"):
            message = f"{location} cannot be the name of a folder"
            raise BucketError(message)
        self.location = location
        self.folder = cache / "buckets" / location.scheme / location.bucket / location.prefix.strip("/")
        self._lock = threading.Lock()
        with _translated():
            self._store = open_store(location)
        self._transfer = open_transfer(location)

    def fetch(self) -> int:
        """Make the folder what the bucket has, for data: files that changed here are replaced.

        Returns:
            How many objects were copied.

        Raises:
            BucketError: there is nothing, or something cannot be read.
        """
        with self._alone():
            known, objects = self._known(), self._objects()
            if not objects:
                message = f"there is nothing at {self.location}"
                raise BucketError(message)
            for key in known.keys() - objects.keys():
                self._path(key).unlink(missing_ok=True)
            wanted = [info for key, info in objects.items() if not self._is_current(info, known.get(key))]
            self._download(wanted)
            self._write_record({key: item for key, item in self._known().items() if key in objects})
        return len(wanted)

    def fetch_run(self) -> int:
        """Take what another machine wrote since; what was written here alone stays.

        Returns:
            How many objects were copied.

        Raises:
            BucketError: a file was changed here and in the bucket, or cannot be read.
        """
        with self._alone():
            known, objects = self._known(), self._objects()
            wanted = [info for key, info in objects.items() if (key not in known or known[key].tag != info.tag)]
            for info in wanted:
                path = self._path(info.key)
                if path.exists() and _state(path) != _state_of(known.get(info.key)):
                    message = (
                        f"{self.location.below(info.key)} and {path} were both written since they were alike; remove "
                        "one of them"
                    )
                    raise BucketError(message)
            self._download(wanted)
        return len(wanted)

    def upload(self) -> int:
        """Bring to the bucket what was written here since; returns how many files that were.

        Raises:
            BucketError: a file cannot be written.
        """
        with self._lock:
            known = self._known()
            files = {
                path.relative_to(self.folder).as_posix(): path
                for path in sorted(self.folder.rglob("*"))
                if path.is_file() and not path.name.startswith(".")
            }
            changed = [key for key, path in files.items() if _state(path) != _state_of(known.get(key))]

            for key in changed:  # few files, of which the large ones go in parallel parts
                size, modified = _there(files[key])
                self._transfer.upload(files[key], self.location.below(key).prefix)
                with _translated():
                    self._record(_Known(key, self._store.head(key).tag, size, modified))
        return len(changed)

    @contextmanager
    def kept(self, seconds: float = SECONDS_BETWEEN) -> Iterator[None]:
        """Upload every so often, and at the end however it comes."""
        stop = threading.Event()

        def again() -> None:
            while not stop.wait(seconds):
                with suppress(BucketError):  # the next time may succeed, and the last says why not
                    self.upload()

        thread = threading.Thread(target=again, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.upload()

    def _objects(self) -> dict[str, ObjectInfo]:
        """Key to object; without the empty ones by which consoles show folders, and hidden files."""
        with _translated():
            listed = {info.key: info for info in self._store.list()}
        found = {key: info for key, info in listed.items() if not key.endswith("/")}
        for key in found:
            parts = PurePosixPath(key).parts
            if not key or key.startswith("/") or ".." in parts or "//" in key or "\\" in key or "\0" in key:
                message = f"{self.location.below(key)} has a name that no file in {self.folder} can have"
                raise BucketError(message)
        return {key: info for key, info in found.items() if not PurePosixPath(key).name.startswith(".")}

    def _is_current(self, info: ObjectInfo, known: _Known | None) -> bool:
        return known is not None and known.tag == info.tag and _state(self._path(info.key)) == _state_of(known)

    def _download(self, wanted: list[ObjectInfo]) -> None:
        def one(info: ObjectInfo) -> None:
            path = self._path(info.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}{_PARTIAL}")
            try:
                self._transfer.download(self.location.below(info.key).prefix, info.tag, partial)
                if info.modified is not None:  # so that a copy made again is not taken for other pictures
                    os.utime(partial, (info.modified.timestamp(), info.modified.timestamp()))
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            self._record(_Known(info.key, info.tag, *_there(path)))

        for _ in with_progress("copying", wanted, one, workers=FILES):
            pass

    def _path(self, key: str) -> Path:
        return self.folder / key

    def _known(self) -> dict[str, _Known]:
        """What the record has; a line that was cut off is left out."""
        known = {}
        try:
            lines = (self.folder / _RECORD).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        for line in lines:
            try:
                item = _Known(**json.loads(line))
            except (ValueError, TypeError):
                continue
            known[item.key] = item
        return known

    def _record(self, item: _Known) -> None:
        # One short write at the end of a file: threads and processes do not mix their lines.
        with (self.folder / _RECORD).open("ab", buffering=0) as file:
            file.write(json.dumps(asdict(item)).encode() + b"\n")

    def _write_record(self, known: dict[str, _Known]) -> None:
        path = self.folder / _RECORD
        partial = path.with_name(path.name + _PARTIAL)
        partial.write_text("".join(json.dumps(asdict(item)) + "\n" for item in known.values()), encoding="utf-8")
        partial.replace(path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process copies; the others of a training wait, and find everything there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            yield


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None if there is none."""
    try:
        return _there(path)
    except FileNotFoundError:
        return None


def _there(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _state_of(known: _Known | None) -> tuple[int, int] | None:
    return None if known is None else (known.size, known.modified)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise BucketError(str(error)) from error
