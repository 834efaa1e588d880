"""The scripts of cloudbuild.yaml, run as Cloud Build runs them.

gcloud and docker are played by a script that writes down its arguments: there is no account, and no container engine.
The functions, curl, and the gcloud that reads the arguments where one is installed, are real.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from steel_defect.camera import Camera
from steel_defect.location import Buckets, Location
from steel_defect.override import Override
from steel_defect.settings import settings_from
from tests.conftest import REPOSITORY
from tests.infra.gcp.gcloud import complaints
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUILD: dict[str, Any] = yaml.safe_load((REPOSITORY / "cloudbuild.yaml").read_text(encoding="utf-8"))
SCRIPTS: dict[str, str] = {step["id"]: step["script"] for step in BUILD["steps"]}
PATTERN = r"(?P<coil>[^/]+)/(?P<position_mm>[0-9]+)mm\.png"
GIVEN = {
    "PROJECT_ID": "project",
    "BUILD_ID": "0a1b2c3d-1111-2222-3333-444444444444",
    "_UPLOADS_BUCKET": "uploads",
    "_RESULTS_BUCKET": "results",
    "_IMAGES": "europe-west1-docker.pkg.dev/project/steel-defect",
    "_API_ACCOUNT": "api@project.iam.gserviceaccount.com",
    "_UPLOAD_ACCOUNT": "upload@project.iam.gserviceaccount.com",
    "_BUILD_ACCOUNT": "build@project.iam.gserviceaccount.com",
    "_MODEL_URI": "gs://models/models/strip",
    "_OUTCOME_TOPIC": "projects/project/topics/outcomes",
    "_DEAD_LETTERS": "projects/project/subscriptions/dead-letters",
}
RECORDER = """#!/usr/bin/env bash
python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "${0##*/}" "$@" >>"$CALLS"
case "$*" in
  *"services describe steel-defect-api "*) echo "http://api.localhost:$API_PORT" ;;
  *"services describe steel-defect-upload "*) echo "http://upload.localhost:$UPLOAD_PORT" ;;
  *print-identity-token*) echo token ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """Where the steps run, and what they called."""

    folder: Path
    ports: dict[str, str]

    def run(self, step: str, **substitutions: str) -> subprocess.CompletedProcess[str]:
        """Run the script of one step in a clone of the repository."""
        script = self.folder / "script"
        script.write_text(SCRIPTS[step])
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "CALLS": str(self.folder / "calls"), **self.ports}
        return subprocess.run(  # noqa: S603 - our own script
            ["bash", str(script)],  # noqa: S607 - as in the image of the step
            cwd=REPOSITORY,
            env={**environment, **BUILD["substitutions"], **GIVEN, **substitutions},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def calls(self) -> list[list[str]]:
        """Every call of gcloud and docker so far, with its arguments."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, str]]:
    """Both functions."""
    with CloudRun() as api, CloudRun(target="upload") as upload:
        yield {"API_PORT": str(api.port), "UPLOAD_PORT": str(upload.port)}


@pytest.fixture
def machine(tmp_path: Path, ports: dict[str, str]) -> Machine:
    """A machine without an account."""
    for name in ("gcloud", "docker"):
        (tmp_path / name).write_text(RECORDER)
        (tmp_path / name).chmod(0o755)
    return Machine(tmp_path, dict(ports))


def options(call: list[str]) -> dict[str, str]:
    """The flags of a call and their values."""
    return dict(argument.partition("=")[::2] for argument in call if argument.startswith("--"))


def test_traffic_moves_last_and_to_the_revisions_that_were_tested(machine: Machine) -> None:
    assert list(SCRIPTS) == ["tests", "revisions-without-traffic", "smoke-test", "backfill-image", "traffic"]
    assert machine.run("revisions-without-traffic").returncode == 0
    deployed = machine.calls()
    assert [call[1:4] for call in deployed] == [["run", "deploy", f"steel-defect-{name}"] for name in ("api", "upload")]
    for call in deployed:
        assert {"--no-traffic", "--tag"} < set(options(call))
    assert machine.run("traffic").returncode == 0
    moved = [call for call in machine.calls() if "update-traffic" in call]
    expected = {f"{call[3]}-{options(call)['--revision-suffix']}=100" for call in deployed}
    assert {options(call)["--to-revisions"] for call in moved} == expected


@pytest.mark.parametrize(
    ("substitutions", "expected"),
    [
        ({}, [{"--no-allow-unauthenticated", "--invoker-iam-check"}, {"--no-allow-unauthenticated"}]),
        # A grant to everybody is what many organizations forbid.
        ({"_AUTH": "public"}, [{"--no-invoker-iam-check"}, {"--no-allow-unauthenticated"}]),
        (
            {"_PAGE_SERVICE": "steel-defect-page", "_AUTH": "public"},
            [{"--no-invoker-iam-check"}] + [{"--no-allow-unauthenticated"}] * 2,
        ),
    ],
)
def test_callers_must_be_known_unless_it_is_asked_for_by_name(
    machine: Machine, substitutions: dict[str, str], expected: list[set[str]]
) -> None:
    assert machine.run("revisions-without-traffic", **substitutions).returncode == 0
    flags = [{flag for flag in call if flag.endswith(("unauthenticated", "iam-check"))} for call in machine.calls()]
    assert flags == expected


@pytest.mark.parametrize(
    ("substitutions", "complaint"), [({"_AUTH": "none"}, "not 'none'"), ({"_UPLOADS_BUCKET": ""}, "_UPLOADS_BUCKET")]
)
def test_a_wrong_substitution_deploys_nothing(machine: Machine, substitutions: dict[str, str], complaint: str) -> None:
    run = machine.run("revisions-without-traffic", **substitutions)
    assert run.returncode == 2
    assert complaint in run.stderr
    assert machine.calls() == []


def test_the_page_is_the_api_function_again_and_gets_its_traffic_with_it(machine: Machine) -> None:
    for step in ("revisions-without-traffic", "traffic"):
        assert machine.run(step, _PAGE_SERVICE="steel-defect-page").returncode == 0
    api, upload, page, *_ = machine.calls()
    assert [options(call)["--function"] for call in (api, upload, page)] == ["api", "upload", "api"]
    assert options(page)["--set-env-vars"] == options(api)["--set-env-vars"]
    assert options(page)["--service-account"] == options(api)["--service-account"]
    moved = [options(call)["--to-revisions"] for call in machine.calls() if "update-traffic" in call]
    assert moved[-1] == "steel-defect-page-b0a1b2c3d=100"


@pytest.mark.parametrize("key", ["", "projects/keys/key"])
def test_revisions_and_job_are_encrypted_with_the_key_that_was_given(machine: Machine, key: str) -> None:
    for step in ("revisions-without-traffic", "traffic"):
        assert machine.run(step, _KMS_KEY=key, _PAGE_SERVICE="steel-defect-page").returncode == 0
    *services, job = [options(call) for call in machine.calls() if "deploy" in call or "jobs" in call]
    assert [call.get("--key", "") for call in (*services, job)] == [key] * 4
    # A service that had one before has none then.
    assert ["--clear-key" in call for call in services] == [not key] * 3


def test_the_functions_and_the_job_understand_the_environment_they_get(machine: Machine) -> None:
    for step in ("revisions-without-traffic", "traffic"):
        run = machine.run(
            step,
            _THRESHOLD="0.5",
            _REVIEW_HIGH="0.9",
            _MM_PER_PIXEL="0.2",
            _BIT_DEPTH="12",
            _COIL_PATTERN=PATTERN,
            _CAPTURE_DAILY="9",
        )
        assert run.returncode == 0, run.stderr
    said = [options(call)["--set-env-vars"] for call in machine.calls() if "--set-env-vars" in options(call)]
    assert all(variables.startswith("^;^") for variables in said), "gcloud's way to say what is between the variables"
    api, upload, job = (
        settings_from(dict(pair.split("=", 1) for pair in variables.removeprefix("^;^").split(";")))
        for variables in said
    )
    assert (api.buckets, api.model) == (upload.buckets, upload.model)
    assert {function.override for function in (api, upload, job)} == {Override(threshold=0.5, review_high=0.9)}
    assert {function.camera for function in (api, upload, job)} == {Camera(mm_per_pixel=0.2, bit_depth=12)}
    assert {(function.log_sample_rate, function.google_project) for function in (api, upload)} == {(0.1, "project")}
    assert upload.buckets == Buckets(Location("gs", "uploads"), Location("gs", "results"))
    assert upload.outcome_topic == GIVEN["_OUTCOME_TOPIC"]
    assert (job.buckets, job.model, job.outcome_topic) == (upload.buckets, upload.model, upload.outcome_topic)
    assert job.dead_letters == GIVEN["_DEAD_LETTERS"]
    assert {one.coil_pattern.pattern for one in (api, upload, job)} == {PATTERN}
    assert [one.capturing.daily for one in (api, upload, job)] == [0, 9, 0]
    assert api.allowed_origins == frozenset()
    assert [one.shadow for one in (api, upload, job)] == [None] * 3
    assert (api.coil_job, job.coil_job) == (None, None)
    assert upload.coil_job == "projects/project/locations/europe-west1/jobs/steel-defect-backfill"


def test_the_smoke_test_passes_with_working_functions_and_asks_as_the_service_expects(machine: Machine) -> None:
    run = machine.run("smoke-test")
    assert run.returncode == 0, run.stdout + run.stderr
    assert '"defect_prob"' in run.stdout
    tokens = [options(call) for call in machine.calls() if "print-identity-token" in call]
    assert {token["--impersonate-service-account"] for token in tokens} == {GIVEN["_BUILD_ACCOUNT"]}
    assert [token["--audiences"] for token in tokens] == [
        f"http://{name}.localhost:{machine.ports[f'{name.upper()}_PORT']}" for name in ("api", "upload")
    ]


def test_a_function_without_a_model_fails_the_smoke_test(machine: Machine, tmp_path: Path) -> None:
    with CloudRun(model=tmp_path / "missing.onnx") as broken:
        machine.ports["API_PORT"] = str(broken.port)
        run = machine.run("smoke-test")
    assert run.returncode == 1
    assert "did not judge it" in run.stderr


def test_an_upload_function_that_does_not_answer_fails_the_smoke_test(machine: Machine) -> None:
    machine.ports["UPLOAD_PORT"] = machine.ports["API_PORT"]  # Answers 404 or 405 there.
    run = machine.run("smoke-test")
    assert run.returncode == 1
    assert "upload function" in run.stderr


def test_the_job_gets_the_image_that_was_built(machine: Machine) -> None:
    machine.run("backfill-image")
    machine.run("traffic")
    build, push, *_, update = machine.calls()
    image = f"{GIVEN['_IMAGES']}/steel-defect-backfill:{GIVEN['BUILD_ID']}"
    assert build[build.index("--tag") + 1] == push[-1] == options(update)["--image"] == image
    assert (REPOSITORY / build[build.index("--file") + 1]).is_file()
    assert build[-1] == "."


def test_gcloud_itself_understands_every_command(machine: Machine, tmp_path: Path) -> None:
    everything = {"_AUTH": "public", "_PAGE_SERVICE": "steel-defect-page", "_KMS_KEY": "projects/keys/key"}
    for substitutions in ({}, everything):
        for step in ("revisions-without-traffic", "smoke-test", "traffic"):
            assert machine.run(step, **substitutions).returncode == 0
    commands = [shlex.join(call) for call in machine.calls() if call[0] == "gcloud"]
    assert len(commands) == 9 + 11
    assert complaints(commands, tmp_path) == []


def test_every_substitution_has_a_use() -> None:
    assert {name for name in BUILD["substitutions"] if not any(name in script for script in SCRIPTS.values())} == set()
