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
from tests.infra.gcp.mocks import mocks

if TYPE_CHECKING:
    from pathlib import Path

INFRASTRUCTURE: Final = REPOSITORY / "infra" / "gcp"
PROVIDER: Final = REPOSITORY / "tests" / "infra" / "gcp" / "schema_provider.py"
# Terraform's plugin protocol for Python. It stays out of the project's own environment.
PROTOCOL: Final = "tf==1.2.0"
PROVIDERS: Final = ("google", "google-beta", "time")


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


class Terraform:
    """A copy of infra/gcp, and the terraform of this machine."""

    def __init__(self, folder: Path) -> None:
        terraform, uv = shutil.which("terraform"), shutil.which("uv")
        if terraform is None or uv is None:
            pytest.skip("no terraform, or no uv, on the PATH")
        self._program = terraform
        self._folder = folder / "gcp"
        shutil.copytree(INFRASTRUCTURE, self._folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        command = [uv, "tool", "run", "--quiet", "--from", PROTOCOL, "python", "-u", str(PROVIDER)]
        self._providers = [
            subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
            for name in PROVIDERS
        ]
        self._environment = {
            **os.environ,
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

    def plan(self, settings: str) -> subprocess.CompletedProcess[str]:
        """Plan with this terraform.tfvars. Without Google that fails, but only after the variables were checked."""
        (self._folder / "planned.tfvars").write_text(settings)
        return self.run("plan", "-no-color", "-input=false", "-var-file=planned.tfvars")

    def test(self, applied: dict[str, dict[str, Any]], refused: dict[str, dict[str, Any]]) -> dict[str, Applied]:
        """Apply on mocks with the variables of each of `applied`, and plan with those of each of `refused`.

        A name among `refused` is that of the variable that must be refused.
        """
        runs = [_run(name, given, "command = apply") for name, given in applied.items()]
        for name, given in refused.items():
            runs.append(_run(f"not_{name}", given, f"command = plan\n  expect_failures = [var.{name}]"))
        (self._folder / "tests").mkdir()
        (self._folder / "tests" / "it.tftest.hcl").write_text(mocks() + "".join(runs))
        lines = self.run("test", "-json", "-verbose").stdout.splitlines()
        messages = [json.loads(line) for line in lines if line.startswith("{")]
        errors = [message["diagnostic"] for message in messages if "diagnostic" in message]
        assert messages[-1]["test_summary"]["status"] == "pass", errors
        states = {message["@testrun"]: message["test_state"] for message in messages if "test_state" in message}
        return {name: _applied(states[name]) for name in applied}


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
