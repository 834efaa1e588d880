"""The systemd unit of the service at the line: systemd accepts it, and what it starts works."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, SAMPLES
from tests.transports import Server, free_port
from tests.waiting import wait_for
from tests.watch.line import results_below

UNIT = (REPOSITORY / "infra" / "line" / "steel-defect-watch.service").read_text(encoding="utf-8")
INSTALLED = "/opt/steel-defect/bin/steel-defect"


def test_systemd_accepts_it(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine")
    unit = tmp_path / "steel-defect-watch.service"
    # A program that is here.
    unit.write_text(UNIT.replace(INSTALLED, sys.executable))
    run = subprocess.run([program, "verify", str(unit)], check=False, capture_output=True, text=True, timeout=60)  # noqa: S603 - the system's
    assert run.returncode == 0, run.stderr
    assert unit.name not in run.stderr, run.stderr


def test_what_it_starts_scores_the_pictures(tmp_path: Path) -> None:
    pictures, state, port = tmp_path / "pictures", tmp_path / "state", free_port()
    pictures.mkdir()
    (pictures / "0815.jpg").write_bytes((SAMPLES / "scratch.jpg").read_bytes())
    found = re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    assert found is not None
    line = found[1].replace("${STATE_DIRECTORY}", str(state)).replace("/srv/line-3", str(pictures))
    program, *arguments = shlex.split(line.replace("--status 9797", f"--status {port}"))
    assert program == INSTALLED
    with Server([sys.executable, "-m", "steel_defect", *arguments], {}, port):
        wait_for(lambda: results_below(state / "results"))
    assert results_below(state / "results")["0815.jpg"]["decision"] == "review"
    assert [path.name for path in pictures.iterdir()] == ["0815.jpg"], "the folder of the pictures is only read"


def test_the_folder_is_named_alike_in_all_its_places() -> None:
    assert UNIT.count("/srv/line-3") == 2
    assert Path("/srv/line-3").name in (REPOSITORY / "README.md").read_text(encoding="utf-8")
