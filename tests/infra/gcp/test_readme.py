"""The README on Google Cloud: its figures are what its script computes."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import REPOSITORY


def test_costs_are_what_the_script_computes() -> None:
    script = [sys.executable, str(REPOSITORY / "infra" / "gcp" / "costs.py")]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    assert printed.strip() in (REPOSITORY / "README.md").read_text(encoding="utf-8")
