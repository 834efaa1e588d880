"""Where the tests of data find real pictures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="session")
def magnetic_tile_folder() -> Path:
    """The public set of magnetic tiles, which may not be redistributed."""
    folder = Path(os.environ.get("STEEL_DEFECT_MAGNETIC_TILE", REPOSITORY.parent / "shared" / "magnetic_tile"))
    if not (folder / "labels.csv").exists():
        pytest.skip(f"no magnetic tiles in {folder}; set STEEL_DEFECT_MAGNETIC_TILE to a folder of them")
    return folder
