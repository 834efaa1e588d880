"""The export of functions/ and what infra/gcp makes, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.gcp.export import Export, exported
from tests.infra.gcp.terraform import Applied, Terraform
from tests.infra.gcp.variables import ASKED, PROJECT, REFUSED, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """What goes to Google Cloud, with its own environment."""
    folder: Path = tmp_path_factory.mktemp("export")
    return exported(folder)


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """Terraform over a copy of infra/gcp."""
    made = Terraform(tmp_path_factory.mktemp("terraform"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def runs(terraform: Terraform) -> dict[str, Applied]:
    """Everything applied on mocks; what must be refused is."""
    return terraform.test({"default": PROJECT, "asked": ASKED, "second": SECOND}, REFUSED)


@pytest.fixture
def default(runs: dict[str, Applied]) -> Applied:
    """What is made if nothing is asked for."""
    return runs["default"]


@pytest.fixture
def asked(runs: dict[str, Applied]) -> Applied:
    """What is made if everything is asked for."""
    return runs["asked"]


@pytest.fixture
def second(runs: dict[str, Applied]) -> Applied:
    """What a second deployment in the project makes, over buckets that are there already."""
    return runs["second"]
