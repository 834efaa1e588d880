"""Models that differ in what they say, and a registry with two of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import onnx
import pytest

from steel_defect.registry import publish
from steel_defect.storage import Store, open_store
from tests.probe_model import CONTRACT, probe_model
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path


_numbers = count()


def model(version: str) -> bytes:
    """The probe model, calling itself this version."""
    return probe_model(replace(CONTRACT, version=version))


def broken_answers() -> bytes:
    """A probe model whose probability is not one: its mean is divided by 1 in place of 255."""
    loaded = onnx.load_from_string(model("not calibrated"))
    full = next(item for item in loaded.graph.initializer if item.name == "full")
    full.CopyFrom(onnx.helper.make_tensor("full", onnx.TensorProto.FLOAT, [], [1.0]))
    return bytes(loaded.SerializeToString())


class Registry(NamedTuple):
    """A registry with two published versions of the model `probe`; neither is in production."""

    uri: str
    store: Store
    first: str
    second: str


@pytest.fixture(params=["memory", "file", "s3", "gs"])
def registry(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """On every back end."""
    number = next(_numbers)
    if request.param == "memory":
        return _filled(f"memory://registry-{number}")
    if request.param == "file":
        return _filled(tmp_path.as_uri())
    emulator: Emulator = request.getfixturevalue("ministack" if request.param == "s3" else "fake_gcs")
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    make = make_s3_bucket if request.param == "s3" else make_gcs_bucket
    return _filled(f"{request.param}://{make(emulator, f'registry-{number}')}/some/where")


@pytest.fixture
def local_registry(tmp_path: Path) -> Registry:
    """In a folder, which other processes see as well."""
    return _filled((tmp_path / "registry").as_uri())


def _filled(uri: str) -> Registry:
    store = open_store(uri)
    return Registry(uri, store, *(publish(store, model(version), who="test") for version in ("1", "2")))
