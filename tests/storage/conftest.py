"""One store of each back end, empty at the start of every test."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from steel_defect.storage import Store, open_store
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path


# Fixtures of the emulator and of the bucket, and the scheme. Two emulators of S3: neither decides alone what S3 does.
CLOUDS = {
    "s3": ("ministack", "s3", "s3_bucket"),
    "s3 by moto": ("moto", "s3", "moto_bucket"),
    "gs": ("fake_gcs", "gs", "gcs_bucket"),
}
_numbers = count()


@pytest.fixture(scope="session")
def s3_bucket(ministack: Emulator) -> str:
    """A bucket with versioning."""
    return make_s3_bucket(ministack, "contract")


@pytest.fixture(scope="session")
def moto_bucket(moto: Emulator) -> str:
    """A bucket with versioning."""
    return make_s3_bucket(moto, "contract")


@pytest.fixture(scope="session")
def gcs_bucket(fake_gcs: Emulator) -> str:
    """A bucket with versioning."""
    return make_gcs_bucket(fake_gcs, "contract")


def use(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process take the emulator for the cloud."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["memory", "file", *CLOUDS])
def uri(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of an empty store, in a bucket that other tests use as well."""
    if request.param == "memory":
        return f"memory://contract-{next(_numbers)}"
    if request.param == "file":
        return (tmp_path / "a folder+%2B").as_uri()
    emulator, scheme, bucket = CLOUDS[request.param]
    use(request.getfixturevalue(emulator), monkeypatch)
    return f"{scheme}://{request.getfixturevalue(bucket)}/some prefix+%2B/{next(_numbers)}"


@pytest.fixture
def store(uri: str) -> Store:
    """The store."""
    return open_store(uri)


@pytest.fixture
def contended(request: pytest.FixtureRequest) -> None:
    """Skips where several writers at the same moment are not kept apart."""
    if request.node.callspec.params["uri"] == "s3 by moto":
        pytest.skip("moto looks at the condition of a write, and then writes: unlike in S3, two at a time may both win")
