"""Buckets of both clouds, on their emulators."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from collections.abc import Callable


_numbers = count()


@pytest.fixture(params=["s3", "gs"])
def cloud(request: pytest.FixtureRequest) -> str:
    """The scheme of the cloud."""
    return str(request.param)


@pytest.fixture
def make_bucket(cloud: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes a bucket with versions on the cloud's emulator, which this process takes for the cloud."""
    emulator: Emulator = request.getfixturevalue("ministack" if cloud == "s3" else "fake_gcs")
    for name, setting in emulator.environment.items():
        monkeypatch.setenv(name, setting)
    make = make_s3_bucket if cloud == "s3" else make_gcs_bucket
    return lambda: make(emulator, f"uploads-{cloud}-{next(_numbers)}")
