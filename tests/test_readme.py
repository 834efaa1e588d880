"""The README's commands are run as they stand, and show what the README says they show."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.session import Session

from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from tests.conftest import REPOSITORY
from tests.servers.emulators import Emulator, fake_gcs, make_s3_bucket, ministack
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fake_gcs", "ministack"]  # fixtures

CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language == "sh"]
START, TESTS = SHELL[:2]
# These two would start what is running already. .ci/run runs both as they stand.
NOT_HERE = {TESTS, "uv run steel-defect serve\n"}


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The shell's environment, with this environment's programs first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """What `steel-defect serve` serves, on a port of its own."""
    with CloudRun() as server:
        yield server.port


def here(command: str) -> str:
    """The command for an environment that is set up: without what sets it up."""
    return re.sub(r"uv run (--group \w+ |--all-groups )?", "", command.replace("pip install uv && ", ""))


@pytest.mark.parametrize("block", [block for block in SHELL if block not in NOT_HERE and "curl" not in block])
def test_commands(block: str, environment: dict[str, str]) -> None:
    if "--group trainer" in block and find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: uv sync --all-groups")
    run = shell(here(block), environment)
    assert run.returncode == 0, run.stderr
    if block == START:
        shown = next(text for language, text in BLOCKS if language == "text")
        assert without_times(run.stdout) == without_times(shown)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl_examples(environment: dict[str, str], port: int) -> None:
    examples = next(block for block in SHELL if "curl" in block).replace("9696", str(port))
    commands = re.split(r"\n(?=curl|echo)", examples.strip())
    assert len(commands) == 4
    for command in commands:
        run = shell(command.replace("curl", "curl --silent --show-error --fail-with-body"), environment)
        assert run.returncode == 0, run.stdout + run.stderr
        assert '"threshold"' in run.stdout
        assert ("defect_map" in run.stdout) == ("map=true" in command)


def test_cloud_commands(ministack: Emulator, environment: dict[str, str]) -> None:
    """Commands that need an account, against MiniStack."""
    commands = "".join(text for language, text in BLOCKS if language == "shell")
    for bucket in ("my-uploads", "my-results", "my-models"):
        make_s3_bucket(ministack, bucket)
    sqs = Session().create_client("sqs", endpoint_url=ministack.url, region_name="us-east-1", **CREDENTIALS)
    queues = {f"{name}_QUEUE_URL": sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("DEAD_LETTER", "UPLOAD")}
    run = shell(f"set -e\n{commands}", {**environment, **ministack.environment, **queues})
    assert run.returncode == 0, run.stderr
    assert "0 objects" in run.stdout
    assert "0 messages moved" in run.stdout
    assert re.search(r"strip-mobilenetv2 .* yes *\n", run.stdout)


def test_python_example(environment: dict[str, str], port: int) -> None:
    example = next(text for language, text in BLOCKS if language == "python").replace("9696", str(port))
    command = [sys.executable, "-c", example]
    run = subprocess.run(  # noqa: S603 - our own README
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"reject 0\.\d+\n", run.stdout)


def test_ci_runs_the_first_two_commands_as_they_stand() -> None:
    ci = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    for command in (START, TESTS):
        assert command.removeprefix("pip install uv && ") in ci.replace("step ", "")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https://)([^)]+)\)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    anchors = {"#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert target in anchors if target.startswith("#") else (REPOSITORY / target).exists()


def shell(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own README
        ["bash", "-c", command],  # noqa: S607 - the user's bash
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def without_times(table: str) -> list[str]:
    return [re.sub(r"\s+(ms|\d+\.\d)?$", "", line) for line in table.strip().splitlines()]


def test_the_quality_is_what_the_model_file_says() -> None:
    figures = Scorer.from_file(BUNDLED_MODEL).contract.metrics["cross_validation_roc_auc"]
    words = " ".join(README.split())
    assert f"ROC-AUC {figures['value']:.3f} on" in words
    assert f"from {figures['low']:.3f} to {figures['high']:.3f}:" in words
