"""With what the tests apply infra/gcp."""

from __future__ import annotations

from typing import Any, Final

PROJECT: Final = {"project": "my-project"}
KEY: Final = "projects/keys/locations/us-central1/keyRings/ring/cryptoKeys/key"
# Everything that can be asked for at once.
ASKED: Final[dict[str, Any]] = {
    **PROJECT,
    "region": "us-central1",
    "allow_unauthenticated": True,
    "api_callers": ["group:inspectors@example.com", "serviceAccount:line-3@my-project.iam.gserviceaccount.com"],
    "page_users": ["group:inspectors@example.com"],
    "cameras": ["serviceAccount:line-3@my-project.iam.gserviceaccount.com"],
    "model": "strip-mobilenetv2",
    "decision": {"threshold": 0.3, "review_low": 0},
    "pictures": {"mm_per_pixel": 0.2, "bit_depth": 12},
    "ignored_suffixes": [".tmp"],
    "keep_uploads_days": 90,
    "keep_results_days": 365,
    "alert_email": "line@example.com",
    "alert_channels": ["projects/my-project/notificationChannels/42"],
    "budget": {"billing_account": "012345-6789AB-CDEF01", "amount": 50},
    "github": {"repository_id": "123456"},
    "kms_key": KEY,
    "domain": "strip.example.com",
    "delete_data": True,
}
# A second deployment in the project, over buckets that are there already.
SECOND: Final[dict[str, Any]] = {
    **PROJECT,
    "name": "line-4",
    "uploads_bucket": "plant-pictures",
    "results_bucket": "plant-results",
}
# By the variable that must be refused.
REFUSED: Final[dict[str, dict[str, Any]]] = {
    name: {**PROJECT, name: value}
    for name, value in {
        "project": "My project",
        "region": "EU",
        "name": "a-name-that-is-too-long-for-accounts",
        "api_callers": ["allUsers"],
        "page_users": ["serviceAccount:line-3@my-project.iam.gserviceaccount.com"],
        "cameras": ["line-3"],
        "model": "Strip/1",
        "allowed_origins": ["*"],
        "shadow_model": "0.3.0",
        "decision": {"threshold": 0.3, "review_low": 0.4},
        "pictures": {"bit_depth": 24},
        "max_instances": 0,
        "ignored_suffixes": [".tmp;MODEL_URI=x"],
        "coil_pattern": "(?P<coil>.*);MODEL_URI=x",
        "capture_daily": 1001,
        "keep_uploads_days": 0,
        "keep_results_days": 0,
        "delivery_attempts": 4,
        "backfill_tasks": 0,
        "alert_email": "nobody",
        "alert_channels": ["pager"],
        "budget": {"billing_account": "mine", "amount": 50},
        "github": {"repository_id": "owner/name"},
        "kms_key": KEY,  # of another region
        "domain": "https://strip.example.com",
        "log_sample_rate": 2,
        "alert_refused_share": 20,
        "alert_reject_share": 0,
    }.items()
} | {"results_bucket": {**PROJECT, "uploads_bucket": "plant-pictures", "results_bucket": "plant-pictures"}}
