"""What a deployment may have of its own, each off by default: buckets, key, roles, domain, login, days to keep."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.infra.aws.permissions import granted
from tests.infra.aws.template import Resolved, of_type

KEY: Final = "arn:aws:kms:eu-central-1:111122223333:key/1"
OWN: Final = {"UploadsBucketName": "pictures", "ResultsBucketName": "answers"}
DOMAIN: Final = {
    "DomainName": "steel.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/1",
}
LOGIN: Final = {"AuthMode": "jwt", "OperatorLogin": "cognito"}
# Each role or policy that reads or writes objects.
TOUCHING: Final = ("ApiRole", "UploadRole", "BackfillRole", "BackfillMachineRole", "CameraPolicy")


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    """With the defaults of all parameters."""
    return Resolved().resources


def test_nothing_of_it_is_there_by_itself(usual: dict[str, Any]) -> None:
    kinds = {found["Type"] for found in usual.values()}
    assert not {kind for kind in kinds if "Cognito" in kind or "Domain" in kind or "ApiMapping" in kind}
    assert not any("PermissionsBoundary" in role for role in of_type(usual, "AWS::IAM::Role").values())
    assert not any(action.startswith("kms:") for role in TOUCHING for action, _ in granted(role))
    for bucket in of_type(usual, "AWS::S3::Bucket").values():
        assert not {"pictures", "results"} & set(rules(bucket))


def rules(bucket: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}


def test_given_buckets_take_the_place_of_the_stacks_everywhere() -> None:
    found = Resolved(**OWN).resources
    assert set(of_type(found, "AWS::S3::Bucket")) == {"ModelsBucket"}
    assert set(of_type(found, "AWS::S3::BucketPolicy")) == {"ModelsBucketPolicy"}
    for function in of_type(found, "AWS::Serverless::Function").values():
        variables = function["Environment"]["Variables"]
        assert (variables["UPLOADS_URI"], variables["RESULTS_URI"]) == ("s3://pictures", "s3://answers")
    assert found["UploadRule"]["Properties"]["EventPattern"]["detail"] == {"bucket": {"name": ["pictures"]}}
    definition = found["BackfillMachine"]["Properties"]["DefinitionString"]
    assert '{"Bucket": "pictures", "Prefix.$": "$.prefix"}' in definition
    assert '{"Bucket": "answers", "Prefix": "backfills"}' in definition
    for role in TOUCHING:
        places = {
            (action, where.replace("UploadsBucket", "pictures").replace("ResultsBucket", "answers"))
            for action, where in granted(role)
        }
        assert granted(role, **OWN) == places


@pytest.mark.parametrize("bucket", ["UploadsBucket", "ResultsBucket", "ModelsBucket"])
def test_a_key_of_ones_own_encrypts_every_bucket(bucket: str) -> None:
    for parameters, algorithm in (({"KmsKeyArn": KEY}, "aws:kms"), ({}, "AES256")):
        (rule,) = Resolved(**parameters).resources[bucket]["Properties"]["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        keyed = {"KMSMasterKeyID": KEY} if parameters else {}
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": algorithm, **keyed}
        assert rule.get("BucketKeyEnabled") is (True if parameters else None)


@pytest.mark.parametrize("role", TOUCHING)
def test_whoever_touches_objects_may_use_the_key_for_that_alone(role: str) -> None:
    assert granted(role, KmsKeyArn=KEY) - granted(role) == {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}
    resources = Resolved(KmsKeyArn=KEY).resources
    for name in ("KeyPolicy", "CameraPolicy"):
        statement = resources[name]["Properties"]["PolicyDocument"]["Statement"][-1]
        assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}


def test_every_role_can_have_a_boundary_and_a_path() -> None:
    boundary = "arn:aws:iam::111122223333:policy/boundary"
    found = Resolved(PermissionsBoundaryArn=boundary, RolePath="/mill/", KmsKeyArn=KEY, ModelName="strip").resources
    roles, policies = of_type(found, "AWS::IAM::Role"), of_type(found, "AWS::IAM::ManagedPolicy")
    assert len(roles) == 8
    assert {role["PermissionsBoundary"] for role in roles.values()} == {boundary}
    assert {one["Path"] for one in [*roles.values(), *policies.values()]} == {"/mill/"}


def test_pictures_and_results_are_kept_as_long_as_asked() -> None:
    found = Resolved(KeepUploadsDays="90", KeepResultsDays="400").resources
    pictures = rules(found["UploadsBucket"]["Properties"])["pictures"]
    results = rules(found["ResultsBucket"]["Properties"])["results"]
    assert (pictures["Prefix"], pictures["ExpirationInDays"]) == ("", "90")
    assert (results["Prefix"], results["ExpirationInDays"]) == ("", "400")


def test_what_the_page_sends_to_the_bucket_goes_after_a_month(usual: dict[str, Any]) -> None:
    rule = rules(usual["UploadsBucket"]["Properties"])["sent-by-the-page"]
    assert (rule["Status"], rule["Prefix"], rule["ExpirationInDays"]) == ("Enabled", "web/", 30)


def test_a_domain_leads_to_the_endpoint_and_its_page_may_put_uploads() -> None:
    found = Resolved(**DOMAIN).resources
    domain = found["ApiDomain"]["Properties"]
    assert domain["DomainName"] == "steel.example.com"
    assert domain["DomainNameConfigurations"][0]["CertificateArn"] == DOMAIN["CertificateArn"]
    mapping = found["ApiMapping"]["Properties"]
    assert mapping == {"ApiId": "Api", "DomainName": "ApiDomain", "Stage": "ApiStage"}
    (rule,) = found["UploadsBucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["Api.ApiEndpoint", "https://steel.example.com"]


def test_operators_sign_in_for_tokens_that_the_endpoint_takes() -> None:
    found = Resolved(**LOGIN, **DOMAIN).resources
    configuration = found["ApiAuthorizer"]["Properties"]["JwtConfiguration"]
    assert configuration == {
        "Issuer": "https://cognito-idp.eu-central-1.amazonaws.com/OperatorPool",
        "Audience": ["OperatorClient"],
    }
    client = found["OperatorClient"]["Properties"]
    assert client["CallbackURLs"] == ["Api.ApiEndpoint/", "https://steel.example.com/"]
    assert client["GenerateSecret"] is False
    # Nobody makes an account for himself.
    assert found["OperatorPool"]["Properties"]["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_pages_of_other_origins_may_call_the_endpoint_if_they_are_named(usual: dict[str, Any]) -> None:
    assert "CorsConfiguration" not in usual["Api"]["Properties"]
    found = Resolved(AllowedOrigins="https://line-3.example").resources["Api"]["Properties"]["CorsConfiguration"]
    assert found["AllowOrigins"] == {"Fn::Split": [",", "https://line-3.example"]}
    assert "AllowCredentials" not in found
