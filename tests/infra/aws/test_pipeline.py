"""infra/aws/pipeline.yaml and the workflow that uses it: who may deploy, and what that comes to."""

from __future__ import annotations

from typing import Any, Final

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.infra.aws.permissions import statements_of
from tests.infra.aws.template import Resolved, template
from tests.transports import SAM_CLI

GIVEN: Final = {
    "Repository": "mill/steel-defect",
    "ExecutionPolicyArns": "arn:aws:iam::aws:policy/AdministratorAccess",
}
WHERE: Final = "eu-central-1:111122223333"


def resolved(**parameters: str) -> dict[str, Any]:
    return Resolved(template("infra/aws/pipeline.yaml"), **{**GIVEN, **parameters}).resources


def test_a_run_of_one_branch_of_one_repository_may_deploy() -> None:
    (statement,) = resolved()["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": "GitHub"}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:mill/steel-defect:ref:refs/heads/main",
        }
    }
    known = resolved(GitHubProviderArn="arn:aws:iam::111122223333:oidc-provider/x", Branch="release")
    assert "GitHub" not in known
    (statement,) = known["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": "arn:aws:iam::111122223333:oidc-provider/x"}
    assert statement["Condition"]["StringEquals"].popitem()[1].endswith(":ref:refs/heads/release")


def test_it_may_have_cloudformation_update_one_stack_and_no_more() -> None:
    stack = f"arn:aws:cloudformation:{WHERE}:stack/steel-defect/*"
    verbs = (
        "CreateChangeSet", "DeleteChangeSet", "DescribeChangeSet", "DescribeStackEvents", "DescribeStacks",
        "ExecuteChangeSet",
    )  # fmt: skip
    granted = {
        (action, place)
        for actions, places in statements_of([resolved()["DeployRole"]["Properties"]])
        for action in actions
        for place in places
    }
    assert granted == {
        *((f"cloudformation:{verb}", stack) for verb in verbs),
        ("cloudformation:CreateChangeSet", "arn:aws:cloudformation:eu-central-1:aws:transform/Serverless-2016-10-31"),
        ("cloudformation:DescribeStacks", f"arn:aws:cloudformation:{WHERE}:stack/aws-sam-cli-managed-default/*"),
        ("s3:GetObject", "arn:aws:s3:::aws-sam-cli-managed-default-*/*"),
        ("s3:PutObject", "arn:aws:s3:::aws-sam-cli-managed-default-*/*"),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/ExecutionRole"),
    }


def test_cloudformation_alone_takes_the_role_that_makes_things() -> None:
    role = resolved(PermissionsBoundaryArn="arn:aws:iam::111122223333:policy/b")["ExecutionRole"]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    assert role["PermissionsBoundary"] == "arn:aws:iam::111122223333:policy/b"
    assert role["ManagedPolicyArns"] == GIVEN["ExecutionPolicyArns"]
    passed = resolved()["DeployRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][-1]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


@pytest.fixture
def workflow() -> dict[str, Any]:
    """The job."""
    text = (REPOSITORY / ".github/workflows/deploy-aws.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]["deploy"]
    return found


def test_the_workflow_tests_builds_and_deploys_as_by_hand(workflow: dict[str, Any]) -> None:
    commands = [step["run"] for step in workflow["steps"] if "run" in step]
    assert commands[:3] == [f"uv tool install {SAM_CLI}", ".ci/deployed", "sam build --config-env prod"]
    assert commands[3].startswith("sam deploy --config-env prod ")
    assert "--no-confirm-changeset" in commands[3]
    assert len(commands) == 4


def test_a_repository_without_the_roles_deploys_nothing_and_none_has_a_key(workflow: dict[str, Any]) -> None:
    assert workflow["if"] == "vars.AWS_DEPLOY_ROLE != ''"
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets" not in str(workflow)
    outputs = template("infra/aws/pipeline.yaml")["Outputs"]
    for name in ("AWS_DEPLOY_ROLE", "AWS_EXECUTION_ROLE"):
        assert f"vars.{name}" in str(workflow)
        assert any(name in output["Description"] for output in outputs.values())
