"""infra/gcp, evaluated by Terraform itself: every name and type against the providers' schemas, and what it grants."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from steel_defect.metrics import DESCRIPTIONS, NAMESPACE
from steel_defect.uploads.signed import FOLDER
from tests.conftest import REPOSITORY
from tests.infra.gcp.export import log_lines
from tests.infra.gcp.gcloud import complaints
from tests.infra.gcp.make_provider_schema import used
from tests.infra.gcp.terraform import Applied, Runs, Terraform
from tests.pictures import strip_jpeg
from tests.requests_table import predict
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = {"project": "my-project"}
OPEN = {
    **PROJECT,
    "region": "us-central1",
    "allow_unauthenticated": True,
    "api_callers": ["group:inspectors@example.com"],
    "cameras": ["serviceAccount:line-3@my-project.iam.gserviceaccount.com"],
    "model": "strip-mobilenetv2",
    "keep_uploads_days": 90,
    "alert_email": "line@example.com",
    "delete_data": True,
}
REFUSED: dict[str, dict[str, Any]] = {
    "project": {"project": "My project"},
    "region": {**PROJECT, "region": "EU"},
    "api_callers": {**PROJECT, "api_callers": ["allUsers"]},
    "cameras": {**PROJECT, "cameras": ["line-3"]},
    "model": {**PROJECT, "model": "Strip/1"},
    "max_instances": {**PROJECT, "max_instances": 0},
    "keep_uploads_days": {**PROJECT, "keep_uploads_days": 0},
    "delivery_attempts": {**PROJECT, "delivery_attempts": 4},
    "backfill_tasks": {**PROJECT, "backfill_tasks": 0},
    "alert_email": {**PROJECT, "alert_email": "nobody"},
    "log_sample_rate": {**PROJECT, "log_sample_rate": 2},
    "alert_refused_share": {**PROJECT, "alert_refused_share": 20},
    "alert_reject_share": {**PROJECT, "alert_reject_share": 0},
}
# Whom it gives what of what, where nothing is asked for: this and nothing else.
GRANTS = {
    # The trigger's four: without any one of them no event arrives.
    ("project my-project", "roles/pubsub.publisher", "storage-agent"),
    ("bucket my-project-steel-defect-uploads", "roles/storage.legacyBucketReader", "eventarc-agent"),
    ("project my-project", "roles/eventarc.eventReceiver", "trigger"),
    ("service steel-defect-upload", "roles/run.invoker", "trigger"),
    # Two more that Google gives by itself, but too late, or not in old projects.
    ("project my-project", "roles/eventarc.serviceAgent", "eventarc-agent"),
    ("account trigger", "roles/iam.serviceAccountTokenCreator", "pubsub-agent"),
    # Each function its buckets.
    ("bucket my-project-steel-defect-models", "roles/storage.objectViewer", "api"),
    # Signed uploads: below web/ alone (see the next test), signed by IAM in the account's own name.
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectCreator", "api"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectViewer", "api"),
    ("account api", "roles/iam.serviceAccountTokenCreator", "api"),
    ("bucket my-project-steel-defect-models", "roles/storage.objectViewer", "upload"),
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectViewer", "upload"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectUser", "upload"),
    ("topic projects/my-project/topics/steel-defect-outcomes", "roles/pubsub.publisher", "upload"),
    ("bucket my-project-steel-defect-models", "roles/storage.objectViewer", "backfill"),
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectViewer", "backfill"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectUser", "backfill"),
    # Dead letters.
    ("subscription projects/my-project/subscriptions/eventarc-1", "roles/pubsub.subscriber", "pubsub-agent"),
    ("topic projects/my-project/topics/steel-defect-dead-letters", "roles/pubsub.publisher", "pubsub-agent"),
    # Who deploys.
    ("project my-project", "roles/run.builder", "build"),
    ("project my-project", "roles/run.sourceDeveloper", "build"),
    ("repository steel-defect", "roles/artifactregistry.writer", "build"),
    ("bucket my-project-steel-defect-build", "roles/storage.objectViewer", "build"),
    ("service steel-defect-api", "roles/run.admin", "build"),
    ("service steel-defect-upload", "roles/run.admin", "build"),
    ("service steel-defect-api", "roles/run.invoker", "build"),
    ("service steel-defect-upload", "roles/run.invoker", "build"),
    ("account build", "roles/iam.serviceAccountOpenIdTokenCreator", "build"),
    ("account api", "roles/iam.serviceAccountUser", "build"),
    ("account upload", "roles/iam.serviceAccountUser", "build"),
    ("account backfill", "roles/iam.serviceAccountUser", "build"),
    ("account build", "roles/iam.serviceAccountUser", "build"),
}
OF_WHAT = ["bucket", "topic", "subscription", "repository", "service_account_id", "name", "project"]
CALLED = {"service_account_id": "account", "name": "service"}


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """Terraform over a copy of infra/gcp."""
    folder: Path = tmp_path_factory.mktemp("terraform")
    made = Terraform(folder)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def runs(terraform: Terraform) -> Runs:
    """Everything applied on mocks: as it comes, and with all that can be asked for."""
    return terraform.test({"default": PROJECT, "open": OPEN}, REFUSED)


@pytest.fixture
def default(runs: Runs) -> Applied:
    """What is made where nothing is asked for."""
    return runs.applied["default"]


@pytest.fixture
def asked(runs: Runs) -> Applied:
    """What is made where everything is asked for."""
    return runs.applied["open"]


def grants(applied: Applied) -> set[tuple[str, str, str]]:
    """Of what, which role, to whom."""
    found = set()
    for kind, resources in applied.resources.items():
        if kind.endswith("_iam_member"):
            for values in resources.values():
                of = next(name for name in OF_WHAT if name in values and (name != "project" or "_project_" in kind))
                member = values["member"].removeprefix("serviceAccount:")
                found.add((f"{CALLED.get(of, of)} {values[of]}", values["role"], member))
    return found


def test_every_block_and_attribute_is_one_of_the_providers(terraform: Terraform) -> None:
    run = terraform.run("validate", "-no-color")
    assert run.returncode == 0, run.stdout + run.stderr


def test_it_is_formatted_as_terraform_does(terraform: Terraform) -> None:
    run = terraform.run("fmt", "-check", "-diff", "-no-color")
    assert run.returncode == 0, run.stdout


def test_the_schema_has_what_is_used() -> None:
    schema = json.loads((REPOSITORY / "tests/infra/gcp/provider_schema.json").read_text(encoding="utf-8"))
    for kind, names in used().items():
        known = {name for provider in schema.values() for name in provider[kind]}
        assert names <= known, "run make_provider_schema.py"


def test_it_grants_this_and_nothing_else(default: Applied) -> None:
    assert grants(default) == GRANTS


def test_the_api_function_may_sign_for_its_own_folder_alone(default: Applied) -> None:
    conditions = {
        (values["role"], values["member"]): [found["expression"] for found in values["condition"]]
        for values in default.all("google_storage_bucket_iam_member")
        if values["condition"]
    }
    below = f"projects/_/buckets/my-project-steel-defect-uploads/objects/{FOLDER}"
    assert conditions == {
        ("roles/storage.objectCreator", "serviceAccount:api"): [f'resource.name.startsWith("{below}")']
    }


def test_only_the_page_of_the_api_function_may_put_uploads_from_a_browser(default: Applied) -> None:
    (service,) = (s for s in default.all("google_cloud_run_v2_service") if s["name"] == "steel-defect-api")
    rules = {bucket["name"].rpartition("-")[2]: bucket["cors"] for bucket in default.all("google_storage_bucket")}
    (rule,) = rules.pop("uploads")
    assert (rule["origin"], rule["method"]) == ([service["uri"]], ["PUT"])
    assert set(rule["response_header"]) == {"content-type", "x-goog-content-length-range"}
    assert not any(rules.values())


def test_nothing_grants_whole_policies(default: Applied) -> None:
    assert not [kind for kind in default.resources if kind.endswith(("_iam_policy", "_iam_binding"))]


def test_callers_and_cameras_get_what_was_asked_for(asked: Applied, default: Applied) -> None:
    assert grants(asked) - grants(default) == {
        ("service steel-defect-api", "roles/run.invoker", "group:inspectors@example.com"),
        (
            "bucket my-project-steel-defect-uploads",
            "roles/storage.objectCreator",
            "line-3@my-project.iam.gserviceaccount.com",
        ),
    }


def test_the_trigger_is_where_the_bucket_is_and_names_it(default: Applied, asked: Applied) -> None:
    for applied, region in ((default, "europe-west1"), (asked, "us-central1")):
        (trigger,) = applied.all("google_eventarc_trigger")
        buckets = applied.all("google_storage_bucket")
        assert {trigger["location"], *(bucket["location"] for bucket in buckets)} == {region}
        criteria = {found["attribute"]: found["value"] for found in trigger["matching_criteria"]}
        assert criteria == {
            "type": "google.cloud.storage.object.v1.finalized",
            "bucket": "my-project-steel-defect-uploads",
        }
        assert trigger["destination"][0]["cloud_run_service"][0]["service"] == "steel-defect-upload"
        assert trigger["service_account"] == "trigger@my-project"


def test_buckets_are_private_and_keep_what_was_overwritten(default: Applied) -> None:
    buckets = {bucket["name"].rpartition("-")[2]: bucket for bucket in default.all("google_storage_bucket")}
    assert set(buckets) == {"uploads", "results", "models", "build"}
    for use, bucket in buckets.items():
        assert bucket["uniform_bucket_level_access"] is True
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["force_destroy"] is False
        assert bucket["versioning"][0]["enabled"] is (use != "build")
        deleted = [rule for rule in bucket["lifecycle_rule"] if rule["action"][0]["type"] == "Delete"]
        states = {rule["condition"][0]["with_state"] for rule in deleted}
        assert states == ({"LIVE"} if use == "build" else {"ARCHIVED"}), "nothing that is current is deleted by itself"


def test_uploads_are_deleted_only_where_that_was_asked_for(asked: Applied) -> None:
    rules = {
        bucket["name"].rpartition("-")[2]: [
            rule["condition"][0]["age"]
            for rule in bucket["lifecycle_rule"]
            if rule["condition"][0]["with_state"] == "LIVE"
        ]
        for bucket in asked.all("google_storage_bucket")
    }
    assert rules == {"uploads": [90], "results": [], "models": [], "build": [30]}


def test_what_fails_too_often_goes_to_a_subscription_that_never_expires(default: Applied, runs: Runs) -> None:
    (kept,) = default.all("google_pubsub_subscription")
    assert kept["topic"] == "projects/my-project/topics/steel-defect-dead-letters"
    assert kept["expiration_policy"] == [{"ttl": ""}]
    assert len(runs.calls) == 2, "once for each apply"
    call = runs.calls[0]
    assert call[:4] == ["pubsub", "subscriptions", "update", "projects/my-project/subscriptions/eventarc-1"]
    assert f"--dead-letter-topic={kept['topic']}" in call


def test_the_deploy_command_gives_every_substitution_its_value(default: Applied, asked: Applied) -> None:
    build = yaml.safe_load((REPOSITORY / "cloudbuild.yaml").read_text(encoding="utf-8"))["substitutions"]
    for applied, auth in ((default, "authenticated"), (asked, "public")):
        given = substitutions(applied)
        assert set(given) == set(build)
        assert given["_AUTH"] == auth
        assert {name for name, value in given.items() if value == ""} <= {"_MODEL_URI"}
    assert substitutions(asked)["_MODEL_URI"] == "gs://my-project-steel-defect-models/models/strip-mobilenetv2"


def substitutions(applied: Applied) -> dict[str, str]:
    stated = re.findall(r"--substitutions=(\S+)", applied.outputs["deploy"])
    return dict(pair.split("=", 1) for pair in stated[0].split(","))


def test_gcloud_itself_understands_every_command(default: Applied, runs: Runs, tmp_path: Path) -> None:
    prefix = f"{default.outputs['backfill']} --args=-m,gcp_backfill,line-3/"
    commands = [shlex.join(["gcloud", *runs.calls[0]]), default.outputs["deploy"], default.outputs["backfill"], prefix]
    assert complaints(commands, tmp_path) == []


def test_the_service_and_the_job_leave_to_the_build_what_it_deploys(default: Applied) -> None:
    services = {service["name"] for service in default.all("google_cloud_run_v2_service")}
    (job,) = default.all("google_cloud_run_v2_job")
    assert services | {job["name"]} == {"steel-defect-api", "steel-defect-upload", "steel-defect-backfill"}
    assert job["template"][0]["task_count"] == job["template"][0]["parallelism"] == 10
    assert job["template"][0]["template"][0]["max_retries"] == 3


def test_alerts_go_to_whom_was_asked_for(default: Applied, asked: Applied) -> None:
    assert {tuple(policy["notification_channels"]) for policy in default.all("google_monitoring_alert_policy")} == {()}
    channels = asked.all("google_monitoring_notification_channel")
    assert [channel["labels"] for channel in channels] == [{"email_address": "line@example.com"}]
    for policy in asked.all("google_monitoring_alert_policy"):
        assert policy["notification_channels"] == [channels[0]["id"]]
        assert policy["documentation"][0]["content"]


def test_the_dashboard_has_room_for_each_chart(default: Applied) -> None:
    (found,) = default.all("google_monitoring_dashboard")
    tiles = json.loads(found["dashboard_json"])["mosaicLayout"]["tiles"]
    assert len({(tile["xPos"], tile["yPos"]) for tile in tiles}) == len(tiles) == 12
    assert all(tile["xPos"] + tile["width"] <= 12 for tile in tiles)


def test_the_metrics_are_those_of_the_list(default: Applied) -> None:
    units = {"1": "Count", "ms": "Milliseconds"}
    found = {
        metric["name"]: (units[metric["metric_descriptor"][0]["unit"]], metric["description"])
        for metric in default.all("google_logging_metric")
    }
    listed = {f"{NAMESPACE}/{name}": (said.unit, said.meaning) for name, said in DESCRIPTIONS.items()}
    assert found == listed


def test_alerts_and_charts_use_metrics_that_there_are(default: Applied) -> None:
    made = {metric["name"] for metric in default.all("google_logging_metric")}
    text = json.dumps([default.all("google_monitoring_alert_policy"), default.all("google_monitoring_dashboard")])
    used = set(re.findall(r"logging.googleapis.com/user/([\w/]+)", text))
    assert used <= made
    assert {f"{NAMESPACE}/{name}" for name in ("PictureRefused", "DefectFound", "ModelNotCurrent")} <= used


def test_the_metrics_read_the_lines_that_the_function_writes(default: Applied, tmp_path: Path) -> None:
    """A registry without a model, a picture and no picture: which metrics take which value from which line."""
    with CloudRun(environment={"MODEL_URI": f"{tmp_path.as_uri()}/models/strip", "LOG_SAMPLE_RATE": "0"}) as server:
        for body in (strip_jpeg(), b"no picture", strip_jpeg()):
            server.send(predict(body))
        lines: list[Any] = [line for line in log_lines(server.output()) if "metrics" in line]
    assert len(lines) == 3
    seen = [dict(measured(default, line)) for line in lines]
    assert [found["SteelDefect/PictureRefused"] for found in seen] == ["0", "1", "0"]
    assert [found["SteelDefect/ModelNotCurrent"] for found in seen] == ["1", "1", "1"]
    assert seen[1]["SteelDefect/Responses4xx"] == 1
    assert "SteelDefect/DefectFound" not in seen[1]
    assert seen[2]["SteelDefect/ModelMilliseconds"] > 0
    # Every value that a line has is read by some metric.
    assert [len(found) for found in seen] == [len(line["metrics"]) for line in lines]


def measured(applied: Applied, line: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What each metric takes from a line, as Cloud Logging reads filters and extractors."""
    for metric in applied.all("google_logging_metric"):
        (field,) = re.findall(r"jsonPayload\.metrics\.(\w+)>=0$", metric["filter"])
        if field not in line["metrics"]:
            continue
        value = line["metrics"][field]
        (descriptor,) = metric["metric_descriptor"]
        if descriptor["value_type"] == "DISTRIBUTION":
            assert metric["value_extractor"] == f"EXTRACT(jsonPayload.metrics.{field})"
            yield metric["name"], value
        elif descriptor["labels"]:
            stated = metric["label_extractors"]["value"]
            (pattern,) = re.findall(rf'REGEXP_EXTRACT\(jsonPayload.metrics.{field}, "(.*)"\)', stated)
            yield metric["name"], re.findall(pattern, str(value))[0]
        else:
            yield metric["name"], 1
