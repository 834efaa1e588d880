"""What gcloud itself says, without an account; a test that asks is skipped where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def files_to_upload(folder: Path) -> list[str]:
    """The files of a folder that it would send."""
    return sorted(_gcloud("list-files-for-upload", str(folder)).splitlines())


def complaints(commands: list[str], scratch: Path) -> list[str]:
    """What it does not understand of these commands. It reads them all at once, since each start takes seconds."""
    file = scratch / "commands.md"
    file.write_text("\n".join(["```", *commands, "```", ""]))
    found = json.loads(_gcloud("lint-gcloud-commands", f"--commands-text-file={file}"))
    assert len(found) == len(commands)
    return [f"{one['command_string']}: {one['error_message']}" for one in found if not one["success"]]


def _gcloud(*arguments: str) -> str:
    program = shutil.which("gcloud")
    if program is None:
        pytest.skip("no gcloud on the PATH")
    command = [program, "meta", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own command
