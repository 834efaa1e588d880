"""The export of functions/, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.gcp.export import Export, exported

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """What goes to Google Cloud, with its own environment."""
    folder: Path = tmp_path_factory.mktemp("export")
    return exported(folder)
