"""All images of infra/container/Dockerfile, built and run, where there are a container engine and the base images.

The bases come from public registries unless STEEL_DEFECT_SERVICE_BASE and STEEL_DEFECT_LAMBDA_BASE name others. What is
asked of a container is asked from inside it, so that the engine's network does not matter.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import REPOSITORY, SAMPLES
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRATCH = (SAMPLES / "scratch.jpg").read_bytes()
PREDICT = """
import sys, urllib.request
url, headers = "http://127.0.0.1:9696/predict", {"Content-Type": "image/jpeg"}
request = urllib.request.Request(url, sys.stdin.buffer.read(), headers)
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""
INVOKE = """
import base64, json, sys, urllib.request
event = json.dumps({"image": base64.b64encode(sys.stdin.buffer.read()).decode()}).encode()
url = "http://127.0.0.1:8080/2015-03-31/functions/function/invocations"
print(urllib.request.urlopen(url, event, timeout=60).read().decode())
"""


@pytest.fixture(scope="module")
def engine() -> str:
    """Docker or Podman, whichever works here."""
    for name in ("docker", "podman"):
        program = shutil.which(name)
        command = [str(program), "info"]
        if program and subprocess.run(command, capture_output=True, check=False).returncode == 0:  # noqa: S603 - ours
            return program
    pytest.skip("no container engine works here")


def run(engine: str, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [engine, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, input=data, capture_output=True, check=False, timeout=900)  # noqa: S603 - ours


def built(engine: str, target: str) -> str:
    """Build a target, and give the name of its image."""
    tag = f"steel-defect-test-{target}"
    argument = "LAMBDA_BASE" if target == "lambda" else "SERVICE_BASE"
    base = os.environ.get(f"STEEL_DEFECT_{argument}")
    flags = ["--build-arg", f"{argument}={base}"] if base else []
    # The format that keeps a health check.
    flags += ["--format", "docker"] if engine.endswith("podman") else []
    done = run(engine, "build", *flags, "--file", "infra/container/Dockerfile", "--target", target, "--tag", tag, ".")
    output = (done.stdout + done.stderr).decode()
    unreachable = ("pinging container registry", "failed to resolve", "no such host", "connection refused")
    if done.returncode != 0 and base is None and any(sign in output for sign in unreachable):
        pytest.skip(
            f"the base image of {target} cannot be fetched here: set STEEL_DEFECT_{argument} to one that is here"
        )
    assert done.returncode == 0, output
    return tag


def started(engine: str, image: str) -> Iterator[str]:
    done = run(engine, "run", "--detach", "--rm", image)
    assert done.returncode == 0, done.stderr.decode()
    container = done.stdout.decode().strip()
    yield container
    run(engine, "stop", container)


def asked(engine: str, container: str, script: str) -> Any:  # noqa: ANN401 - JSON
    """What the container answers to the script, once it does."""
    deadline = time.monotonic() + 60
    while True:
        done = run(engine, "exec", "--interactive", container, "python", "-c", script, data=SCRATCH)
        if done.returncode == 0:
            return json.loads(done.stdout)
        if time.monotonic() > deadline:
            pytest.fail(done.stderr.decode() + run(engine, "logs", container).stderr.decode())
        time.sleep(1)


@pytest.fixture(scope="module")
def service(engine: str) -> Iterator[str]:
    """A container that serves HTTP."""
    yield from started(engine, built(engine, "service"))


@pytest.fixture(scope="module")
def function(engine: str) -> Iterator[str]:
    """A container that runs the Lambda function in the emulator that its base has."""
    yield from started(engine, built(engine, "lambda"))


def test_the_service_scores_a_picture(engine: str, service: str) -> None:
    assert asked(engine, service, PREDICT)["decision"] == "reject"


def test_the_service_is_not_root_and_says_nothing_is_wrong(engine: str, service: str) -> None:
    asked(engine, service, PREDICT)
    assert run(engine, "exec", service, "id", "-u").stdout.strip() == b"65532"
    logs = run(engine, "logs", service)
    assert b"ERROR" not in logs.stdout + logs.stderr


def test_the_service_has_a_health_check_that_passes(engine: str, service: str) -> None:
    asked(engine, service, PREDICT)
    stated = json.loads(run(engine, "inspect", "--format", "{{json .Config.Healthcheck}}", service).stdout)
    _, *command = stated["Test"]
    assert run(engine, "exec", service, *command).returncode == 0


def test_the_service_can_run_the_backfill(engine: str, service: str) -> None:
    done = run(engine, "exec", service, "python", "-m", "gcp_backfill")
    assert (done.returncode, json.loads(done.stdout)["severity"]) == (1, "CRITICAL")
    assert b"set UPLOADS_URI and RESULTS_URI" in done.stdout


def test_the_watch_image_scores_what_is_in_the_folder_that_is_mounted(engine: str, tmp_path: Path) -> None:
    (tmp_path / "0815.jpg").write_bytes(SCRATCH)
    tmp_path.chmod(0o777)
    mount = f"{tmp_path}:/pictures"
    started_by = run(engine, "run", "--detach", "--rm", "--volume", mount, built(engine, "watch"), "--settle=1")
    assert started_by.returncode == 0, started_by.stderr.decode()
    result = tmp_path / "results" / "scores" / "0815.jpg.json"
    wait_for(result.exists)
    assert json.loads(result.read_bytes())["decision"] == "reject"
    run(engine, "stop", started_by.stdout.decode().strip())


def test_the_lambda_image_answers_as_the_function_does(engine: str, function: str) -> None:
    answer = asked(engine, function, INVOKE)
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["decision"] == "reject"
