"""Two places of uploads and results, of each kind; and functions that run with them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from steel_defect.app import App
from steel_defect.location import Buckets, Location
from steel_defect.serving import ModelSource
from steel_defect.settings import settings_from
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket
from tests.transports import CloudRun, Core, Lambda

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.transports import Transport

_numbers = count()


@pytest.fixture(params=["file", "s3", "gs"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Of the places."""
    return str(request.param)


@pytest.fixture
def emulator(scheme: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Emulator | None:
    """Of the cloud that has the places; this process takes it for the cloud, too."""
    if scheme == "file":
        return None
    found: Emulator = request.getfixturevalue("ministack" if scheme == "s3" else "fake_gcs")
    for name, setting in found.environment.items():
        monkeypatch.setenv(name, setting)
    return found


@pytest.fixture
def buckets(scheme: str, emulator: Emulator | None, tmp_path: Path) -> Buckets:
    """Empty ones."""
    if emulator is None:
        return Buckets(*(Location("file", str(tmp_path / name)) for name in ("uploads", "results")))
    make = make_s3_bucket if scheme == "s3" else make_gcs_bucket
    number = next(_numbers)
    return Buckets(*(Location(scheme, make(emulator, f"verdicts-{name}-{number}")) for name in ("uploads", "results")))


@pytest.fixture
def environment(buckets: Buckets) -> dict[str, str]:
    """Of a function with these places."""
    return {"UPLOADS_URI": str(buckets.uploads), "RESULTS_URI": str(buckets.results)}


@pytest.fixture
def core(environment: dict[str, str], probe_file: Path) -> Transport:
    """The function in this process."""
    return Core(App(ModelSource(settings_from({**environment, "MODEL_URI": str(probe_file)})), lambda _: None).api)


@pytest.fixture
def function(
    scheme: str, emulator: Emulator | None, environment: dict[str, str], core: Transport, probe_file: Path
) -> Iterator[Transport]:
    """The function on the runtime of the cloud; in this process if the places are folders."""
    if emulator is None:
        yield core
        return
    runtime: type[Lambda | CloudRun] = Lambda if scheme == "s3" else CloudRun
    with runtime(model=probe_file, environment={**emulator.environment, **environment}) as server:
        yield server
