"""The machine of both templates, from boot to power-off: it trains, fails, runs out of time, and is taken away."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.registry import read_manifest
from steel_defect.storage import open_store
from steel_defect_trainer.drawing.strip import write_folder
from tests.conftest import REPOSITORY
from tests.infra.aws import template as template_module
from tests.infra.aws.template import Resolved
from tests.infra.gcp.terraform import Terraform
from tests.infra.trainer.machine import Machine, source_bundle
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.storage import Store

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None, reason="PyTorch is not installed: uv sync --all-groups --all-extras"
)

AWS_CLI = "awscli==1.45.11"
TINY = (
    "--from-scratch --device cpu --set input.height=64 --set input.width=416 --set precision=float32 "
    "--set optimisation.batch=4 --set optimisation.epochs={epochs}"
)
GROUP = "steel-defect-trainer"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The source of a run."""
    return source_bundle(tmp_path_factory.mktemp("source")).read_bytes()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn strips."""
    path: Path = tmp_path_factory.mktemp("drawn")
    write_folder(path, count=40, seed=31, processes=2)
    return path


def fill(store: Store, run: str, bundle: bytes, pictures: Path) -> None:
    """What is in the bucket before the first machine."""
    store.put(f"runs/{run}/source.bundle", bundle)
    for path in pictures.rglob("*"):
        if path.is_file():
            store.put(f"drawn/{path.relative_to(pictures).as_posix()}", path.read_bytes())


def outcome(store: Store, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.get(f"runs/{run}/outcome.json").data)
    return found


def log(store: Store, run: str) -> str:
    """The logs of all machines."""
    return "".join(store.get(found.key).data.decode() for found in store.list(f"runs/{run}/logs/"))


# ---- AWS -----------------------------------------------------------------------------------------------------------


class Aws:
    """A bucket, an Auto Scaling group, and machines in it."""

    def __init__(self, emulator: Emulator, cli: str, folder: Path, bucket: str) -> None:
        self.bucket = make_s3_bucket(emulator, bucket)
        self.store = open_store(f"s3://{self.bucket}")
        self._environment, self._cli, self._folder = emulator.environment, cli, folder
        self._machines = 0

    def boot(self, run: str, monkeypatch: pytest.MonkeyPatch, **parameters: str) -> str:
        """The user data of infra/aws/trainer.yaml."""
        (self._folder / "template.yaml").write_bytes((REPOSITORY / "infra/aws/trainer.yaml").read_bytes())
        given = {"RunName": run, "ModelsBucket": self.bucket, "DataBucket": self.bucket, "DataFolder": "drawn"}
        with monkeypatch.context() as patch:
            patch.setattr(template_module, "REPOSITORY", self._folder)
            resources = Resolved(**{**given, **parameters}).resources
        return str(resources["Machine"]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"])

    def machine(self) -> Machine:
        """A new one. MiniStack's groups start nothing, so that call is only written down."""
        self._machines += 1
        program = f'[ "$1" = autoscaling ] || exec {self._cli} "$@"\n'
        return Machine(self._folder / f"machine-{self._machines}", self._environment, {"aws": program})


@pytest.fixture(scope="module")
def aws_cli() -> str:
    """A command that is AWS's own command line."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("no uv on the PATH: pip install uv")
    find = [uv, "tool", "run", "--quiet", "--from", AWS_CLI, "python", "-c", "import sys; print(sys.executable)"]
    python = subprocess.run(find, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - ours
    return f"{python} -m awscli"


@pytest.fixture
def aws(
    ministack: Emulator,
    aws_cli: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Aws:
    """AWS with a bucket of its own."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    return Aws(ministack, aws_cli, tmp_path, f"trainer-{abs(hash(request.node.name))}")


def ended(machine: Machine) -> bool:
    """Whether it ended its group, then turned itself off."""
    group = machine.calls("aws", "autoscaling", "set-desired-capacity") or machine.calls("gcloud", "compute")
    off = machine.calls("shutdown", "-P", "now")
    return len(group) == len(off) == 1 and machine.calls()[-1] == off[0]


def test_a_run_goes_on_where_its_machine_was_taken_away_and_is_published(
    aws: Aws, bundle: bytes, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(aws.store, "strip-1", bundle, pictures)
    boot = aws.boot("strip-1", monkeypatch, TrainOptions=TINY.format(epochs=12), ModelName="line-3")

    def take_away(machine: Machine) -> None:
        machine.await_file("runs/strip-1/last.pt")
        machine.metadata.taken_away = True

    first = aws.machine()
    assert "this machine is taken away" in first.run(boot, meanwhile=take_away)
    assert not first.calls("aws", "autoscaling"), "the group must start another machine"
    assert first.calls("shutdown", "-P", "now")
    kept = {found.key for found in aws.store.list("runs/strip-1/")}
    assert "runs/strip-1/run/last.pt" in kept
    assert "runs/strip-1/outcome.json" not in kept
    epochs = aws.store.get("runs/strip-1/run/log.jsonl").data.decode().count('"kind": "epoch"')
    assert 1 <= epochs < 12

    second = aws.machine()
    output = second.run(boot)
    assert "going on with what another machine left" in output
    assert ended(second)
    lines = [json.loads(line) for line in aws.store.get("runs/strip-1/run/log.jsonl").data.splitlines()]
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == list(range(1, 13))
    said = outcome(aws.store, "strip-1")
    assert (said["outcome"], said["step"], said["exit_status"]) == ("published", "publish", 0)
    assert read_manifest(aws.store, "line-3", said["model"]).git_commit == said["commit"]
    assert {"model.onnx", "MODEL_CARD.md", "report.html"} <= {
        found.key.rpartition("/")[2] for found in aws.store.list("runs/strip-1/run/")
    }
    text = log(aws.store, "strip-1")
    assert text.count("trainer: install") == 2
    assert "trainer: published" in text


def test_a_run_that_fails_says_where_and_ends(
    aws: Aws, bundle: bytes, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(aws.store, "strip-2", bundle, pictures)
    machine = aws.machine()
    machine.run(aws.boot("strip-2", monkeypatch, Recipe="resnet"))
    assert ended(machine)
    said = outcome(aws.store, "strip-2")
    assert (said["outcome"], said["step"], said["exit_status"], said["model"]) == ("failed", "train", 1, "")
    assert "choose one of clean, e1-1" in log(aws.store, "strip-2")
    assert not list(aws.store.list("models/"))

    # As where ending the group did not work, and it started another.
    again = aws.machine()
    output = again.run(aws.boot("strip-2", monkeypatch))
    assert "the run strip-2 has ended" in output
    assert ended(again)
    assert not again.calls("uv")
    assert outcome(aws.store, "strip-2") == said


def test_a_run_that_takes_too_long_is_ended_and_keeps_what_it_has(
    aws: Aws, bundle: bytes, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(aws.store, "strip-3", bundle, pictures)
    machine = aws.machine()

    def pass_time(machine: Machine) -> None:
        machine.await_file("runs/strip-3/last.pt")
        machine.pass_time(60 * 60)

    boot = aws.boot("strip-3", monkeypatch, TrainOptions=TINY.format(epochs=5000), MaxMinutes="60")
    machine.run(boot, meanwhile=pass_time)
    assert ended(machine)
    said = outcome(aws.store, "strip-3")
    assert (said["outcome"], said["step"], said["exit_status"]) == ("out of time", "train", 124)
    assert "out of time, at the step 'train'" in log(aws.store, "strip-3")
    assert [found for found in aws.store.list("runs/strip-3/run/") if found.key.endswith("last.pt")]
    assert ["shutdown", "-P", "+75"] in machine.calls("shutdown")


def test_a_run_without_source_ends_too(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = aws.machine()
    machine.run(aws.boot("strip-4", monkeypatch))
    assert ended(machine)
    assert "source.bundle" in log(aws.store, "strip-4")


# ---- Google Cloud --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def startup_scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Those of infra/gcp/trainer.tf: of a run that trains, and of one that cannot."""
    terraform = Terraform(tmp_path_factory.mktemp("terraform"))
    project, bucket = "my-project", "my-project-steel-defect-models"
    trainings = {
        "trains": {"run": "strip-1", "data": f"gs://{bucket}/drawn", "options": TINY.format(epochs=1)},
        "fails": {"run": "strip-2", "data": f"gs://{bucket}/nothing"},
    }
    applied = terraform.test(
        {name: {"project": project, "training": training} for name, training in trainings.items()}, {}
    )
    terraform.stop()
    return {
        name: found.all("google_compute_instance_template")[0]["metadata"]["startup-script"]
        for name, found in applied.items()
    }


def google_machine(emulator: Emulator, folder: Path) -> Machine:
    """Resizing a group is only written down: there is no emulator of Compute Engine."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        pytest.skip("no gcloud on the PATH")
    environment = {
        **emulator.environment,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{emulator.url}/storage/v1/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": "test",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    }
    return Machine(folder, environment, {"gcloud": f'[ "$1" = compute ] || exec {gcloud} "$@"\n'})


def test_google_cloud_trains_publishes_and_ends_and_ends_where_it_fails(  # noqa: PLR0913, PLR0917 - fixtures
    startup_scripts: dict[str, str],
    fake_gcs: Emulator,
    bundle: bytes,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(f"gs://{make_gcs_bucket(fake_gcs, 'my-project-steel-defect-models')}")
    fill(store, "strip-1", bundle, pictures)
    store.put("runs/strip-2/source.bundle", bundle)

    machine = google_machine(fake_gcs, tmp_path / "trains")
    machine.run(startup_scripts["trains"])
    assert ended(machine)
    said = outcome(store, "strip-1")
    assert said["outcome"] == "published", log(store, "strip-1")
    assert read_manifest(store, "strip", said["model"])
    assert "trainer: published" in log(store, "strip-1")
    (resized,) = machine.calls("gcloud", "compute")
    lint = ["gcloud", "meta", "lint-gcloud-commands", "--command-string", " ".join(resized)]
    (linted,) = json.loads(subprocess.run(lint, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ours
    assert linted["success"], linted

    failing = google_machine(fake_gcs, tmp_path / "fails")
    failing.run(startup_scripts["fails"])
    assert ended(failing)
    said = outcome(store, "strip-2")
    assert (said["outcome"], said["step"]) == ("failed", "data")
