"""The drawn coil, scored once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from tests.coils.drawn import MM_PER_PIXEL, MODEL, DrawnCoil, drawn_coil

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def rolled() -> DrawnCoil:
    """400 pictures with the marks of a roll among 30 random defects."""
    return drawn_coil(1, roll=True)


@pytest.fixture(scope="session")
def scored(rolled: DrawnCoil, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `uploads` and `results` of it, as the command leaves them."""
    folder = tmp_path_factory.mktemp("coil")
    for name, data in rolled.pictures():
        path = folder / "uploads" / "line-3" / "4711" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "model.onnx").write_bytes(MODEL)
    uris = [(folder / name).as_uri() for name in ("uploads", "results")]
    options = ["--model", str(folder / "model.onnx"), "--mm-per-pixel", str(MM_PER_PIXEL)]
    run = CliRunner().invoke(main, ["score", uris[0], "--results", uris[1], *options])
    assert run.exit_code == 0, run.output
    return folder
