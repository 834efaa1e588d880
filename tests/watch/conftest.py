"""A folder, the probe model, and a service over it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.probe_model import probe_model
from tests.watch.line import Line, Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.watch.line import Starter


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe model as a file."""
    path = tmp_path_factory.mktemp("model") / "probe.onnx"
    path.write_bytes(probe_model())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is watched."""
    found = tmp_path / "line 3 +%2B"
    found.mkdir()
    return found


@pytest.fixture
def watched(folder: Path, probe: Path) -> Iterator[Starter]:
    """Start a service over the folder that scores by the probe; it ends with the test."""
    with ExitStack() as stack:

        def start(*options: str, environment: dict[str, str] | None = None) -> Line:
            return stack.enter_context(Line(folder, f"--model={probe}", *options, environment=environment))

        yield start


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A webhook."""
    with Listener() as found:
        yield found
