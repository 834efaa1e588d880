"""The README's section for the engineer at the line: its commands, as they stand, from a folder to a coil's verdict."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steel_defect.settings import IGNORED_SUFFIXES
from steel_defect.watch.outbox import MOST_OUTCOMES
from steel_defect.watch.webhook import REFUSED
from tests.conftest import REPOSITORY, SAMPLES
from tests.transports import free_port
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTION = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## At the line\n")[2].partition("\n## ")[0]
START, LOOK = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A clone, as far as the commands need one."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "samples").symlink_to(SAMPLES)
    return tmp_path


@pytest.fixture
def service(place: Path) -> Iterator[int]:
    """What the first block starts, on a port of its own."""
    port = free_port()
    command = here(START).replace("9797", str(port))
    process = subprocess.Popen(["bash", "-c", command], cwd=place, env=environment(), start_new_session=True)  # noqa: S603, S607 - ours
    yield port
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def here(command: str) -> str:
    """The command for an environment that is set up."""
    return re.sub(r"uv run (--extra \w+ )?", "", command)


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def shell(commands: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own README
        ["bash", "-ec", commands],  # noqa: S607 - the user's
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_from_a_folder_to_results_and_the_verdict_on_a_coil(place: Path, service: int) -> None:
    wait_for((place / "runs" / "line-3" / "~watch").exists)
    commands = here(LOOK).replace("9797", str(service)).replace("curl ", "curl --silent --show-error --fail ")
    commands, _, report = commands.strip().rpartition("\n")
    run = shell(commands, place)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("crack.jpg.json\nscratch.jpg.json\n")
    assert '"pictures_waiting": 0' in run.stdout
    assert '"scored": 2' in run.stdout
    assert report.startswith("steel-defect report ")
    run = shell(report, place)
    assert run.returncode == 0, run.stderr
    assert "4711" in run.stdout
    assert (place / "runs" / "line-3-results" / "coils" / "4711" / "report.html").exists()


def test_what_it_says_is_so() -> None:
    words = " ".join(SECTION.split())
    assert f"while {MOST_OUTCOMES:,} were not" in words
    *most, last = map(str, sorted(REFUSED))
    assert f"answers {', '.join(most)} or {last} refuses" in words
    assert ".part" in IGNORED_SUFFIXES
