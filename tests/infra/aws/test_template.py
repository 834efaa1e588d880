"""What template.yaml says, where running it cannot show it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import yaml

from steel_defect.settings import IGNORED_SUFFIXES
from tests.conftest import REPOSITORY
from tests.infra.aws.template import Resolved, of_type, template

BUCKETS = ("UploadsBucket", "ResultsBucket", "ModelsBucket")
WITHOUT_TOKEN = {"GET /", "GET /docs", "GET /openapi.json"}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """With the defaults of all parameters."""
    return Resolved().resources


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_private_encrypted_versioned_kept_and_tidied(resources: dict[str, Any], bucket: str) -> None:
    assert resources[bucket]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resources[bucket]["UpdateReplacePolicy"] == "Retain"
    found = resources[bucket]["Properties"]
    assert "BucketName" not in found
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert found["BucketEncryption"]
    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    # A dead letter names a version, and can be redriven until it expires.
    kept = next(rule for rule in found["LifecycleConfiguration"]["Rules"] if "NoncurrentVersionExpiration" in rule)
    letters = resources["UploadDeadLetters"]["Properties"]["MessageRetentionPeriod"]
    assert kept["NoncurrentVersionExpiration"]["NoncurrentDays"] * 86400 > letters
    statements = resources[f"{bucket}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    assert denies_plain_http(statements, [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])


def test_only_the_endpoints_own_page_may_put_uploads_from_a_browser(resources: dict[str, Any]) -> None:
    (rule,) = resources["UploadsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["PUT"], ["Api.ApiEndpoint"])
    assert rule["AllowedHeaders"] == ["content-type"]
    assert not any("CorsConfiguration" in resources[name]["Properties"] for name in BUCKETS[1:])


def denies_plain_http(statements: list[Any], resource: Any) -> bool:  # noqa: ANN401 - as in a policy
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return any(
        (found["Effect"], found["Principal"], found["Condition"]) == ("Deny", "*", condition)
        and found["Resource"] == resource
        for found in statements
    )


@pytest.mark.parametrize("queue", ["UploadQueue", "UploadDeadLetters"])
def test_queues_take_messages_of_the_rule_alone(resources: dict[str, Any], queue: str) -> None:
    statements = resources[f"{queue}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = [found for found in statements if found["Effect"] == "Allow"]
    assert [(found["Action"], found["Principal"], found["Condition"]) for found in allowed] == [
        (
            "sqs:SendMessage",
            {"Service": "events.amazonaws.com"},
            {"ArnEquals": {"aws:SourceArn": "UploadRule.Arn"}},
        )
    ]
    assert denies_plain_http(statements, f"arn:aws:sqs:eu-central-1:111122223333:{queue}")


def test_a_message_stays_hidden_for_six_times_as_long_as_the_function_may_take(resources: dict[str, Any]) -> None:
    queue, function = resources["UploadQueue"]["Properties"], resources["UploadFunction"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"].endswith(":UploadDeadLetters")
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    event = function["Events"]["Queue"]["Properties"]
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["ScalingConfig"] == {"MaximumConcurrency": function["ReservedConcurrentExecutions"]}
    rule = resources["UploadRule"]["Properties"]
    assert rule["EventPattern"]["detail"] == {"bucket": {"name": ["UploadsBucket"]}}
    assert rule["Targets"][0]["DeadLetterConfig"]["Arn"].endswith(":UploadDeadLetters")


@pytest.mark.parametrize(
    ("mode", "kind", "authorizer"),
    [("iam", "AWS_IAM", None), ("jwt", "JWT", "ApiAuthorizer"), ("none", "NONE", None)],
)
def test_every_route_asks_for_what_auth_mode_says(mode: str, kind: str, authorizer: str | None) -> None:
    found = Resolved(AuthMode=mode, JwtIssuer="https://issuer.example", JwtAudience="camera").resources
    routes = of_type(found, "AWS::ApiGatewayV2::Route")
    assert routes["ApiRoute"]["RouteKey"] == "$default"
    for route in routes.values():
        public = mode == "jwt" and route["RouteKey"] in WITHOUT_TOKEN
        assert route["AuthorizationType"] == ("NONE" if public else kind)
        assert route.get("AuthorizerId") == (None if public else authorizer)
    assert ("ApiAuthorizer" in found) == (mode == "jwt")
    if mode == "jwt":
        configuration = found["ApiAuthorizer"]["Properties"]["JwtConfiguration"]
        assert configuration == {"Issuer": "https://issuer.example", "Audience": ["camera"]}


def test_with_tokens_the_page_that_asks_for_one_loads_without() -> None:
    found = Resolved(AuthMode="jwt", JwtIssuer="https://issuer.example", JwtAudience="camera").resources
    routes = of_type(found, "AWS::ApiGatewayV2::Route").values()
    public = [route for route in routes if route["AuthorizationType"] == "NONE"]
    assert sorted(route["RouteKey"] for route in public) == sorted(WITHOUT_TOKEN)
    assert {route["Target"] for route in public} == {"integrations/ApiIntegration"}
    for mode in ("iam", "none"):
        assert list(of_type(Resolved(AuthMode=mode).resources, "AWS::ApiGatewayV2::Route")) == ["ApiRoute"]


def test_auth_is_iam_unless_asked_by_name() -> None:
    parameter = template()["Parameters"]["AuthMode"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("iam", ["iam", "jwt", "none"])
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    for stage in ("dev", "prod"):
        assert "AuthMode" not in config[stage]["deploy"]["parameters"]["parameter_overrides"]


def test_the_endpoint_is_throttled_and_logged_and_the_functions_have_a_ceiling(resources: dict[str, Any]) -> None:
    stage = resources["ApiStage"]["Properties"]
    assert float(stage["DefaultRouteSettings"]["ThrottlingRateLimit"]) > 0
    assert float(stage["DefaultRouteSettings"]["ThrottlingBurstLimit"]) > 0
    assert "integrationErrorMessage" in json.loads(stage["AccessLogSettings"]["Format"])
    # Else API Gateway would write into the account's one policy of logs, which has room for few APIs.
    assert json.dumps(resources["ApiAccessLogs"]["Properties"]["LogGroupName"]).startswith('"/aws/vendedlogs/')
    for name in ("Api", "Upload", "Backfill"):
        function = resources[f"{name}Function"]["Properties"]
        assert int(function["ReservedConcurrentExecutions"]) > 0
        assert function["AutoPublishAliasAllProperties"] is True
        assert resources[f"{name}Logs"]["Properties"]["RetentionInDays"]
    without = Resolved(ReserveConcurrency="no").resources
    assert "ReservedConcurrentExecutions" not in without["ApiFunction"]["Properties"]


def test_the_api_function_starts_from_a_snapshot(resources: dict[str, Any]) -> None:
    assert resources["ApiFunction"]["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_each_entry_point_is_a_function_of_the_module(resources: dict[str, Any]) -> None:
    import aws  # noqa: PLC0415 - the module under test, not only its names

    handlers = [found["Handler"] for found in of_type(resources, "AWS::Serverless::Function").values()]
    assert sorted(handlers) == ["aws.api", "aws.backfill", "aws.coil", "aws.upload"]
    assert all(callable(getattr(aws, handler.partition(".")[2])) for handler in handlers)


def test_mail_is_sent_when_asked_for(resources: dict[str, Any]) -> None:
    assert "AlarmSubscription" not in resources
    asked = Resolved(AlarmEmail="ops@example.com").resources
    assert asked["AlarmSubscription"]["Properties"]["Endpoint"] == "ops@example.com"


def test_a_budget_is_a_stack_of_its_own() -> None:
    asked = Resolved(template("infra/aws/budget.yaml"), Email="ops@example.com", MonthlyUsd="50").resources
    budget = asked["Budget"]["Properties"]
    assert budget["Budget"]["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    assert budget["NotificationsWithSubscribers"][0]["Subscribers"][0]["Address"] == "ops@example.com"


def test_what_is_no_picture_is_what_the_core_says() -> None:
    assert template()["Parameters"]["IgnoredSuffixes"]["Default"] == ",".join(IGNORED_SUFFIXES)
    functions = of_type(Resolved(IgnoredSuffixes=".tmp,.md5").resources, "AWS::Serverless::Function")
    found = {name: function["Environment"]["Variables"].get("IGNORED_SUFFIXES") for name, function in functions.items()}
    ignoring = dict.fromkeys(("UploadFunction", "BackfillFunction", "CoilFunction"), ".tmp,.md5")
    assert found == {"ApiFunction": None, **ignoring}


def test_a_new_account_can_deploy_what_is_for_development() -> None:
    """It has ten calls at a time, and can reserve none of them."""
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    overrides = config["dev"]["deploy"]["parameters"]["parameter_overrides"].split()
    found = Resolved(**dict(override.split("=", 1) for override in overrides)).resources
    assert not any(
        "ReservedConcurrentExecutions" in function for function in of_type(found, "AWS::Serverless::Function").values()
    )
    uploads = found["UploadFunction"]["Properties"]["Events"]["Queue"]["Properties"]["ScalingConfig"]
    state = json.loads(found["BackfillMachine"]["Properties"]["DefinitionString"])["States"]["Score"]
    assert int(uploads["MaximumConcurrency"]) + int(state["MaxConcurrency"]) < 10


def test_the_template_has_no_aliases_which_cloudformation_does_not_read() -> None:
    for path in ("template.yaml", "infra/aws/trainer.yaml", "infra/aws/budget.yaml"):
        tokens = yaml.scan((REPOSITORY / path).read_text(encoding="utf-8"))
        assert not any(isinstance(token, yaml.AliasToken | yaml.AnchorToken) for token in tokens)


def test_stages_set_parameters_that_exist_to_values_that_are_allowed() -> None:
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    parameters = template()["Parameters"]
    for stage in ("dev", "prod"):
        overrides = config[stage]["deploy"]["parameters"]["parameter_overrides"].split()
        for name, _, value in (override.partition("=") for override in overrides):
            allowed = parameters[name].get("AllowedValues")
            assert allowed is None or value in map(str, allowed), (stage, name, value)
        assert config[stage]["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"


def test_the_state_machine_tolerates_a_share_of_failures_and_retries_what_may_pass(resources: dict[str, Any]) -> None:
    definition = json.loads(resources["BackfillMachine"]["Properties"]["DefinitionString"])
    state = definition["States"][definition["StartAt"]]
    assert state["ItemReader"]["Parameters"] == {"Bucket": "UploadsBucket", "Prefix.$": "$.prefix"}
    assert 0 < state["ToleratedFailurePercentage"] < 100
    ceiling = resources["BackfillFunction"]["Properties"]["ReservedConcurrentExecutions"]
    assert state["MaxConcurrency"] == int(ceiling)
    batch = state["ItemProcessor"]["States"]["Batch"]
    never, always = batch["Retry"]
    assert (never["ErrorEquals"], never["MaxAttempts"]) == (["UnknownEvent"], 0)
    assert (always["ErrorEquals"], always["MaxAttempts"] > 0) == (["States.ALL"], True)
    # An express workflow ends after five minutes: what ran out of time is tried once more in them.
    assert 2 * resources["BackfillFunction"]["Properties"]["Timeout"] < 300
