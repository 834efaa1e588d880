"""One store of each back end, empty at the start of every test."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from steel_defect.storage import Store, open_store
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path


BACK_ENDS = ["memory", "file", "s3", "gs"]
_numbers = count()


@pytest.fixture(scope="session")
def s3_bucket(ministack: Emulator) -> str:
    """A bucket with versioning."""
    return make_s3_bucket(ministack, "contract")


@pytest.fixture(scope="session")
def gcs_bucket(fake_gcs: Emulator) -> str:
    """A bucket with versioning."""
    return make_gcs_bucket(fake_gcs, "contract")


def use(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process take the emulator for the cloud."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=BACK_ENDS)
def uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty store, in a bucket that other tests use as well."""
    if request.param == "memory":
        return f"memory://contract-{next(_numbers)}"
    if request.param == "file":
        return (tmp_path / "a folder+%2B").as_uri()
    use(request.getfixturevalue("ministack" if request.param == "s3" else "fake_gcs"), monkeypatch)
    bucket = request.getfixturevalue("s3_bucket" if request.param == "s3" else "gcs_bucket")
    return f"{request.param}://{bucket}/some prefix+%2B/{next(_numbers)}"


@pytest.fixture
def store(uri: str) -> Store:
    """The store."""
    return open_store(uri)
