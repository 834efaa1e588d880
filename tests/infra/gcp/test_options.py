"""What infra/gcp makes only if it is asked for, and a second deployment in one project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.gcp.variables import KEY

if TYPE_CHECKING:
    from tests.infra.gcp.terraform import Applied

# What identifies a thing in its project.
IDENTITIES = {
    "google_artifact_registry_repository": "repository_id",
    "google_cloud_run_v2_job": "name",
    "google_cloud_run_v2_service": "name",
    "google_logging_metric": "name",
    "google_pubsub_subscription": "name",
    "google_pubsub_topic": "name",
    "google_service_account": "account_id",
    "google_storage_bucket": "name",
}


@pytest.mark.parametrize("kind", IDENTITIES)
def test_another_deployment_in_the_project_shares_no_name(default: Applied, second: Applied, kind: str) -> None:
    first, other = ({found[IDENTITIES[kind]] for found in applied.all(kind)} for applied in (default, second))
    assert first
    assert other
    assert not first & other


@pytest.mark.parametrize("kind", ["page", "domain", "key", "pipeline", "month"])
def test_what_is_not_asked_for_is_not_there(default: Applied, asked: Applied, kind: str) -> None:
    def of(applied: Applied) -> list[str]:
        return [address for found in applied.resources.values() for address in found if f".{kind}[" in address]

    assert of(default) == []
    assert of(asked) != []


def test_only_the_page_is_behind_the_login(asked: Applied) -> None:
    services = {service["name"]: service.get("iap_enabled") for service in asked.all("google_cloud_run_v2_service")}
    assert services == {"steel-defect-api": None, "steel-defect-upload": None, "steel-defect-page": True}
    assert asked.outputs["page_url"] == "https://page.run.app"


def test_the_domain_is_served_by_the_api_function_over_https_alone(asked: Applied) -> None:
    (group,) = asked.all("google_compute_region_network_endpoint_group")
    assert group["cloud_run"][0]["service"] == "steel-defect-api"
    (certificate,) = asked.all("google_compute_managed_ssl_certificate")
    assert certificate["managed"][0]["domains"] == ["strip.example.com"]
    (rule,) = asked.all("google_compute_global_forwarding_rule")
    assert rule["port_range"] == "443"
    (policy,) = asked.all("google_compute_ssl_policy")
    assert policy["min_tls_version"] == "TLS_1_2"


def test_a_key_encrypts_everything_that_is_kept(asked: Applied) -> None:
    buckets = [bucket["encryption"][0]["default_kms_key_name"] for bucket in asked.all("google_storage_bucket")]
    named = [
        found["kms_key_name"]
        for kind in ("pubsub_topic", "artifact_registry_repository")
        for found in asked.all(f"google_{kind}")
    ]
    runs = [service["template"][0]["encryption_key"] for service in asked.all("google_cloud_run_v2_service")]
    runs += [job["template"][0]["template"][0]["encryption_key"] for job in asked.all("google_cloud_run_v2_job")]
    assert (len(buckets), len(named), len(runs)) == (4, 4, 4)
    assert {*buckets, *named, *runs} == {KEY}
