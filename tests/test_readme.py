"""The README's commands are run as they stand, and show what the README says they show.

Those for a deployment are run against one on loopback: MiniStack with the functions of both kinds, and the api function
over HTTP, which takes the place of the README's example host. Only the host and the dates of the drift are others.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageEnhance

from steel_defect.api import Api
from steel_defect.http import Request
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from steel_defect_trainer.exporting.reference import reference_of, write_reference
from tests.conftest import REPOSITORY, SAMPLES
from tests.pictures import encoded
from tests.servers.deployment import Deployment
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.servers.front import Front
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator


README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language == "sh"]
START, TESTS = SHELL[:2]
CLOUD = [text for language, text in BLOCKS if language == "shell"]
PYTHON = [text for language, text in BLOCKS if language == "python"]
EXAMPLE_HOST = "https://abc123.execute-api.eu-central-1.amazonaws.com"
EXAMPLE_PERIOD = ("2026-03-01", "2026-03-08")
SCORED_BEFORE = 100  # What drift needs at least.
# These two would start what is running already. .ci/run and .ci/trainer run them.
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
    return re.sub(r"uv run (--extra \w+ |--all-groups --all-extras )?", "", command.replace("pip install uv && ", ""))


# tests/watch/test_readme.py runs these.
AT_THE_LINE = [block for block in SHELL if "runs/line-3" in block]


@pytest.mark.parametrize(
    "block", [block for block in SHELL if block not in [*NOT_HERE, *AT_THE_LINE] and "curl" not in block]
)
def test_commands(block: str, environment: dict[str, str]) -> None:
    if "--extra trainer" in block and find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: uv sync --all-groups --all-extras")
    for written in re.findall(r"-o (runs/\S+\.onnx)", block):  # no command overwrites a model
        (REPOSITORY / written).unlink(missing_ok=True)
    run = shell(here(block), environment)
    assert run.returncode == 0, run.stderr
    if block == START:
        shown = next(text for language, text in BLOCKS if language == "text")
        assert without_times(run.stdout) == without_times(shown)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl_examples(environment: dict[str, str], port: int) -> None:
    examples = next(block for block in SHELL if "curl" in block).replace("9696", str(port))
    commands = re.split(r"\n(?=curl|echo)", examples.strip())
    assert len(commands) == 5
    for command in commands:
        run = shell(command.replace("curl", "curl --silent --show-error --fail-with-body"), environment)
        assert run.returncode == 0, run.stdout + run.stderr
        assert '"threshold"' in run.stdout
        assert ("defect_map" in run.stdout) == ("map=true" in command)
        assert ('"coil": "4711"' in run.stdout) == ("coil=4711" in command)
        if "/batch" in command:
            assert [sorted(one) for one in json.loads(run.stdout)["answers"]] == [["answer", "file"]] * 2


@dataclass(frozen=True)
class Far:
    """A deployment, and a machine that uses it.

    Attributes:
        deployed: buckets, queues and functions.
        front: what answers HTTP, and knows what it was asked.
        folder: where the commands are run.
        environment: what they are run with.
    """

    deployed: Deployment
    front: Front
    folder: Path
    environment: dict[str, str]

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run commands, against this deployment and about this week."""
        today = datetime.now(UTC).date()
        period = (today - timedelta(days=6), today + timedelta(days=1))
        for example, real in zip((EXAMPLE_HOST, *EXAMPLE_PERIOD), (self.front.url, *map(str, period)), strict=True):
            commands = commands.replace(example, real)
        # As for people, but that an answer which is a problem is a failure.
        commands = re.sub(r"\bcurl (?!.*--fail)", "curl --silent --show-error --fail-with-body ", commands)
        return shell(f"set -e -o pipefail\n{commands}", self.environment, self.folder)


@pytest.fixture(scope="module")
def far(ministack: Emulator, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """A stack that has scored a good many pictures, with a model that has a reference: those of the samples."""
    folder = tmp_path_factory.mktemp("readme")
    pictures = list(various(SCORED_BEFORE))
    model = folder / "model.onnx"
    model.write_bytes(BUNDLED_MODEL.read_bytes())
    write_reference(
        model, reference_of((found.statistics, found.defect_prob) for found in map(Scorer(model).score, pictures))
    )
    settings = {"MODEL_URI": str(model)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ministack.environment.items():
            patch.setenv(name, value)
        deployed = Deployment(ministack, "my", eventbridge=False, settings=settings)
        deployed.add_function("steel-defect-api", "aws.api")
        make_s3_bucket(ministack, "my-models")
        for index, picture in enumerate(pictures):
            deployed.put(f"line-3/before/{index}.jpg", picture)
    make_machine(folder)
    with CloudRun(model, environment=deployed.environment) as server, Front(server.port) as front:
        yield Far(
            deployed,
            front,
            folder,
            {
                **environment,
                **ministack.environment,
                **settings,
                "PATH": f"{folder / 'bin'}:{environment['PATH']}",
                "FUNCTION": "steel-defect-api",
                "DEAD_LETTER_QUEUE_URL": deployed.dead,
                "UPLOAD_QUEUE_URL": deployed.queue,
            },
        )


def various(count: int) -> Iterator[bytes]:
    """Pictures no two of which are alike: the samples, darker and brighter."""
    samples = [Image.open(path).convert("L") for path in sorted(SAMPLES.glob("*.jpg"))]
    for index in range(count):
        yield encoded(ImageEnhance.Brightness(samples[index % len(samples)]).enhance(0.7 + 0.6 * index / count), "JPEG")


def make_machine(folder: Path) -> None:
    """What the commands take for granted: this clone, pictures of a line, a large one, a gcloud that is signed in."""
    (folder / "functions").symlink_to(REPOSITORY / "functions")
    (folder / "line-3").mkdir()
    for path, name in zip(sorted(SAMPLES.glob("*.jpg")), ("0815", "0816", "0817"), strict=False):
        shutil.copy(path, folder / "line-3" / f"{name}.jpg")
    with Image.open(SAMPLES / "scratch.jpg") as picture:
        large = picture.convert("L").resize((6400, 1024))
    (folder / "strip.tif").write_bytes(encoded(large, "TIFF"))
    (folder / "bin").mkdir()
    gcloud = folder / "bin" / "gcloud"
    gcloud.write_text('#!/bin/sh\n[ "$*" = "auth print-identity-token" ] && echo token-of-the-user\n')
    gcloud.chmod(0o755)


def test_commands_for_a_deployment(far: Far) -> None:
    dead = {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "my-uploads"}, "object": {"key": "gone"}}}]}
    far.deployed.sqs.send_message(QueueUrl=far.deployed.dead, MessageBody=json.dumps(dead))
    run = far.run("".join(block for block in CLOUD if "jq" not in block))
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(re.findall(r"^3 pictures: ", run.stdout, re.MULTILINE)) == 2, "of `score --url` and `upload`"
    assert len(re.findall(r"^line-3/081[567]\.jpg,\w+,0\.\d+", run.stdout, re.MULTILINE)) == 3, "of `lambda://`"
    assert run.stdout.count('"timings_ms"') == 2, "of curl"
    shown = [
        asked.headers["authorization"].split("/")[0] for asked in far.front.asked if "authorization" in asked.headers
    ]
    assert shown == ["AWS4-HMAC-SHA256 Credential=test", "Bearer token-of-the-user"]
    assert re.search(r"^ +1\d\d objects, by ", run.stdout, re.MULTILINE)
    assert "1 message moved" in run.stdout
    assert re.search(r"strip-mobilenetv2 .* yes *\n", run.stdout)


def test_drift_is_shown_as_the_example_has_it(far: Far) -> None:
    (command,) = [block for block in CLOUD if "steel-defect drift" in block]
    run = far.run(f"steel-defect score s3://my-uploads --results s3://my-results >&2\n{command}")
    assert run.returncode == 0, run.stdout + run.stderr
    example = next(text for language, text in BLOCKS if language == "text" and text.startswith("statistic"))
    # The header and the names: without what is aligned, and without figures.
    parts = [[re.split(r"  +", line.strip()) for line in table.splitlines()] for table in (example, run.stdout)]
    assert parts[0][0] == parts[1][0]
    assert [row[0] for row in parts[0]] == [row[0] for row in parts[1][: len(parts[0])]]
    assert (far.folder / "drift.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.skipif(shutil.which("jq") is None, reason="no jq on this machine")
def test_a_large_picture_goes_through_the_bucket(far: Far) -> None:
    (commands,) = [block for block in CLOUD if "jq" in block]
    run = far.run(f"SERVICE={EXAMPLE_HOST}\n{commands}")
    assert run.returncode == 0, run.stdout + run.stderr
    said = json.loads(run.stdout)
    assert (said["status"], said["image"]) == ("scored", {"width": 6400, "height": 1024, "format": "TIFF"})
    example = json.loads(next(text for language, text in BLOCKS if language == "json" and "schema_version" in text))
    assert example.keys() == said.keys()
    for name in ("source", "model", "image", "statistics"):
        assert example[name].keys() == said[name].keys()


def test_python_example(far: Far) -> None:
    (example,) = [block for block in PYTHON if "connect(" in block]  # tests/core/test_model.py runs the other.
    assert len([line for line in example.splitlines() if line]) == 10
    broken = far.folder / "line-3" / "broken.jpg"
    broken.write_bytes(b"no picture")
    command = [sys.executable, "-W", "error", "-c", example.replace(EXAMPLE_HOST, far.front.url)]
    run = subprocess.run(  # noqa: S603 - our own README
        command, cwd=far.folder, env=far.environment, capture_output=True, text=True, check=False
    )
    broken.unlink()
    assert run.returncode == 0, run.stderr
    rows = run.stdout.splitlines()
    for name, row in zip(("0815", "0816", "0817"), rows, strict=False):
        assert re.fullmatch(rf"line-3/{name}\.jpg (pass|review|reject) 0\.\d+", row)
    assert rows[3].startswith("line-3/broken.jpg not scored: the bytes are not a picture")


def test_the_example_of_a_problem_is_what_is_answered() -> None:
    scorer = Scorer(BUNDLED_MODEL)
    picture = encoded(Image.new("1", (9000, 9000)))
    answer = Api(lambda: scorer).handle(Request("POST", "/predict", {"content-type": "image/png"}, {}, picture))
    (example,) = [text for language, text in BLOCKS if language == "json" and "urn:problem-type" in text]
    assert json.loads(example) == json.loads(answer.body)


def test_ci_runs_the_first_two_commands() -> None:
    ci = "".join((REPOSITORY / ".ci" / name).read_text(encoding="utf-8") for name in ("run", "trainer"))
    for command in (START, TESTS):
        assert f"\nstep {command.removeprefix('pip install uv && ').strip()}" in ci


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https://)([^)]+)\)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    anchors = {"#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert target in anchors if target.startswith("#") else (REPOSITORY / target).exists()


def shell(command: str, environment: dict[str, str], folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own README
        ["bash", "-c", command],  # noqa: S607 - the user's bash
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def without_times(table: str) -> list[str]:
    return [re.sub(r"\s+(ms|\d+\.\d)?$", "", line) for line in table.strip().splitlines()]


def test_the_quality_is_what_the_model_file_says() -> None:
    figures = Scorer(BUNDLED_MODEL).contract.metrics["cross_validation_roc_auc"]
    words = " ".join(README.split())
    assert f"ROC-AUC {figures['value']:.3f} on" in words
    assert f"from {figures['low']:.3f} to {figures['high']:.3f}:" in words
