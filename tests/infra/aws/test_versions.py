"""What a parameter decides reaches what serves: CloudFormation publishes another version of each function it changes.

The endpoint, the queue and the backfill use the alias, which moves to a version that is published. Lambda publishes
none of a function that has not changed, and CloudFormation fails then, so that neither may be without the other.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.infra.aws.conftest import SAM_TRANSLATOR, uv
from tests.infra.aws.template import Resolved, defaults, template

FUNCTIONS: Final = ("ApiFunction", "UploadFunction", "BackfillFunction", "CoilFunction")
# Not part of a version.
OUTSIDE: Final = {"ReservedConcurrentExecutions", "Tags"}
# Another value for what is no number, or allows more than two.
OTHERS: Final = {
    "JwtIssuer": "https://issuer.example",
    "JwtAudience": "line-3",
    "ModelName": "strip",
    "ShadowModel": "ab" * 32,
    "AllowedOrigins": "https://line-3.example",
    "Threshold": "0.5",
    "ReviewLow": "0.2",
    "ReviewHigh": "0.9",
    "MmPerPixel": "0.2",
    "BitDepth": "12",
    "AlarmEmail": "ops@example.com",
    "DomainName": "steel.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/1",
    "UploadsBucketName": "pictures",
    "ResultsBucketName": "answers",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1",
    "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary",
    "RolePath": "/mill/",
    "IgnoredSuffixes": ".tmp",
    "CoilPattern": "(?P<coil>[^/]+)_.*",
    "Release": "AllAtOnce",
}


def other(name: str, parameter: dict[str, Any]) -> str:
    """A value that is not the default."""
    if name in OTHERS:
        return OTHERS[name]
    if "AllowedValues" in parameter:
        return str(next(value for value in parameter["AllowedValues"] if value != parameter["Default"]))
    assert parameter["Type"] == "Number", f"say in OTHERS what else {name} may be"
    return str(min(float(parameter["Default"]) + 1, float(parameter.get("MaxValue", "inf"))))


@pytest.fixture(scope="module")
def expanded() -> dict[str, Resolved]:
    """As CloudFormation gets it: with the defaults, by the name "", and with another value of each parameter."""
    source = template()
    for name in FUNCTIONS:
        source["Resources"][name]["Properties"]["CodeUri"] = "s3://bucket/package.zip"
    values = {"": {}, **{name: {name: other(name, parameter)} for name, parameter in source["Parameters"].items()}}
    usual = defaults(source)
    asked = [{"template": source, "parameters": {**usual, **changed}} for changed in values.values()]
    command = [uv(), "run", "--quiet", "--no-project", "--isolated", "--with", SAM_TRANSLATOR, "python"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, str(Path(__file__).with_name("translate.py"))],
        input=json.dumps(asked),
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        name: Resolved(found, **changed)
        for (name, changed), found in zip(values.items(), json.loads(done.stdout), strict=True)
    }


def configuration(found: Resolved, function: str) -> dict[str, Any]:
    """What a version of the function fixes."""
    return {name: value for name, value in found.resources[function]["Properties"].items() if name not in OUTSIDE}


def version(found: Resolved, function: str) -> tuple[str, dict[str, Any]]:
    """The version: another name or other properties, none of which can be updated, publish another."""
    (one,) = (
        (name, resource["Properties"])
        for name, resource in found.resources.items()
        if resource["Type"] == "AWS::Lambda::Version" and resource["Properties"]["FunctionName"] == function
    )
    return one


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("parameter", template()["Parameters"])
def test_a_version_is_published_if_a_parameter_changes_the_function_and_only_then(
    expanded: dict[str, Resolved], parameter: str, function: str
) -> None:
    before, after = expanded[""], expanded[parameter]
    changed = configuration(before, function) != configuration(after, function)
    assert (version(before, function) != version(after, function)) == changed


@pytest.mark.parametrize(
    ("parameter", "functions"),
    [
        ("ModelName", set(FUNCTIONS)),
        ("Threshold", set(FUNCTIONS)),
        ("ReviewLow", set(FUNCTIONS)),
        ("ReviewHigh", set(FUNCTIONS)),
        ("MmPerPixel", set(FUNCTIONS)),
        ("BitDepth", set(FUNCTIONS)),
        ("Orientation", set(FUNCTIONS)),
        ("Architecture", set(FUNCTIONS)),
        ("SnapStart", {"ApiFunction"}),
        ("CoilPattern", set(FUNCTIONS) - {"ApiFunction"}),
        ("CaptureDaily", {"UploadFunction"}),
        ("ShadowModel", {"UploadFunction"}),
    ],
)
def test_these_parameters_change_functions(expanded: dict[str, Resolved], parameter: str, functions: set[str]) -> None:
    before, after = expanded[""], expanded[parameter]
    assert {name for name in FUNCTIONS if version(before, name) != version(after, name)} == functions


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_alias_is_of_that_version_which_says_what_it_was_published_with(
    expanded: dict[str, Resolved], function: str
) -> None:
    found = expanded["ModelName"]
    name, properties = version(found, function)
    alias = found.resources[f"{function}Aliaslive"]["Properties"]
    assert alias["FunctionVersion"] == f"{name}.Version"
    assert "model strip," in properties["Description"]


def test_codedeploy_is_told_of_no_alarm_for_a_release_at_once(expanded: dict[str, Resolved]) -> None:
    for name in ("ApiFunction", "UploadFunction"):
        watched, at_once = (
            expanded[release].resources[f"{name}DeploymentGroup"]["Properties"] for release in ("", "Release")
        )
        assert watched["AlarmConfiguration"]["Enabled"]
        # Not left out: an update would keep what was there.
        assert at_once["AlarmConfiguration"] == {}
