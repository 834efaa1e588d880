"""The buckets of infra/gcp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.infra.gcp.terraform import Applied


def buckets(applied: Applied) -> dict[str, dict[str, Any]]:
    """By their use."""
    return {bucket["name"].rpartition("-")[2]: bucket for bucket in applied.all("google_storage_bucket")}


def test_everything_is_where_it_was_asked_for(default: Applied, asked: Applied) -> None:
    for applied, region in ((default, "europe-west1"), (asked, "us-central1")):
        services = applied.all("google_cloud_run_v2_service")
        assert {found["location"] for found in [*buckets(applied).values(), *services]} == {region}


def test_buckets_are_private_and_keep_what_was_overwritten(default: Applied) -> None:
    found = buckets(default)
    assert set(found) == {"uploads", "results", "models", "build"}
    for use, bucket in found.items():
        assert bucket["uniform_bucket_level_access"] is True
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["force_destroy"] is False
        assert bucket["versioning"][0]["enabled"] is (use != "build")
        deleted = [rule for rule in bucket["lifecycle_rule"] if rule["action"][0]["type"] == "Delete"]
        states = {rule["condition"][0]["with_state"] for rule in deleted}
        assert states == ({"LIVE"} if use == "build" else {"ARCHIVED"}), "nothing that is current is deleted by itself"


def test_checkpoints_and_sources_are_not_kept_once_they_are_deleted(default: Applied) -> None:
    kept = {
        use: bucket["soft_delete_policy"][0]["retention_duration_seconds"] for use, bucket in buckets(default).items()
    }
    assert kept == {"uploads": 604800, "results": 604800, "models": 0, "build": 0}


def test_pictures_and_results_are_deleted_only_if_that_was_asked_for(asked: Applied) -> None:
    rules = {
        use: [
            rule["condition"][0]["age"]
            for rule in bucket["lifecycle_rule"]
            if rule["condition"][0]["with_state"] == "LIVE"
        ]
        for use, bucket in buckets(asked).items()
    }
    assert rules == {"uploads": [90], "results": [365], "models": [], "build": [30]}


def test_buckets_that_were_there_are_used_and_not_made(second: Applied) -> None:
    assert set(buckets(second)) == {"models", "build"}
    assert second.outputs["buckets"] == {
        "uploads": "plant-pictures",
        "results": "plant-results",
        "models": "my-project-line-4-models",
        "build": "my-project-line-4-build",
    }
    (notification,) = second.all("google_storage_notification")
    assert notification["bucket"] == "plant-pictures"


def test_destroying_deletes_data_only_if_that_was_asked_for(asked: Applied) -> None:
    assert {bucket["force_destroy"] for bucket in buckets(asked).values()} == {True}


def test_only_the_page_may_put_uploads_from_a_browser(default: Applied, asked: Applied) -> None:
    api = ["https://api.run.app", "https://api-1.run.app"]
    everywhere = {*api, "https://page.run.app", "https://strip.example.com"}
    for applied, origins in ((default, set(api)), (asked, everywhere)):
        rules = {use: bucket["cors"] for use, bucket in buckets(applied).items()}
        (rule,) = rules.pop("uploads")
        assert (set(rule["origin"]), rule["method"]) == (origins, ["PUT"])
        assert set(rule["response_header"]) == {"content-type", "x-goog-content-length-range"}
        assert not any(rules.values())
