"""infra/gcp, evaluated by Terraform itself: every name and type against the providers' schemas, and what it makes."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import yaml

from steel_defect.settings import IGNORED_SUFFIXES
from tests.conftest import REPOSITORY
from tests.infra.gcp.gcloud import complaints
from tests.infra.gcp.make_provider_schema import used
from tests.infra.gcp.variables import KEY, REFUSED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.gcp.terraform import Applied, Terraform

FOLDER = REPOSITORY / "infra" / "gcp"
DECISION = ("_THRESHOLD", "_REVIEW_LOW", "_REVIEW_HIGH")
PICTURES = ("_MM_PER_PIXEL", "_BIT_DEPTH", "_ORIENTATION")


def test_every_block_and_attribute_is_one_of_the_providers(terraform: Terraform) -> None:
    run = terraform.run("validate", "-no-color")
    assert run.returncode == 0, run.stdout + run.stderr


def test_it_is_formatted_as_terraform_does(terraform: Terraform) -> None:
    run = terraform.run("fmt", "-check", "-diff", "-no-color")
    assert run.returncode == 0, run.stdout


def test_the_schema_has_what_is_used() -> None:
    schema = json.loads((REPOSITORY / "tests/infra/gcp/provider_schema.json").read_text(encoding="utf-8"))
    for kind, names in used().items():
        known = {(provider, name) for provider, found in schema.items() for name in found[kind]}
        assert names <= known, "run make_provider_schema.py"


def declared() -> set[str]:
    """The names of the variables."""
    files = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.tf")]
    return {name for text in files for name in re.findall(r'^variable "(\w+)"', text, re.MULTILINE)}


def test_every_variable_is_refused_what_is_invalid() -> None:
    # Two are true or false; Google checks a bucket's name; the training's have tests of their own.
    assert declared() - set(REFUSED) == {"allow_unauthenticated", "delete_data", "uploads_bucket", "training"}


def test_the_example_of_settings_is_understood_and_has_every_one(terraform: Terraform) -> None:
    example = (FOLDER / "terraform.tfvars.example").read_text(encoding="utf-8")
    stated = re.findall(r"^(?:# )?(\w+) += ", example, re.MULTILINE)
    assert sorted(stated) == sorted(declared())
    run = terraform.plan(re.sub(r"^# (?=\w+ +=|  |})", "", example, flags=re.MULTILINE))
    assert "undeclared variable" not in run.stdout + run.stderr
    assert "Invalid value for" not in run.stderr


def test_one_apply_waits_for_what_holds_only_after_a_while(default: Applied) -> None:
    waits = {address: found["create_duration"] for address, found in default.resources["time_sleep"].items()}
    assert waits == {"time_sleep.apis": "60s", "time_sleep.grants": "90s", "time_sleep.metrics": "600s"}
    text = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.tf")}
    (policy,) = re.findall(
        r'^resource "google_monitoring_alert_policy" .*?^}', text["alerts.tf"], re.MULTILINE | re.DOTALL
    )
    assert "depends_on = [time_sleep.metrics]" in policy
    (subscription,) = re.findall(
        r'^resource "google_pubsub_subscription" .*?^}', text["trigger.tf"], re.MULTILINE | re.DOTALL
    )
    assert "time_sleep.grants" in subscription
    # Nothing goes past the wait for the APIs, and nothing is run on the machine that applies.
    assert not [name for name, found in text.items() if re.search(r"depends_on += \[google_project_service", found)]
    assert not [name for name, found in text.items() if "local-exec" in found]
    apis = {api["service"] for api in default.all("google_project_service")}
    assert "cloudresourcemanager.googleapis.com" in apis, "grants in the project need it"


def test_an_upload_is_pushed_to_the_function_and_given_up_after_ten_attempts(default: Applied) -> None:
    (notification,) = default.all("google_storage_notification")
    topic = "projects/my-project/topics/steel-defect-uploads"
    assert (notification["bucket"], notification["topic"]) == ("my-project-steel-defect-uploads", topic)
    assert (notification["event_types"], notification["payload_format"]) == (["OBJECT_FINALIZE"], "JSON_API_V1")
    pushed, kept = (
        default.resources["google_pubsub_subscription"][f"google_pubsub_subscription.{name}"]
        for name in ("uploads", "dead_letters")
    )
    (push,) = pushed["push_config"]
    assert (pushed["topic"], push["push_endpoint"]) == (topic, f"https://upload.run.app/{topic}")
    assert push["oidc_token"] == [{"audience": "https://upload.run.app", "service_account_email": "trigger@my-project"}]
    assert pushed["dead_letter_policy"] == [
        {"dead_letter_topic": "projects/my-project/topics/steel-defect-dead-letters", "max_delivery_attempts": 10}
    ]
    assert kept["topic"] == pushed["dead_letter_policy"][0]["dead_letter_topic"]
    for subscription in (pushed, kept):
        assert subscription["expiration_policy"] == [{"ttl": ""}]
        assert subscription["message_retention_duration"] == "604800s"


def test_the_deploy_command_gives_every_substitution_its_value(default: Applied, asked: Applied) -> None:
    build = yaml.safe_load((REPOSITORY / "cloudbuild.yaml").read_text(encoding="utf-8"))["substitutions"]
    for applied, auth in ((default, "authenticated"), (asked, "public")):
        given = substitutions(applied)
        assert set(given) == set(build)
        assert given["_AUTH"] == auth
    empty = {name for name, value in substitutions(default).items() if value == ""}
    assert empty == {
        "_MODEL_URI",
        "_PAGE_SERVICE",
        "_KMS_KEY",
        "_COIL_PATTERN",
        "_SHADOW_MODEL_URI",
        "_ALLOWED_ORIGINS",
        *DECISION,
        *PICTURES,
    }
    assert substitutions(default)["_IGNORED_SUFFIXES"] == build["_IGNORED_SUFFIXES"] == ",".join(IGNORED_SUFFIXES)
    assert substitutions(asked)["_MODEL_URI"] == "gs://my-project-steel-defect-models/models/strip-mobilenetv2"
    assert [substitutions(asked)[name] for name in DECISION] == ["0.3", "0", ""]
    assert [substitutions(asked)[name] for name in PICTURES] == ["0.2", "12", ""]
    assert (substitutions(asked)["_PAGE_SERVICE"], substitutions(asked)["_KMS_KEY"]) == ("steel-defect-page", KEY)


def substitutions(applied: Applied) -> dict[str, str]:
    (stated,) = (word for word in shlex.split(applied.outputs["deploy"]) if word.startswith("--substitutions="))
    return dict(pair.split("=", 1) for pair in stated.removeprefix("--substitutions=^;^").split(";"))


def test_gcloud_itself_understands_every_command(default: Applied, asked: Applied, tmp_path: Path) -> None:
    prefix = f"{default.outputs['backfill']} --args=-m,gcp_backfill,line-3/"
    names = ("deploy", "backfill", "redrive")
    commands = [applied.outputs[name] for applied in (default, asked) for name in names]
    assert complaints([*commands, prefix], tmp_path) == []


def test_the_service_and_the_job_leave_to_the_build_what_it_deploys(default: Applied) -> None:
    services = {service["name"] for service in default.all("google_cloud_run_v2_service")}
    (job,) = default.all("google_cloud_run_v2_job")
    assert services | {job["name"]} == {"steel-defect-api", "steel-defect-upload", "steel-defect-backfill"}
    assert job["template"][0]["task_count"] == job["template"][0]["parallelism"] == 10
    assert job["template"][0]["template"][0]["max_retries"] == 3
