""".github/workflows/deploy-google.yml and the variables that infra/gcp/pipeline.tf gives it."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.gcp.terraform import Applied

TEXT = (REPOSITORY / ".github" / "workflows" / "deploy-google.yml").read_text(encoding="utf-8")
JOB: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]["deploy"]


def test_it_reads_the_variables_that_terraform_gives_and_no_secret(default: Applied, asked: Applied) -> None:
    assert "github_variables" not in default.outputs, "null is no output"
    assert set(re.findall(r"vars\.(\w+)", TEXT)) == set(asked.outputs["github_variables"])
    assert "secrets." not in TEXT


def test_it_does_nothing_until_the_variables_are_there() -> None:
    assert JOB["if"] == "vars.GOOGLE_DEPLOY != ''"


def test_it_runs_the_command_that_people_run(asked: Applied, tmp_path: Path) -> None:
    (step,) = (step for step in JOB["steps"] if "run" in step)
    assert step["env"] == {"DEPLOY": "${{ vars.GOOGLE_DEPLOY }}"}
    command = asked.outputs["github_variables"]["GOOGLE_DEPLOY"]
    assert command == asked.outputs["deploy"]
    gcloud = tmp_path / "gcloud"
    gcloud.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    gcloud.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DEPLOY": command}
    run = subprocess.run(["bash", "-c", step["run"]], env=environment, capture_output=True, text=True, check=True)  # noqa: S603, S607 - ours
    *_, substitutions = run.stdout.splitlines()
    assert substitutions.startswith("--substitutions=^;^")
    assert ";_PAGE_SERVICE=steel-defect-page;" in substitutions


def test_its_token_is_for_this_job_alone() -> None:
    assert yaml.safe_load(TEXT)["permissions"] == {"contents": "read"}
    assert JOB["permissions"] == {"contents": "read", "id-token": "write"}
