"""What Google would give back to Terraform, named so that a grant can be read."""

from __future__ import annotations

import json
from typing import Any, Final

ACCOUNTS: Final = ("api", "upload", "backfill", "trigger", "build")
_NUMBER: Final = "123456789012"


def _account(name: str) -> dict[str, str]:
    return {"name": name, "email": f"{name}@my-project", "member": f"serviceAccount:{name}"}


def _pubsub(kind: str, name: str) -> dict[str, str]:
    return {"id": f"projects/my-project/{kind}/steel-defect-{name}"}


_DATA: Final[dict[str, dict[str, Any]]] = {
    "data.google_storage_project_service_account.agent": {"member": "serviceAccount:storage-agent"},
    'data.google_project.budgeted["month"]': {"number": _NUMBER},
}
_RESOURCES: Final[dict[str, dict[str, Any]]] = {
    **{f'google_service_account.this["{name}"]': _account(name) for name in ACCOUNTS},
    'google_service_account.pipeline["github"]': _account("pipeline"),
    'google_iam_workload_identity_pool.pipeline["github"]': {"name": f"projects/{_NUMBER}/pools/steel-defect-github"},
    "google_pubsub_topic.uploads": _pubsub("topics", "uploads"),
    "google_pubsub_topic.outcomes": _pubsub("topics", "outcomes"),
    "google_pubsub_topic.dead_letters": _pubsub("topics", "dead-letters"),
    "google_pubsub_subscription.uploads": _pubsub("subscriptions", "uploads"),
    "google_pubsub_subscription.dead_letters": _pubsub("subscriptions", "dead-letters"),
    'google_cloud_run_v2_service.function["api"]': {"uri": "https://api.run.app", "urls": ["https://api-1.run.app"]},
    'google_cloud_run_v2_service.function["upload"]': {"uri": "https://upload.run.app", "urls": []},
}
_OF_BETA: Final[dict[str, dict[str, Any]]] = {
    'google_cloud_run_v2_service.page["page"]': {"uri": "https://page.run.app", "urls": []},
    **{
        f'google_project_service_identity.agent["{name}.googleapis.com"]': {"member": f"serviceAccount:{name}-agent"}
        for name in ("pubsub", "artifactregistry", "run", "iap")
    },
}


def mocks() -> str:
    """The providers of infra/gcp for `terraform test`."""
    google = _overridden("data", _DATA) + _overridden("resource", _RESOURCES)
    return "".join(
        f'mock_provider "{name}" {{\n{content}}}\n'
        for name, content in (
            ("google", google),
            ("google", '  alias = "billing"\n'),
            ("google-beta", _overridden("resource", _OF_BETA)),
            ("time", ""),
        )
    )


def _overridden(kind: str, all_values: dict[str, dict[str, Any]]) -> str:
    return "".join(
        f"  override_{kind} {{\n    target = {target}\n    values = {literal(values)}\n  }}\n"
        for target, values in all_values.items()
    )


def literal(value: object) -> str:
    """A value as Terraform reads it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {literal(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value)
