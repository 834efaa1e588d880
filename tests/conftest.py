"""What the tests share: the samples, the probe model, and real servers of both clouds around it.

And what runs them side by side: pytest-xdist's `-n 2 --dist loadgroup --no-loadscope-reorder`, as .ci has it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from steel_defect.api import Api
from steel_defect.scorer import Scorer
from tests.probe_model import probe_model
from tests.transports import CloudRun, Core, Lambda, Server, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

# `pytest --hypothesis-profile=nightly`: more examples than there is time for each day.
settings.register_profile("nightly", max_examples=1000)

pytest_plugins = ["tests.servers.emulators", "tests.servers.moto", "tests.servers.pubsub"]

REPOSITORY = Path(__file__).parents[1]
SAMPLES = REPOSITORY / "tests" / "samples"

# Fixtures of a session that take minutes: all tests that use one of a group run in one process.
SHARED = {"build": "sam", "stack": "sam", "terraform": "terraform"}
# Modules and groups that take longest begin first, so that no process is left with one of them at the end.
LONGEST_FIRST = (
    "sam",
    "exported",
    "tests/infra/trainer/test_machine.py",
    "tests/trainer/test_chain.py",
    "tests/trainer/exporting/test_quantise.py",
    "tests/test_readme.py",
    "tests/storage/test_contract.py",
    "tests/uploads/test_storm.py",
    "tests/page/test_page.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Leave out what takes long."""
    parser.addoption("--no-servers", action="store_true", help="skip the tests that start a server")


def pytest_configure(config: pytest.Config) -> None:
    """Let servers know."""
    Server.skipped = config.getoption("--no-servers")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give pytest-xdist the tests of a module as one group, for they share servers, unless the module has a mark."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))

    def place(item: pytest.Item) -> int:
        (group,) = next(item.iter_markers("xdist_group")).args
        return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


def _group(item: pytest.Item) -> str:
    shared = {SHARED[name] for name in getattr(item, "fixturenames", ()) if name in SHARED}
    return min(shared, default=item.nodeid.partition("::")[0])


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
