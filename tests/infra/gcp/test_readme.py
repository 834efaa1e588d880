"""The README on Google Cloud: its figures, its settings, its commands."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import REPOSITORY
from tests.infra.gcp.gcloud import complaints

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.gcp.terraform import Applied

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
FOLDER = REPOSITORY / "infra" / "gcp"
(DEPLOY,) = re.findall(r"^## Deploy on Google Cloud\n.*?(?=^## )", README, re.MULTILINE | re.DOTALL)


def test_costs_are_what_the_script_computes() -> None:
    script = [sys.executable, str(FOLDER / "costs.py")]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    assert printed.strip() in README


def test_no_command_has_a_setting_that_the_next_one_would_lose() -> None:
    commands = [
        line for line in README.splitlines() if line.lstrip().startswith("terraform ") or "&& terraform" in line
    ]
    assert len(commands) >= 3
    assert not [line for line in commands if "-var" in line]


def test_every_setting_that_is_named_is_one() -> None:
    rows = re.findall(r"^\| (`.*?) \|", DEPLOY, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.tf"))
    assert len(named) >= 20
    assert named <= set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))


def test_every_output_that_is_named_is_one(asked: Applied) -> None:
    named = set(re.findall(r"output (?:-raw |-json |`)(\w+)", README))
    assert {"deploy", "backfill", "redrive", "page_url", "domain_address", "github_variables"} <= named
    assert named <= set(asked.outputs)


def test_gcloud_itself_understands_the_commands(tmp_path: Path) -> None:
    commands = re.findall(r"^gcloud run .*$", README, re.MULTILINE)
    comments = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.tf"))
    commands += re.findall(r"^#   (gcloud (?!.*seek).*)$", comments, re.MULTILINE)
    assert len(commands) >= 3
    assert complaints(commands, tmp_path) == []
