"""infra/gcp/trainer.tf, evaluated by Terraform itself: what the machine is, what it may, and when there is one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.registry import promote, publish
from steel_defect.storage import open_store
from tests.infra.gcp.terraform import Applied, Terraform
from tests.infra.trainer.machine import shellcheck
from tests.probe_model import CONTRACT, probe_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = {"project": "my-project"}
TRAINING: dict[str, Any] = {"run": "strip-1", "data": "gs://my-pictures/line-3"}
MODELS = "my-project-steel-defect-models"


def with_training(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - values of variables
    return {**PROJECT, "training": {**TRAINING, **changes}}


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """Terraform over a copy of infra/gcp."""
    made = Terraform(tmp_path_factory.mktemp("terraform"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def tested(terraform: Terraform) -> dict[str, Applied]:
    """Without a training, with one as it comes, and with one that asks for everything."""
    asked = with_training(
        recipe="e1-15", options="--set optimisation.epochs=3", data=None, model="line-3", spot=False, max_minutes=60
    )
    return terraform.test({"none": PROJECT, "training": with_training(), "asked": asked}, {})


@pytest.fixture
def applied(tested: dict[str, Applied]) -> Applied:
    """With a training as it comes."""
    return tested["training"]


def ours(applied: Applied, kind: str) -> list[dict[str, Any]]:
    """The resources of a kind that are there for the training."""
    return [values for address, values in applied.resources.get(kind, {}).items() if ".trainer" in address]


def test_without_a_training_there_is_nothing_of_it(tested: dict[str, Applied]) -> None:
    none = tested["none"]
    assert not [address for found in none.resources.values() for address in found if ".trainer" in address]
    assert not [kind for kind in none.resources if kind.startswith("google_compute")]


def test_the_machine_is_a_spot_one_that_google_deletes_should_all_else_fail(applied: Applied) -> None:
    (template,) = ours(applied, "google_compute_instance_template")
    (scheduling,) = template["scheduling"]
    assert (scheduling["provisioning_model"], scheduling["preemptible"]) == ("SPOT", True)
    assert scheduling["instance_termination_action"] == "DELETE"
    assert scheduling["max_run_duration"][0]["seconds"] == (720 + 30) * 60
    assert (scheduling["automatic_restart"], scheduling["on_host_maintenance"]) == (False, "TERMINATE")
    assert template["disk"][0]["auto_delete"] is True
    (group,) = ours(applied, "google_compute_region_instance_group_manager")
    assert (group["target_size"], group["distribution_policy_target_shape"]) == (1, "ANY")
    assert group["distribution_policy_zones"] == ["europe-west1-b", "europe-west1-c"]


def test_a_machine_that_is_not_taken_away_is_had_when_asked_for(tested: dict[str, Applied]) -> None:
    (template,) = ours(tested["asked"], "google_compute_instance_template")
    (scheduling,) = template["scheduling"]
    assert (scheduling["provisioning_model"], scheduling["preemptible"]) == ("STANDARD", False)
    assert scheduling["max_run_duration"][0]["seconds"] == (60 + 30) * 60
    script = template["metadata"]["startup-script"]
    assert "RECIPE='e1-15' MODEL='line-3' MAX_MINUTES='60'" in script
    assert f"DATA='' MODELS='gs://{MODELS}' TRAIN_OPTIONS='--set optimisation.epochs=3'" in script


def test_shellcheck_finds_nothing_in_the_startup_script(applied: Applied, tmp_path: Path) -> None:
    (template,) = ours(applied, "google_compute_instance_template")
    script = tmp_path / "startup.sh"
    script.write_text(template["metadata"]["startup-script"])
    assert shellcheck(script) == ""


def test_nobody_reaches_it_but_through_the_proxy(applied: Applied) -> None:
    (template,) = ours(applied, "google_compute_instance_template")
    (interface,) = template["network_interface"]
    assert interface["access_config"] == []
    (network,) = ours(applied, "google_compute_network")
    assert network["auto_create_subnetworks"] is False
    (firewall,) = ours(applied, "google_compute_firewall")
    assert firewall["source_ranges"] == ["35.235.240.0/20"]
    assert [(rule["protocol"], rule["ports"]) for rule in firewall["allow"]] == [("tcp", ["22"])]
    assert template["metadata"]["enable-oslogin"] == template["metadata"]["block-project-ssh-keys"] == "TRUE"


def test_it_may_read_the_pictures_write_its_run_and_create_models_and_no_more(applied: Applied) -> None:
    grants = {
        (found["bucket"], found["role"], found["condition"][0]["expression"] if found["condition"] else None)
        for found in applied.all("google_storage_bucket_iam_member")
        if found["member"] == ours(applied, "google_service_account")[0]["member"]
    }

    def below(bucket: str, prefix: str) -> str:
        return f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{prefix}")'

    but_production = ' && !resource.name.endsWith("/production.json")'

    assert grants == {
        (MODELS, "roles/storage.legacyBucketReader", None),
        (MODELS, "roles/storage.objectUser", below(MODELS, "runs/strip-1/")),
        (MODELS, "roles/storage.objectCreator", below(MODELS, "models/") + but_production),
        (MODELS, "roles/storage.objectViewer", below(MODELS, "models/")),
        ("my-pictures", "roles/storage.legacyBucketReader", None),
        ("my-pictures", "roles/storage.objectViewer", below("my-pictures", "line-3/")),
    }
    (role,) = ours(applied, "google_project_iam_custom_role")
    assert set(role["permissions"]) == {
        "compute.instanceGroupManagers.get",
        "compute.instanceGroupManagers.update",
        "compute.regionOperations.get",
    }
    (member,) = ours(applied, "google_project_iam_member")
    assert member["role"] == role["id"]
    assert not ours(applied, "google_project_iam_binding")


def test_it_may_create_every_file_of_a_version_and_not_what_is_in_production(applied: Applied, tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    sha256 = publish(store, probe_model(replace(CONTRACT, name="strip")), who="trainer")
    promote(store, "strip", sha256, who="person")
    names = {info.key for info in store.list()}
    (stated,) = (
        found["condition"][0]["expression"]
        for found in applied.all("google_storage_bucket_iam_member")
        if found["role"] == "roles/storage.objectCreator"
        and found["member"] == ours(applied, "google_service_account")[0]["member"]
    )
    start, end = re.findall(r'"(.*?)"', stated)
    objects = f"projects/_/buckets/{MODELS}/objects/"
    allowed = {name for name in names if f"{objects}{name}".startswith(start) and not name.endswith(end)}
    assert names - allowed == {"models/strip/production.json"}
    assert len(allowed) >= 2


@pytest.mark.parametrize(
    "changes",
    [
        {"run": "My run"},
        {"options": "--set name='x'; reboot"},
        {"data": "my-pictures/line-3"},
        {"data": "gs://my-pictures/line-3/"},
        {"model": "Line 3"},
        {"machine_type": "n1-standard-8"},
        {"zones": ["us-central1-a"]},
        {"max_minutes": 20000},
    ],
)
def test_what_cannot_be_meant_is_refused(terraform: Terraform, changes: dict[str, Any]) -> None:
    def refused(variables: dict[str, Any]) -> bool:
        training = ["-var", "project=my-project", "-var", f"training={json.dumps(variables['training'])}"]
        return "Invalid value for variable" in terraform.run("plan", "-no-color", "-input=false", *training).stderr

    assert refused(with_training(**changes))
    assert not refused(with_training())
