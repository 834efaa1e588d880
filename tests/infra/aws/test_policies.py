"""Each role may do what its code does, and nothing else: action by action, resource by resource.

What the code does is recorded from botocore while it runs on MiniStack; what its calls need is in AWS's service
authorization reference. That nothing is missing is also seen in test_deployment.py, where MiniStack enforces policies.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import botocore.handlers
import pytest
from botocore.session import Session

import aws_bus
import aws_coil
from steel_defect.admission import UNLIMITED
from steel_defect.camera import Camera
from steel_defect.capturing import Capturing
from steel_defect.client.uploads import Uploads
from steel_defect.errors import ResultNotReady
from steel_defect.loading import load_model
from steel_defect.location import Buckets, Location
from steel_defect.model_uri import ModelFile, parse_model_uri
from steel_defect.override import Override
from steel_defect.registry import promote, publish
from steel_defect.serving import FixedModel
from steel_defect.settings import settings_from
from steel_defect.storage import ObjectInfo, open_store
from steel_defect.uploads.backfill import Backfill
from steel_defect.uploads.capture import keep
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef
from steel_defect.uploads.results import result_key
from steel_defect.uploads.shadow import Shadow
from steel_defect.uploads.signed import SignedUploads
from steel_defect.verdicts.kept import Verdicts
from tests.infra.aws.permissions import Permission, check, granted
from tests.infra.aws.template import Resolved
from tests.pictures import strip_jpeg
from tests.probe_model import CONTRACT, probe_model
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.written_result import WRITTEN_RESULT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steel_defect.scorer import Scorer


UPLOADS, RESULTS, MODELS, BUS = "policy-uploads", "policy-results", "policy-models", "policy-outcomes"
BUCKETS = Buckets(Location("s3", UPLOADS), Location("s3", RESULTS))
# What stands in the template for the names that are used here.
RESOURCES: Final = {UPLOADS: "UploadsBucket", RESULTS: "ResultsBucket", MODELS: "ModelsBucket"}
BUS_ARN: Final = "arn:aws:events:eu-central-1:111122223333:event-bus/OutcomeBus"
ACTIONS: Final = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
}
# Not calls of the code, but of the platform in the role's name: Lambda writes the log and polls the queue, and S3 looks
# whether the caller might list before it says that an object is missing.
LOG: Final = {"logs:CreateLogStream", "logs:PutLogEvents"}
POLL: Final = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
QUEUE: Final = "arn:aws:sqs:eu-central-1:111122223333:UploadQueue"


def needed(operation: str, params: dict[str, Any]) -> Permission:
    """The permission that a call of botocore needs."""
    if operation == "PutEvents":
        assert {entry["EventBusName"] for entry in params["Entries"]} == {BUS}
        return "events:PutEvents", BUS_ARN
    action = ACTIONS.get(operation, operation)
    if action == "GetObject" and params.get("VersionId"):
        action = "GetObjectVersion"
    bucket = f"arn:aws:s3:::{RESOURCES[params['Bucket']]}"
    return f"s3:{action}", f"{bucket}/{params['Key']}" if "Key" in params else bucket


class Recorder:
    """The permissions that calls have needed since it was last asked."""

    def __init__(self) -> None:
        self._found: set[Permission] = set()

    def __call__(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        self._found.add(needed(model.name, params))

    def take(self) -> set[Permission]:
        """What was needed, and start anew."""
        found, self._found = self._found, set()
        return found


@pytest.fixture(scope="module")
def buckets(ministack: Emulator) -> None:
    """As in the template: with versions, and a bus."""
    for bucket in RESOURCES:
        make_s3_bucket(ministack, bucket)
    environment = ministack.environment
    Session().create_client(
        "events",
        endpoint_url=ministack.url,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    ).create_event_bus(Name=BUS)


@pytest.fixture
def recorder(ministack: Emulator, buckets: None, monkeypatch: pytest.MonkeyPatch) -> Recorder:  # noqa: ARG001 - made
    """Sees every call of every client that is made from now on."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    recorder = Recorder()
    handlers = [*botocore.handlers.BUILTIN_HANDLERS, ("before-parameter-build", recorder)]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
    return recorder


def platform(name: str, *listed: str) -> set[Permission]:
    logs = {(action, f"arn:aws:logs:eu-central-1:111122223333:log-group:{name}Logs:*") for action in LOG}
    return logs | {("s3:ListBucket", f"arn:aws:s3:::{bucket}") for bucket in listed}


def upload(key: str, data: bytes | None = None) -> ObjectRef:
    """An object of the uploads bucket, as its event names it."""
    info = open_store(f"s3://{UPLOADS}").put(key, strip_jpeg() if data is None else data)
    return ObjectRef("s3", UPLOADS, key, order="01", version=info.version, size=info.size, tag=info.tag)


def use_uploads(recorder: Recorder, scorer: Scorer, candidate: Path) -> set[Permission]:
    """Everything that can come of an upload."""
    good, bad, gone, unversioned = upload("a.jpg"), upload("b.jpg", b"no picture"), upload("gone.jpg"), upload("c.jpg")
    open_store(f"s3://{UPLOADS}").delete(gone.key)
    recorder.take()
    publisher = aws_bus.publisher(BUS)
    processor = UploadProcessor(FixedModel(scorer), BUCKETS, publisher)
    assert [processor.process(ref) for ref in (good, bad, good)] == [
        Outcome.SCORED,
        Outcome.FAILED,
        Outcome.DUPLICATE,
    ]
    plain = {"version": None, "size": None}
    vanished = ObjectRef("s3", UPLOADS, "gone.jpg", "02", **plain)
    assert processor.process(vanished) is Outcome.FAILED
    assert processor.process(ObjectRef("s3", UPLOADS, unversioned.key, "02", **plain)) is Outcome.SCORED
    needs = recorder.take()
    # Two more versions: of the second the event tells the order, of the third the bucket is asked.
    second, third = replace(upload(good.key), order="02"), replace(upload(good.key), order=UNKNOWN_ORDER)
    recorder.take()
    assert [processor.process(ref) for ref in (second, third)] == [Outcome.SCORED, Outcome.SCORED]
    needs |= recorder.take()
    keeping = UploadProcessor(FixedModel(scorer), BUCKETS, afterwards=partial(keep, Capturing(daily=1, random=1)))
    shadow = Shadow(ModelFile(str(candidate)), Override(), threads=1, camera=Camera(), admission=UNLIMITED)
    kept, in_shadow = upload("kept.jpg"), upload("shadow.jpg")
    recorder.take()
    assert keeping.process(kept) is Outcome.SCORED
    UploadProcessor(FixedModel(scorer), BUCKETS, afterwards=shadow.score).process(in_shadow)
    return needs | recorder.take()


def use_backfill(recorder: Recorder, scorer: Scorer) -> set[Permission]:
    """A batch of a backfill: a new picture, one that was scored, one that is gone, one that was replaced."""
    new = upload("backfill.jpg")
    recorder.take()
    backfill = Backfill(FixedModel(scorer), BUCKETS)
    listed = ObjectInfo(new.key, 1, "tag", None)
    outcomes = [backfill.score(info).outcome for info in (listed, listed, ObjectInfo("none.jpg", 1, "tag", None))]
    assert outcomes == [Outcome.SCORED, Outcome.DUPLICATE, Outcome.SUPERSEDED]
    needs = recorder.take()
    upload(new.key)
    recorder.take()
    assert backfill.score(listed).outcome is Outcome.SCORED
    return needs | recorder.take()


def use_models(recorder: Recorder) -> set[Permission]:
    """What a start, and each look at the registry, does."""
    store = open_store(f"s3://{MODELS}")
    promote(store, CONTRACT.name, publish(store, probe_model(), who="test"), who="test")
    recorder.take()
    load_model(parse_model_uri(f"s3://{MODELS}/models/{CONTRACT.name}"), Override(), threads=1)
    return recorder.take()


def test_the_upload_role(recorder: Recorder, probe: Scorer, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate.onnx"
    candidate.write_bytes(probe_model(replace(CONTRACT, version="candidate")))
    needs = use_uploads(recorder, probe, candidate)
    assert ("events:PutEvents", BUS_ARN) in needs
    poll = {(action, QUEUE) for action in POLL}
    check(granted("UploadRole"), needs, platform("Upload", "UploadsBucket", "ResultsBucket") | poll)


def test_the_backfill_role(recorder: Recorder, probe: Scorer) -> None:
    needs = use_backfill(recorder, probe)
    actions = ("GetObject", "GetObjectVersion", "PutObject", "ListBucketVersions")
    assert {action for action, _ in needs} == {f"s3:{action}" for action in actions}
    check(granted("BackfillRole"), needs, platform("Backfill", "UploadsBucket", "ResultsBucket"))


def use_coil(recorder: Recorder, scorer: Scorer) -> set[Permission]:
    """A marker: one look, and the report of a coil with a picture that has a result."""
    picture, _ = upload("line-3/4711/a.jpg"), upload("line-3/4711/coil.json", b"{}")
    assert UploadProcessor(FixedModel(scorer), BUCKETS).process(picture) is Outcome.SCORED
    settings = settings_from({"UPLOADS_URI": str(BUCKETS.uploads), "RESULTS_URI": str(BUCKETS.results)})
    recorder.take()
    publisher = aws_bus.publisher(BUS, aws_bus.COIL)
    event = {"key": "line-3/4711/coil.json"}
    assert aws_coil.step({**event, "step": "look"}, settings, publisher) == {"finished": False}
    assert aws_coil.step({**event, "step": "report"}, settings, publisher)["pictures"] == 1
    return recorder.take()


def test_the_coil_role(recorder: Recorder, probe: Scorer) -> None:
    needs = use_coil(recorder, probe)
    check(granted("CoilRole"), needs, platform("Coil", "UploadsBucket", "ResultsBucket"))
    assert granted("CoilMachineRole") == {("lambda:InvokeFunction", "CoilFunction.Alias")}
    assert granted("CoilRuleRole") == {("states:StartExecution", "CoilMachine")}


def use_signed_uploads(recorder: Recorder) -> set[Permission]:
    """An upload that is signed, and its result before and after it is there."""
    uploads = SignedUploads(BUCKETS)
    key = uploads.sign(b'{"name": "a.jpg", "content_type": "image/jpeg", "size": 5}', 5)["key"]
    with pytest.raises(ResultNotReady):
        uploads.result(key)
    needs = recorder.take()
    open_store(f"s3://{RESULTS}").put(result_key(key), WRITTEN_RESULT)
    recorder.take()
    uploads.result(key)
    return needs | recorder.take()


def use_verdicts(recorder: Recorder) -> set[Permission]:
    """A verdict, and all that was said of its picture."""
    recorder.take()
    verdicts = Verdicts(BUCKETS.results)
    kept = verdicts.keep(b'{"picture": "line 3/a.jpg", "verdict": "pass", "who": "Anna"}')
    assert verdicts.of("line 3/a.jpg") == [kept]
    return recorder.take()


def test_the_api_role_without_a_registry_may_sign_uploads_and_read_their_results(recorder: Recorder) -> None:
    needs = use_signed_uploads(recorder) | use_verdicts(recorder)
    assert {action for action, _ in needs} == {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
    grants = granted("ApiRole")
    check(grants, needs, platform("Api", "ResultsBucket"))
    # Nothing of what cameras put, and nothing of what became of it but what people say.
    assert {where for action, where in grants if action in {"s3:PutObject", "s3:GetObject"}} == {
        "arn:aws:s3:::UploadsBucket/web/*",
        "arn:aws:s3:::ResultsBucket/scores/web/*",
        "arn:aws:s3:::ResultsBucket/verdicts/*",
    }


def test_with_a_registry_each_role_may_read_its_one_model(recorder: Recorder) -> None:
    needs = use_models(recorder)
    for name in ("Api", "Upload", "Backfill", "Coil"):
        more = granted(f"{name}Role", ModelName=CONTRACT.name) - granted(f"{name}Role")
        check(more, needs, {("s3:ListBucket", "arn:aws:s3:::ModelsBucket")})
        reads = {where for action, where in more if action == "s3:GetObject"}
        assert reads == {"arn:aws:s3:::ModelsBucket/models/probe/*"}


def test_a_camera_may_put_pictures_and_nothing_else(recorder: Recorder) -> None:
    Uploads(BUCKETS.uploads, None).send("camera.jpg", strip_jpeg())
    check(granted("CameraPolicy"), recorder.take(), set())


def test_a_caller_may_call_the_endpoint_and_the_function_as_it_was_released() -> None:
    assert granted("CallerPolicy") == {
        ("execute-api:Invoke", "arn:aws:execute-api:eu-central-1:111122223333:Api/*"),
        ("lambda:InvokeFunction", "ApiFunction.Alias"),
    }


def test_the_state_machine_may_list_score_and_report() -> None:
    """Step Functions makes these calls itself; its guide says which: .../latest/dg/iam-policies-eg-dist-map.html."""
    assert granted("BackfillMachineRole") == {
        ("s3:ListBucket", "arn:aws:s3:::UploadsBucket"),
        ("lambda:InvokeFunction", "BackfillFunction.Alias"),
        ("states:StartExecution", "arn:aws:states:eu-central-1:111122223333:stateMachine:stack-backfill"),
        ("states:DescribeExecution", "arn:aws:states:eu-central-1:111122223333:execution:stack-backfill:*"),
        ("states:StopExecution", "arn:aws:states:eu-central-1:111122223333:execution:stack-backfill:*"),
        ("states:RedriveExecution", "arn:aws:states:eu-central-1:111122223333:execution:stack-backfill/Score:*"),
        *(
            (f"s3:{action}", "arn:aws:s3:::ResultsBucket/backfills/*")
            for action in ("PutObject", "GetObject", "ListMultipartUploadParts", "AbortMultipartUpload")
        ),
    }


@pytest.mark.parametrize(
    ("role", "service"),
    [
        ("ApiRole", "lambda"),
        ("UploadRole", "lambda"),
        ("BackfillRole", "lambda"),
        ("BackfillMachineRole", "states"),
        ("CoilRole", "lambda"),
        ("CoilMachineRole", "states"),
        ("CoilRuleRole", "events"),
        ("ReleaseRole", "codedeploy"),
    ],
)
def test_each_role_is_taken_by_one_service(role: str, service: str) -> None:
    (statement,) = Resolved().resources[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


MUTATIONS: Final[list[Callable[[set[Permission]], set[Permission]]]] = [
    lambda grants: {grant for grant in grants if grant[0] != "s3:GetObjectVersion"},
    lambda grants: {*grants, ("s3:DeleteObject", "arn:aws:s3:::UploadsBucket/*")},
    lambda grants: {(a, w.replace("/scores/*", "/other/*")) for a, w in grants},
]


@pytest.mark.parametrize("mutated", MUTATIONS)
def test_a_missing_a_superfluous_and_a_misplaced_permission_are_found(
    recorder: Recorder, probe: Scorer, mutated: Callable[[set[Permission]], set[Permission]]
) -> None:
    needs = use_backfill(recorder, probe)
    grants = mutated(granted("BackfillRole"))
    with pytest.raises(AssertionError):
        check(grants, needs, platform("Backfill", "UploadsBucket", "ResultsBucket"))
