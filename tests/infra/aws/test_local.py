"""`sam local invoke` and `sam local start-lambda`, as the README has them, in containers of Docker or Podman.

Uploads and backfills need buckets, of which a container on this machine has none: test_events.py sends their events
through Lambda's runtime.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from tests.conftest import REPOSITORY, SAMPLES
from tests.infra.aws.conftest import uv
from tests.transports import SAM_CLI, Server, free_port

if TYPE_CHECKING:
    from pathlib import Path

IMAGE: Final = "public.ecr.aws/lambda/python:3.13-x86_64"
FOLDER: Final = REPOSITORY / "tests" / "events"
REQUESTS: Final = sorted(path.stem for path in FOLDER.glob("api-*.json"))


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """An engine that answers, with Lambda's image: it is not fetched here, for it has hundreds of MB."""
    docker = shutil.which("docker") or shutil.which("podman")
    if docker is None:
        pytest.skip("neither docker nor podman is on the PATH")
    found = subprocess.run([docker, "image", "inspect", IMAGE], capture_output=True, check=False)  # noqa: S603 - found
    if found.returncode:
        pytest.skip(f"{docker} does not run, or has not the image: docker pull {IMAGE}")


def local(build: Path, *words: str) -> list[str]:
    """A command of `sam local` with what was built."""
    chosen = ["--template", str(build / "template.yaml"), "--skip-pull-image"]
    return [uv(), "tool", "run", "--from", SAM_CLI, "sam", "local", *words, *chosen]


def invoke(build: Path, function: str, event: str) -> Any:  # noqa: ANN401 - JSON
    variables = ["--env-vars", str(FOLDER / "env.json")]
    run = subprocess.run(  # noqa: S603 - our own command
        local(build, "invoke", function, "--event", str(FOLDER / f"{event}.json"), *variables),
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("event", REQUESTS)
def test_requests_are_answered(build: Path, event: str) -> None:
    assert invoke(build, "ApiFunction", event)["statusCode"] == 200


def test_the_upload_function_starts_with_the_variables_that_name_buckets(build: Path) -> None:
    assert invoke(build, "UploadFunction", "upload-s3-test-event") == {}


def test_start_lambda_takes_what_the_command_line_sends(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with Server(local(build, "start-lambda", "--port", str(port)), environment, port):
        run = CliRunner().invoke(
            main, ["score", "--json", "--url", "lambda://ApiFunction", str(SAMPLES / "scratch.jpg")]
        )
    assert run.exit_code == 0, run.output
    assert json.loads(run.output)["decision"] in {"pass", "review", "reject"}
