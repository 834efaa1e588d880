"""What `gcloud` would send to Google Cloud, and the function served from exactly that."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY
from tests.infra.gcp.gcloud import files_to_upload
from tests.transports import FUNCTIONS, CloudRun, Server, free_port

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Export:
    """A copy of functions/ as it is sent, and an environment of what its requirements.txt installs.

    Attributes:
        folder: the copy.
        python: the interpreter of the environment: Python 3.13, as the functions' base image has it.
    """

    folder: Path
    python: Path

    def run(self, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the interpreter in the folder, with this environment only."""
        return subprocess.run(  # noqa: S603 - our own code
            [self.python, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


class ExportedFunction(CloudRun):
    """functions-framework out of the export's environment, on the export's main.py."""

    def __init__(self, export: Export, target: str, environment: dict[str, str] | None = None) -> None:
        port = free_port()
        signature = {"api": "http", "upload": "cloudevent"}[target]
        # The script, not `python -m`: that would also import from the folder where it is started, the real functions/.
        command = [str(export.python.with_name("functions-framework")), f"--target={target}"]
        command += [f"--source={export.folder / 'main.py'}", f"--signature-type={signature}"]
        Server.__init__(self, [*command, "--host=127.0.0.1", f"--port={port}"], environment or {}, port)


def let_through(folder: Path, scratch: Path) -> list[str]:
    """The files of a folder that its .gcloudignore lets through, by git's matcher, whose rules gcloud follows."""
    git, rules = _program("git"), scratch / "rules"
    subprocess.run([git, "init", "--quiet", "--bare", str(scratch)], check=True)  # noqa: S603 - our own command
    rules.write_text(_rules(folder / ".gcloudignore"), encoding="utf-8")
    where = [f"--git-dir={scratch}", f"--work-tree={folder}"]
    command = [git, *where, "ls-files", "-z", "--others", f"--exclude-from={rules}"]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)  # noqa: S603 - as above
    return sorted(run.stdout.rstrip("\0").split("\0"))


def _rules(file: Path) -> str:
    """The rules in a file, with those of the files that it includes, which only gcloud does."""
    include = "#!include:"
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(
        _rules(file.with_name(line.removeprefix(include))) if line.startswith(include) else line for line in lines
    )


def sent_to_build(scratch: Path) -> list[str]:
    """The files of the repository that `gcloud builds submit` sends: by gcloud, or without one by its rules."""
    return files_to_upload(REPOSITORY) if shutil.which("gcloud") else let_through(REPOSITORY, scratch)


def copied(source: Path, names: list[str], target: Path) -> Path:
    """Copy these files of a folder."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, target / name)
    return target


def exported(folder: Path) -> Export:
    """Copy what is let through, and install its requirements with their hashes under Python 3.13."""
    uv, python = _program("uv"), _python()
    source = copied(FUNCTIONS, let_through(FUNCTIONS, folder / "git"), folder / "functions")
    environment = folder / "environment"
    requirements = source / "requirements.txt"
    for command in (
        [uv, "venv", "--quiet", "--python", python, str(environment)],
        [uv, "pip", "install", "--quiet", "--python", str(environment), "--require-hashes", "-r", str(requirements)],
    ):
        subprocess.run(command, check=True)  # noqa: S603 - as above
    return Export(source, environment / "bin" / "python")


def bucket_environment(uploads: str, results: str) -> dict[str, str]:
    """What the upload function is told of its buckets."""
    return {"UPLOADS_URI": f"gs://{uploads}", "RESULTS_URI": f"gs://{results}"}


def log_lines(output: str) -> list[dict[str, str]]:
    """The structured lines of a function's output."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def _python() -> str:
    """The path of a Python 3.13, which the functions' base image has: this one, or one of pyenv's."""
    if sys.version_info[:2] == (3, 13):
        return sys.executable
    with suppress(FileNotFoundError, subprocess.CalledProcessError):
        pyenv = ["pyenv", "versions", "--bare"]
        versions = subprocess.run(pyenv, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 - pyenv's
        newest = max((version for version in versions if version.startswith("3.13.")), default=None)
        if newest is not None:
            environment = {**os.environ, "PYENV_VERSION": newest}
            which = ["pyenv", "which", "python3.13"]
            run = subprocess.run(which, check=True, capture_output=True, text=True, env=environment)  # noqa: S603 - as above
            return run.stdout.strip()
    pytest.skip("no Python 3.13 here, which the functions run under on Google Cloud")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on the PATH")
    return found
