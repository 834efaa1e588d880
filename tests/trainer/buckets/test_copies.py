"""Copies of buckets, against MiniStack and fake-gcs-server: what changed is noticed, and what was stopped goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.location import Location
from steel_defect.storage import Store, open_store
from steel_defect_trainer.buckets.copies import Copy
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.errors import BucketError
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket
from tests.trainer.data.folders import noise_picture, write_picture

if TYPE_CHECKING:
    from pathlib import Path

_numbers = count()


@pytest.fixture(params=["s3", "gs"])
def location(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Location:
    """A place of its own in a bucket of an emulator."""
    emulator: Emulator = request.getfixturevalue("ministack" if request.param == "s3" else "fake_gcs")
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    make = make_s3_bucket if request.param == "s3" else make_gcs_bucket
    bucket = make(emulator, f"copies-{next(_numbers)}")
    return Location(request.param, bucket, "line 1/steel")


@pytest.fixture
def store(location: Location) -> Store:
    return open_store(location)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_copy_has_what_the_bucket_has_and_only_what_changed_is_copied_again(
    location: Location, store: Store, tmp_path: Path
) -> None:
    store.put("labels.csv", b"one")
    store.put("pictures/a.jpg", b"two")
    store.put("pictures/", b"")  # as a console makes a folder
    copy = Copy(location, tmp_path)
    assert copy.fetch() == 2
    assert files(copy.folder) == {"labels.csv": b"one", "pictures/a.jpg": b"two"}
    time_before = (copy.folder / "labels.csv").stat().st_mtime_ns
    assert Copy(location, tmp_path).fetch() == 0
    store.put("pictures/a.jpg", b"owt")  # as large as before
    store.put("pictures/b.jpg", b"three")
    assert Copy(location, tmp_path).fetch() == 2
    store.delete("labels.csv")
    (copy.folder / "pictures" / "b.jpg").write_bytes(b"changed here")
    (copy.folder / "mine.txt").write_bytes(b"kept")
    assert Copy(location, tmp_path).fetch() == 1
    assert files(copy.folder) == {"pictures/a.jpg": b"owt", "pictures/b.jpg": b"three", "mine.txt": b"kept"}
    store.put("labels.csv", b"one")
    assert Copy(location, tmp_path).fetch() == 1
    assert (copy.folder / "labels.csv").stat().st_mtime_ns >= time_before


def test_large_objects_come_whole(location: Location, store: Store, tmp_path: Path) -> None:
    """In ranges, from S3."""
    data = os.urandom(20_000_003)
    store.put("pixels.npy", data)
    copy = Copy(location, tmp_path)
    copy.fetch()
    assert (copy.folder / "pixels.npy").read_bytes() == data
    (copy.folder / "pixels.npy").write_bytes(data[::-1])
    assert copy.upload() == 1
    assert store.get("pixels.npy").data == data[::-1]


def test_a_copy_that_was_killed_goes_on(location: Location, store: Store, tmp_path: Path) -> None:
    for number in range(60):
        store.put(f"{number:02d}.bin", os.urandom(400_000))
    code = (
        "import sys; from pathlib import Path; from steel_defect.location import Location\n"
        "from steel_defect_trainer.buckets.copies import Copy\n"
        "Copy(Location.parse(sys.argv[1]), Path(sys.argv[2])).fetch()"
    )
    folder = Copy(location, tmp_path).folder
    with subprocess.Popen([sys.executable, "-c", code, str(location), str(tmp_path)]) as process:  # noqa: S603 - ours
        deadline = time.monotonic() + 60
        while len(files(folder)) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    there = len(files(folder))
    assert there < 60
    assert 60 - there <= Copy(location, tmp_path).fetch() <= 60 - there + 8
    assert {name: store.get(name).data for name in files(folder)} == files(folder)
    assert len(files(folder)) == 60
    assert not [path for path in folder.iterdir() if path.name.endswith(".partial")]


def test_an_object_that_changes_while_it_is_copied_is_said(
    location: Location, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a.jpg", b"first")
    copy = Copy(location, tmp_path)
    listed = {info.key: info for info in store.list()}
    store.put("a.jpg", b"second")
    monkeypatch.setattr(copy, "_objects", lambda: listed)
    with pytest.raises(BucketError, match=r"a\.jpg changed while it was copied; run the same command again"):
        copy.fetch()
    assert files(copy.folder) == {}
    assert Copy(location, tmp_path).fetch() == 1


@pytest.mark.parametrize("key", ["../a.jpg", "a/../../b.jpg", "a\\b.jpg", "/etc/a.jpg"])
def test_no_object_is_written_outside_of_the_copy(
    location: Location, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Copy(location, tmp_path)
    monkeypatch.setattr(copy._store, "list", lambda: iter([_Info(key)]))  # noqa: SLF001 - emulators refuse some such names
    with pytest.raises(BucketError, match="has a name that no file"):
        copy.fetch()


class _Info:
    def __init__(self, key: str) -> None:
        self.key = key


def test_what_is_not_there_or_cannot_be_read_is_said(location: Location, tmp_path: Path) -> None:
    with pytest.raises(BucketError, match="there is nothing at"):
        Copy(location, tmp_path).fetch()
    with pytest.raises(BucketError):
        Copy(Location(location.scheme, "no-such-bucket-here", "a"), tmp_path).fetch()
    with pytest.raises(BucketError, match="cannot be the name of a folder"):
        Copy(Location(location.scheme, location.bucket, "../../a"), tmp_path)


def test_a_run_goes_on_on_another_machine_and_two_machines_at_once_are_refused(
    location: Location, store: Store, tmp_path: Path
) -> None:
    one, other = Copy(location, tmp_path / "one"), Copy(location, tmp_path / "other")
    assert one.fetch_run() == 0
    (one.folder / "last.pt").write_bytes(b"step 1")
    with one.kept(seconds=0.05):
        deadline = time.monotonic() + 20
        while "last.pt" not in {info.key for info in store.list()}:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (one.folder / "last.pt").write_bytes(b"step 2")
    assert store.get("last.pt").data == b"step 2"
    assert one.fetch_run() == 0
    assert other.fetch_run() == 1
    (other.folder / "last.pt").write_bytes(b"step 3!")
    assert (other.upload(), other.upload()) == (1, 0)
    (one.folder / "last.pt").write_bytes(b"step 2 again")
    with pytest.raises(BucketError, match=r"last\.pt were both written since"):
        one.fetch_run()


def test_train_takes_pictures_from_a_bucket_and_brings_the_run_back(
    location: Location, store: Store, tmp_path: Path
) -> None:
    for number in range(16):
        label = "clean" if number % 2 else "defect"
        write_picture(tmp_path / "drawn" / label / f"{number}.png", noise_picture(number, 64, 64))
    for name, data in files(tmp_path / "drawn").items():
        store.put(name, data)
    tiny = ("--from-scratch", "--device", "cpu", "--set", "optimisation.steps=1", "--set", "optimisation.batch=2")
    shape = ("--set", "input.height=64", "--set", "input.width=64")
    run = Location(location.scheme, location.bucket, "runs/one")
    result = CliRunner().invoke(
        main, ["train", "strip", str(location), "-o", str(run), "--cache", str(tmp_path / "cache"), *tiny, *shape]
    )
    assert result.exit_code == 0, result.output
    assert "16 objects copied to" in result.output
    stored = {info.key for info in open_store(run).list()}
    assert {"best.pt", "last.pt", "recipe.json", "split.csv", "log.jsonl", "data.json"} <= stored
    here = tmp_path / "cache" / "buckets" / location.scheme / location.bucket
    assert json.loads((here / "runs" / "one" / "data.json").read_text())["folder"] == str(here / "line 1/steel")
    assert len(open_data(here / "line 1/steel")) == 16
