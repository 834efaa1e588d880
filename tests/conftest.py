"""What the tests share: the samples, the probe model, and real servers of both clouds around it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steel_defect.api import Api
from steel_defect.scorer import Scorer
from tests.probe_model import probe_model
from tests.transports import CloudRun, Core, Lambda, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.servers.emulators", "tests.servers.moto", "tests.servers.pubsub"]

REPOSITORY = Path(__file__).parents[1]
SAMPLES = REPOSITORY / "tests" / "samples"


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """The committed synthetic strips."""
    return sorted(SAMPLES.glob("*.jpg"))


@pytest.fixture(scope="session")
def severstal() -> Path:
    """The folder of real pictures, which only developers have: they may not be redistributed."""
    folder = Path(os.environ.get("STEEL_DEFECT_SEVERSTAL", REPOSITORY.parent / "shared" / "severstal"))
    if not folder.is_dir():
        pytest.skip("no real pictures here: set STEEL_DEFECT_SEVERSTAL to a folder with labels.csv and train_images/")
    return folder


@pytest.fixture(scope="session")
def probe() -> Scorer:
    """A scorer whose answer is the mean gray of the picture."""
    return Scorer(probe_model())


@pytest.fixture(scope="session")
def probe_api(probe: Scorer) -> Api:
    """The HTTP interface of the core, with the probe model."""
    return Api(lambda: probe)


@pytest.fixture(scope="session")
def probe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe model as a file."""
    path = tmp_path_factory.mktemp("model") / "probe.onnx"
    path.write_bytes(probe_model())
    return path


@pytest.fixture(scope="session")
def cloud_run(probe_file: Path) -> Iterator[CloudRun]:
    """functions-framework serving main.py with the probe model."""
    with CloudRun(model=probe_file) as server:
        yield server


@pytest.fixture(scope="session")
def aws_lambda(probe_file: Path) -> Iterator[Lambda]:
    """The Lambda Runtime Interface Emulator running aws.py with the probe model."""
    with Lambda(model=probe_file) as server:
        yield server


@pytest.fixture(params=["core", "cloud_run", "aws_lambda"])
def transport(request: pytest.FixtureRequest, probe_api: Api) -> Transport:
    """Three ways to the same probe model: in process, Cloud Run's server, Lambda's runtime."""
    if request.param == "core":
        return Core(probe_api)
    server: Transport = request.getfixturevalue(request.param)
    return server
