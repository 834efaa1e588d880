"""What `gcloud builds submit` sends is a clone without its history, and cloudbuild.yaml's tests pass in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY
from tests.infra.gcp.export import copied, let_through, sent_to_build
from tests.infra.gcp.gcloud import files_to_upload

if TYPE_CHECKING:
    from pathlib import Path

# The tests that read what is sent. Those of the code find the same code in a clone.
READERS = ["tests/infra/gcp/test_export.py", "tests/infra/gcp/test_build_upload.py"]


def test_the_build_gets_every_file_of_the_clone(tmp_path: Path) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("no clone: this is what was sent")
    command = ["git", "ls-files", "-z", "--cached"]
    tracked = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    there = {name for name in tracked.rstrip("\0").split("\0") if (REPOSITORY / name).is_file()}
    assert there - set(sent_to_build(tmp_path / "git")) == set()


def test_the_build_gets_nothing_that_a_clone_has_not(tmp_path: Path) -> None:
    left = tmp_path / "left"
    unwanted = [".git/config", ".venv/x", ".venv-3.13/x", "runs/x", "infra/gcp/.terraform/x", "infra/gcp/x.tfstate"]
    wanted = [".gcloudignore", ".gitignore", "functions/.gcloudignore", "functions/main.py", "tests/samples/crack.jpg"]
    for name in [*wanted, *unwanted, "infra/gcp/terraform.tfvars"]:
        (left / name).parent.mkdir(parents=True, exist_ok=True)
        (left / name).touch()
    for name in (".gcloudignore", ".gitignore"):
        shutil.copy(REPOSITORY / name, left / name)
    assert let_through(left, tmp_path / "git") == wanted
    assert files_to_upload(left) == wanted


def test_the_tests_of_the_build_pass_in_what_is_sent(tmp_path: Path) -> None:
    if os.environ.get("STEEL_DEFECT_BUILD_UPLOAD"):
        pytest.skip("this is what was sent")
    sent = copied(REPOSITORY, sent_to_build(tmp_path / "git"), tmp_path / "sent")
    # As in the image of the build's first step: no gcloud.
    (programs := tmp_path / "programs").mkdir()
    for name in ("git", "uv"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    paths = {"PATH": str(programs), "PYTHONPATH": str(sent / "functions")}
    run = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *READERS],
        cwd=sent,
        env={**os.environ, **paths, "STEEL_DEFECT_BUILD_UPLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=540,
    )
    assert run.returncode == 0, run.stdout + run.stderr
