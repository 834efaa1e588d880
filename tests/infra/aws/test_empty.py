"""infra/aws/empty.py, on buckets with versions."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steel_defect.location import Location
from steel_defect.storage import StorageRefused, open_store
from tests.conftest import REPOSITORY
from tests.servers.emulators import make_s3_bucket

if TYPE_CHECKING:
    from tests.servers.emulators import Emulator

PROGRAM = REPOSITORY / "infra" / "aws" / "empty.py"


def empty(emulator: Emulator, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, str(PROGRAM), *arguments],
        input=said,
        env={"PATH": os.environ["PATH"], **emulator.environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bucket(ministack: Emulator, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With two versions of an object, a deleted one, and one that it has still."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    bucket = make_s3_bucket(ministack, f"empty-{abs(hash(request.node.name))}")
    store = open_store(Location.parse(f"s3://{bucket}"))
    for key in ("twice.jpg", "twice.jpg", "gone.jpg", "there.jpg"):
        store.put(key, b"picture")
    store.delete("gone.jpg")
    return bucket


def test_a_bucket_goes_with_every_version_in_it(ministack: Emulator, bucket: str) -> None:
    done = empty(ministack, bucket, "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{bucket}: deleted, with 5 versions of objects\n"
    with pytest.raises(StorageRefused):
        list(open_store(Location.parse(f"s3://{bucket}")).list())
    again = empty(ministack, bucket, "--yes")
    assert again.returncode == 1
    assert "NoSuchBucket" in again.stderr


def test_nothing_is_deleted_without_the_name(ministack: Emulator, bucket: str) -> None:
    done = empty(ministack, bucket, said="yes\n")
    assert done.returncode == 1
    assert f"{bucket} was left as it is" in done.stderr
    assert len(list(open_store(Location.parse(f"s3://{bucket}")).list())) == 2
    assert empty(ministack, bucket, said=f"{bucket}\n").returncode == 0
