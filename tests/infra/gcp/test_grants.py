"""Whom infra/gcp gives what: this and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.uploads.signed import FOLDER
from steel_defect.verdicts import kept

if TYPE_CHECKING:
    from tests.infra.gcp.terraform import Applied

GRANTS = {
    # What brings an upload to the function: without any one of these no event arrives.
    ("topic projects/my-project/topics/steel-defect-uploads", "roles/pubsub.publisher", "storage-agent"),
    ("service steel-defect-upload", "roles/run.invoker", "trigger"),
    ("account trigger", "roles/iam.serviceAccountTokenCreator", "pubsub-agent"),
    # Each function its buckets.
    ("bucket my-project-steel-defect-models", "roles/storage.objectViewer", "api"),
    # Signed uploads: below web/ alone (see the next test), signed by IAM in the account's own name.
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectCreator", "api"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectViewer", "api"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectCreator", "api"),
    ("account api", "roles/iam.serviceAccountTokenCreator", "api"),
    ("bucket my-project-steel-defect-models", "roles/storage.objectViewer", "upload"),
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectViewer", "upload"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectUser", "upload"),
    ("topic projects/my-project/topics/steel-defect-outcomes", "roles/pubsub.publisher", "upload"),
    # For a coil's marker.
    ("job steel-defect-backfill", "roles/run.jobsExecutorWithOverrides", "upload"),
    ("bucket my-project-steel-defect-models", "roles/storage.objectViewer", "backfill"),
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectViewer", "backfill"),
    ("bucket my-project-steel-defect-results", "roles/storage.objectUser", "backfill"),
    # Dead letters, and the job that processes them.
    ("subscription projects/my-project/subscriptions/steel-defect-uploads", "roles/pubsub.subscriber", "pubsub-agent"),
    ("topic projects/my-project/topics/steel-defect-dead-letters", "roles/pubsub.publisher", "pubsub-agent"),
    ("subscription projects/my-project/subscriptions/steel-defect-dead-letters", "roles/pubsub.subscriber", "backfill"),
    ("topic projects/my-project/topics/steel-defect-outcomes", "roles/pubsub.publisher", "backfill"),
    # Who deploys.
    ("project my-project", "roles/run.builder", "build"),
    ("project my-project", "roles/run.sourceDeveloper", "build"),
    ("project my-project", "roles/serviceusage.serviceUsageConsumer", "build"),
    ("repository steel-defect", "roles/artifactregistry.writer", "build"),
    ("bucket my-project-steel-defect-build", "roles/storage.objectViewer", "build"),
    ("service steel-defect-api", "roles/run.admin", "build"),
    ("service steel-defect-upload", "roles/run.admin", "build"),
    ("service steel-defect-api", "roles/run.invoker", "build"),
    ("service steel-defect-upload", "roles/run.invoker", "build"),
    ("account build", "roles/iam.serviceAccountTokenCreator", "build"),
    ("account api", "roles/iam.serviceAccountUser", "build"),
    ("account upload", "roles/iam.serviceAccountUser", "build"),
    ("account backfill", "roles/iam.serviceAccountUser", "build"),
    ("account build", "roles/iam.serviceAccountUser", "build"),
}
LINE_3 = "line-3@my-project.iam.gserviceaccount.com"
INSPECTORS = "group:inspectors@example.com"
ENCRYPT = ("key", "roles/cloudkms.cryptoKeyEncrypterDecrypter")
ASKED_FOR = {
    ("service steel-defect-api", "roles/run.invoker", INSPECTORS),
    ("service steel-defect-api", "roles/run.viewer", INSPECTORS),
    ("service steel-defect-api", "roles/run.invoker", LINE_3),
    ("bucket my-project-steel-defect-uploads", "roles/storage.objectCreator", LINE_3),
    # The page, through the proxy alone.
    ("page steel-defect-page", "roles/iap.httpsResourceAccessor", INSPECTORS),
    ("service steel-defect-page", "roles/run.invoker", "iap-agent"),
    ("service steel-defect-page", "roles/run.admin", "build"),
    # The pipeline.
    ("project my-project", "roles/cloudbuild.builds.editor", "pipeline"),
    ("project my-project", "roles/logging.viewer", "pipeline"),
    ("project my-project", "roles/serviceusage.serviceUsageConsumer", "pipeline"),
    ("bucket my-project-steel-defect-build", "roles/storage.legacyBucketReader", "pipeline"),
    ("bucket my-project-steel-defect-build", "roles/storage.objectUser", "pipeline"),
    ("account build", "roles/iam.serviceAccountUser", "pipeline"),
    (
        "account pipeline",
        "roles/iam.workloadIdentityUser",
        "principalSet://iam.googleapis.com/projects/123456789012/pools/steel-defect-github/attribute.repository_id/123456",
    ),
    # The key.
    *((*ENCRYPT, f"{agent}-agent") for agent in ("artifactregistry", "pubsub", "run", "storage")),
}
OF_WHAT = [
    "bucket",
    "topic",
    "subscription",
    "repository",
    "service_account_id",
    "crypto_key_id",
    "cloud_run_service_name",
]
OF_WHAT += ["name", "project"]
CALLED = {"service_account_id": "account", "name": "service", "cloud_run_service_name": "page", "crypto_key_id": "key"}


def grants(applied: Applied) -> set[tuple[str, str, str]]:
    """Of what, which role, to whom."""
    found = set()
    for kind, resources in applied.resources.items():
        if kind.endswith("_iam_member"):
            for values in resources.values():
                of = next(name for name in OF_WHAT if name in values and (name != "project" or "_project_" in kind))
                called = "job" if "_job_" in kind else CALLED.get(of, of)
                what = "key" if of == "crypto_key_id" else f"{called} {values[of]}"
                found.add((what, values["role"], values["member"].removeprefix("serviceAccount:")))
    return found


def test_it_grants_this_and_nothing_else(default: Applied) -> None:
    assert grants(default) == GRANTS


def test_what_is_asked_for_grants_this_and_nothing_else(asked: Applied, default: Applied) -> None:
    assert grants(asked) - grants(default) == ASKED_FOR


def test_another_deployment_is_granted_its_own_buckets_and_services(second: Applied) -> None:
    places = {what for what, _, _ in grants(second) if what.startswith(("bucket", "service", "repository"))}
    own = {"bucket my-project-line-4-models", "bucket my-project-line-4-build", "repository line-4"}
    assert places == own | {
        "bucket plant-pictures",
        "bucket plant-results",
        "service line-4-api",
        "service line-4-upload",
    }


def test_the_api_function_may_sign_and_keep_verdicts_in_their_own_folders_alone(default: Applied) -> None:
    conditions = {
        (values["bucket"], values["role"], values["member"]): [found["expression"] for found in values["condition"]]
        for values in default.all("google_storage_bucket_iam_member")
        if values["condition"]
    }
    buckets = {"my-project-steel-defect-uploads": FOLDER, "my-project-steel-defect-results": kept.FOLDER}
    assert conditions == {
        (bucket, "roles/storage.objectCreator", "serviceAccount:api"): [
            f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{folder}")'
        ]
        for bucket, folder in buckets.items()
    }


def test_nothing_grants_whole_policies(asked: Applied) -> None:
    assert not [kind for kind in asked.resources if kind.endswith(("_iam_policy", "_iam_binding"))]


def test_only_runs_of_the_repositorys_branch_are_the_pipeline(asked: Applied) -> None:
    (provider,) = asked.all("google_iam_workload_identity_pool_provider")
    assert provider["attribute_condition"] == (
        'assertion.repository_id == "123456" && assertion.ref == "refs/heads/main"'
    )
    assert provider["oidc"][0]["issuer_uri"] == "https://token.actions.githubusercontent.com"
    assert provider["attribute_mapping"]["attribute.repository_id"] == "assertion.repository_id"
