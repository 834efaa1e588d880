"""Terraform itself over infra/gcp, with what stands in for Google: a provider that only knows the schema, and mocks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

INFRASTRUCTURE: Final = REPOSITORY / "infra" / "gcp"
PROVIDER: Final = REPOSITORY / "tests" / "infra" / "gcp" / "schema_provider.py"
# Terraform's plugin protocol for Python. It stays out of the project's own environment.
PROTOCOL: Final = "tf==1.2.0"
# What Google would give back, named so that a grant can be read.
MOCKS: Final = """
mock_provider "google" {
  mock_resource "google_pubsub_topic" {
    defaults = { id = "projects/my-project/topics/a-topic" }
  }
  override_data {
    target = data.google_storage_project_service_account.agent
    values = { member = "serviceAccount:storage-agent" }
  }
  override_resource {
    target = google_eventarc_trigger.upload
    values = {
      transport = [{ pubsub = [{ subscription = "projects/my-project/subscriptions/eventarc-1", topic = "t" }] }]
    }
  }
  override_resource {
    target = google_pubsub_topic.outcomes
    values = { id = "projects/my-project/topics/steel-defect-outcomes" }
  }
  override_resource {
    target = google_pubsub_topic.dead_letters
    values = { id = "projects/my-project/topics/steel-defect-dead-letters" }
  }
  %(accounts)s
}

mock_provider "google-beta" {
  override_resource {
    target = google_project_service_identity.agent["eventarc.googleapis.com"]
    values = { member = "serviceAccount:eventarc-agent" }
  }
  override_resource {
    target = google_project_service_identity.agent["pubsub.googleapis.com"]
    values = { member = "serviceAccount:pubsub-agent" }
  }
}
"""
_ACCOUNT: Final = """
  override_resource {
    target = google_service_account.this["%(name)s"]
    values = { name = "%(name)s", email = "%(name)s@my-project", member = "serviceAccount:%(name)s" }
  }
"""


@dataclass(frozen=True)
class Applied:
    """What one run made.

    Attributes:
        resources: the values of each kind of resource, by address.
        outputs: by name.
    """

    resources: dict[str, dict[str, dict[str, Any]]]
    outputs: dict[str, Any]

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The values of each resource of a kind."""
        return list(self.resources.get(kind, {}).values())


@dataclass(frozen=True)
class Runs:
    """What all runs made, and how they called gcloud."""

    applied: dict[str, Applied]
    calls: list[list[str]]


class Terraform:
    """A copy of infra/gcp, and the terraform of this machine."""

    def __init__(self, folder: Path) -> None:
        terraform, uv = shutil.which("terraform"), shutil.which("uv")
        if terraform is None or uv is None:
            pytest.skip("no terraform, or no uv, on the PATH")
        self._program = terraform
        self._folder = folder / "gcp"
        self._calls = folder / "calls"
        shutil.copytree(INFRASTRUCTURE, self._folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        (programs := folder / "programs").mkdir()
        gcloud = programs / "gcloud"
        write = "import json, sys; print(json.dumps(sys.argv[1:]))"
        gcloud.write_text(f"#!/bin/sh\npython3 -c '{write}' \"$@\" >>'{self._calls}'\n")
        gcloud.chmod(0o755)
        command = [uv, "tool", "run", "--quiet", "--from", PROTOCOL, "python", "-u", str(PROVIDER)]
        self._providers = [
            subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
            for name in ("google", "google-beta")
        ]
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "TF_REATTACH_PROVIDERS": json.dumps(dict(_address(provider) for provider in self._providers)),
            "CHECKPOINT_DISABLE": "1",
        }

    def stop(self) -> None:
        """Stop the providers."""
        for provider in self._providers:
            provider.terminate()
            provider.communicate()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command in the copy."""
        return subprocess.run(  # noqa: S603 - our own command
            [self._program, *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def test(self, applied: dict[str, dict[str, Any]], refused: dict[str, dict[str, Any]]) -> Runs:
        """Apply on mocks with the variables of each of `applied`, and plan with those of each of `refused`.

        A name among `refused` is that of the variable that must be refused.
        """
        accounts = "".join(_ACCOUNT % {"name": name} for name in ("api", "upload", "backfill", "trigger", "build"))
        runs = [_run(name, given, "command = apply") for name, given in applied.items()]
        for name, given in refused.items():
            runs.append(_run(f"not_{name}", given, f"command = plan\n  expect_failures = [var.{name}]"))
        (self._folder / "tests").mkdir()
        (self._folder / "tests" / "it.tftest.hcl").write_text(MOCKS % {"accounts": accounts} + "".join(runs))
        lines = self.run("test", "-json", "-verbose").stdout.splitlines()
        messages = [json.loads(line) for line in lines if line.startswith("{")]
        errors = [message["diagnostic"] for message in messages if "diagnostic" in message]
        assert messages[-1]["test_summary"]["status"] == "pass", errors
        states = {message["@testrun"]: message["test_state"] for message in messages if "test_state" in message}
        calls = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return Runs({name: _applied(states[name]) for name in applied}, calls)


def _run(name: str, variables: dict[str, Any], what: str) -> str:
    given = "".join(f"    {variable} = {json.dumps(value)}\n" for variable, value in variables.items())
    return f'\nrun "{name}" {{\n  state_key = "{name}"\n  {what}\n  variables {{\n{given}  }}\n}}\n'


def _applied(state: dict[str, Any]) -> Applied:
    resources: dict[str, dict[str, dict[str, Any]]] = {}
    for found in state["root_module"]["resources"]:
        resources.setdefault(found["type"], {})[found["address"]] = found["values"]
    return Applied(resources, {name: found["value"] for name, found in state["outputs"].items()})


def _address(provider: subprocess.Popen[str]) -> tuple[str, Any]:
    """Where Terraform finds a provider, which says so when it is ready."""
    assert provider.stdout is not None
    for line in provider.stdout:
        found = re.search(r"TF_REATTACH_PROVIDERS='(.*)'", line)
        if found:
            ((name, address),) = json.loads(found[1]).items()
            return name, address
    pytest.fail("the provider did not start")
