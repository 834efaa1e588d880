"""Where the tests of the trainer find real pictures and the bundled model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import steel_defect

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def severstal_folder() -> Path:
    """The developers' real pictures, which are never in the repository."""
    folder = Path(os.environ.get("STEEL_DEFECT_SEVERSTAL", ROOT.parent / "shared" / "severstal"))
    if not (folder / "labels.csv").exists():
        pytest.skip(f"no real pictures in {folder}; set STEEL_DEFECT_SEVERSTAL to a folder of them")
    return folder


@pytest.fixture(scope="session")
def samples_folder() -> Path:
    """The committed sample strips."""
    return ROOT / "tests" / "samples"


@pytest.fixture(scope="session")
def bundled_model() -> Path:
    """The model file that ships."""
    return Path(steel_defect.__file__).parent / "bundled" / "model.onnx"
