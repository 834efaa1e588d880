"""infra/aws/trainer.yaml: what the machine is, what it may, and that nothing of it is left; and all scripts, linted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conftest import REPOSITORY
from tests.infra.aws.template import Resolved, template
from tests.infra.trainer.machine import shellcheck

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = {"RunName": "strip-1", "ModelsBucket": "models", "DataBucket": "pictures", "DataFolder": "line-3"}


def resolved(**parameters: str) -> dict[str, Any]:
    """The resources for some parameters beside the usual ones."""
    return Resolved(template("infra/aws/trainer.yaml"), **{**GIVEN, **parameters}).resources


def machine(resources: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = resources["Machine"]["Properties"]["LaunchTemplateData"]
    return found


def statements(resources: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Each action, on each resource, under which condition."""
    found = set()
    for policy in resources["Role"]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions, on = statement["Action"], statement["Resource"]
            for action in actions if isinstance(actions, list) else [actions]:
                for resource in on if isinstance(on, list) else [on]:
                    found.add((action, resource, str(statement.get("Condition", ""))))
    return found


def test_the_role_reads_pictures_writes_its_run_publishes_and_ends_its_group_and_no_more() -> None:
    def listed(prefix: str) -> str:
        return str({"StringLike": {"s3:prefix": prefix}})

    data = {
        ("s3:ListBucket", "arn:aws:s3:::pictures", listed("line-3/*")),
        ("s3:GetObject", "arn:aws:s3:::pictures/line-3/*", ""),
    }
    shell = {
        (action, "*", "")
        for action in (
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        )
    }
    group = "arn:aws:autoscaling:eu-central-1:111122223333:autoScalingGroup:*:autoScalingGroupName/stack"
    run = "arn:aws:s3:::models/runs/strip-1/*"
    assert statements(resolved()) - data - shell == {
        ("s3:ListBucket", "arn:aws:s3:::models", listed("runs/strip-1/*")),
        ("s3:GetObject", run, ""),
        ("s3:PutObject", run, ""),
        ("s3:AbortMultipartUpload", run, ""),
        ("s3:GetObject", "arn:aws:s3:::models/models/*/model.onnx", ""),
        ("s3:PutObject", "arn:aws:s3:::models/models/*/model.onnx", ""),
        ("s3:GetObject", "arn:aws:s3:::models/models/*/manifest.json", ""),
        ("s3:PutObject", "arn:aws:s3:::models/models/*/manifest.json", ""),
        ("autoscaling:SetDesiredCapacity", group, ""),
    }
    assert data | shell <= statements(resolved())
    assert not data & statements(resolved(DataBucket="", DataFolder=""))
    assert "ManagedPolicyArns" not in resolved()["Role"]["Properties"]
    key = "arn:aws:kms:eu-central-1:111122223333:key/1"
    in_s3 = str({"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}})
    more = {("kms:Decrypt", key, in_s3), ("kms:GenerateDataKey", key, in_s3)}
    assert statements(resolved(KmsKeyArn=key)) - statements(resolved()) == more


def test_the_role_can_have_a_boundary_and_a_path() -> None:
    role = resolved(PermissionsBoundaryArn="arn:aws:iam::111122223333:policy/boundary", RolePath="/mill/")["Role"]
    assert role["Properties"]["PermissionsBoundary"] == "arn:aws:iam::111122223333:policy/boundary"
    assert role["Properties"]["Path"] == "/mill/"
    assert "PermissionsBoundary" not in resolved()["Role"]["Properties"]


def test_it_is_a_spot_machine_unless_asked_for_by_name() -> None:
    for market, share in (({}, 0), ({"Market": "on-demand"}, 100)):
        group = resolved(**market)["Group"]["Properties"]
        distribution = group["MixedInstancesPolicy"]["InstancesDistribution"]
        assert distribution["OnDemandPercentageAboveBaseCapacity"] == share
        assert distribution["OnDemandBaseCapacity"] == 0
        assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == ("0", "1", "1")
        assert group["AutoScalingGroupName"] == "stack", "as the role and the user data say"


def test_no_machine_is_left_out_for_its_price() -> None:
    """EC2 leaves out, of its own accord, what costs a fifth more than the cheapest: nearly all of these types."""
    (override,) = resolved(Market="on-demand")["Group"]["Properties"]["MixedInstancesPolicy"]["LaunchTemplate"][
        "Overrides"
    ]
    assert override["InstanceRequirements"]["OnDemandMaxPricePercentageOverLowestPrice"] == 999999


def test_nobody_comes_in_and_nothing_stays() -> None:
    resources = resolved()
    firewall = resources["Firewall"]["Properties"]
    assert "SecurityGroupIngress" not in firewall
    assert not [found for found in resources.values() if found["Type"] == "AWS::EC2::SecurityGroupIngress"]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in firewall["SecurityGroupEgress"]] == [(443, 443)]
    found = machine(resources)
    assert "KeyName" not in found
    assert found["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    (disk,) = found["BlockDeviceMappings"]
    assert (disk["Ebs"]["VolumeType"], disk["Ebs"]["Encrypted"], disk["Ebs"]["DeleteOnTermination"]) == (
        "gp3",
        True,
        True,
    )
    # The launch template of a mixed group says nothing of spot, and needs no instance type.
    assert not {"InstanceMarketOptions", "InstanceType"} & set(found)


def test_shellcheck_finds_nothing_in_any_script(tmp_path: Path) -> None:
    boot = tmp_path / "user-data.sh"
    boot.write_text(machine(resolved())["UserData"]["Fn::Base64"])
    shared = sorted((REPOSITORY / "infra/trainer").glob("*.sh"))
    assert len(shared) == 3
    assert shellcheck(*shared, boot) == ""
