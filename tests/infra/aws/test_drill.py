"""The form for production, from its first deployment to its last bucket.

test_deployment.py has the same for development, and its later parameters. MiniStack checks signatures and policies; it
moves traffic at once, since it has no CodeDeploy. test_jwt.py has the endpoint that asks for tokens.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

import pytest

from steel_defect.uploads.results import result_key
from tests.conftest import REPOSITORY
from tests.infra.aws.conftest import REGION, STACKS, client, deploy, deployed, sam
from tests.infra.aws.test_deployment import finished, put, report_lines, request, result, trusted
from tests.pictures import strip_jpeg
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.emulators import Emulator

pytestmark = pytest.mark.xdist_group("sam")
BUCKETS = ("Uploads", "Results", "Models")


def test_production_is_deployed_used_changed_and_removed(build: Path, cloud: Emulator) -> None:
    found = deploy(build, cloud, stage="prod")
    assert found["StackStatus"] == "CREATE_COMPLETE"
    stack = deployed(cloud, found)

    put(stack, "line 3/0815.jpg", strip_jpeg())
    first = wait_for(partial(result, stack, "line 3/0815.jpg"))
    assert first["status"] == "scored"

    assert request(stack, "POST", "/predict", strip_jpeg(), signed=False)[0] == 403
    status, answer = request(stack, "POST", "/predict", strip_jpeg())
    assert (status, answer["defect_prob"]) == (200, first["defect_prob"])
    assert request(stack, "GET", "/model")[1]["decision_from"] == "model"

    body = json.dumps({"name": "strip.jpg", "content_type": "image/jpeg", "size": len(strip_jpeg())}).encode()
    assert request(stack, "POST", "/uploads", body, signed=False)[0] == 403
    signed = request(stack, "POST", "/uploads", body)[1]
    sent = urllib.request.Request(signed["url"], strip_jpeg(), signed["headers"], method="PUT")  # noqa: S310 - ours
    urllib.request.urlopen(sent, timeout=60, context=trusted(stack)).close()  # noqa: S310 - as above
    wait_for(lambda: request(stack, "GET", f"/results/{signed['key']}")[0] == 200)

    # Everything is rejected from now on: what is asked for, what is put into the bucket, and what a backfill scores.
    decision = ["Threshold=0", "ReviewLow=0", "ReviewHigh=0"]
    changed = deploy(build, cloud, "--parameter-overrides", "Release=Canary10Percent5Minutes", *decision, stage="prod")
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    said = request(stack, "GET", "/model")[1]
    assert (said["threshold"], said["review_low"], said["review_high"], said["decision_from"]) == (0, 0, 0, "settings")
    assert request(stack, "POST", "/predict", strip_jpeg())[1]["decision"] == "reject"
    put(stack, "line 3/0816.jpg", strip_jpeg())
    assert wait_for(partial(result, stack, "line 3/0816.jpg"))["decision"] == "reject"

    s3, machine = stack.client("s3"), stack.client("stepfunctions")
    s3.delete_object(Bucket=stack.outputs["Results"], Key=result_key("line 3/0815.jpg"))
    started = machine.start_execution(
        stateMachineArn=stack.outputs["Backfill"], input=json.dumps({"prefix": "line 3/"})
    )["executionArn"]
    done = wait_for(partial(finished, machine, started))
    assert done["status"] == "SUCCEEDED", done
    (line,) = report_lines(s3, json.loads(done["output"])["ResultWriterDetails"])
    assert line["outcomes"] == {"scored": 1, "duplicate": 1}
    again = result(stack, "line 3/0815.jpg")
    assert again is not None
    assert (again["decision"], again["defect_prob"]) == ("reject", first["defect_prob"])

    removed(cloud, [stack.outputs[name] for name in BUCKETS])


def removed(cloud: Emulator, buckets: list[str]) -> None:
    """Remove the stack, and then the buckets that it leaves behind."""
    sam("delete", "--stack-name", STACKS["prod"], "--region", REGION, "--no-prompts", environment=cloud.environment)
    s3 = client(cloud, "s3")
    left = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert set(buckets) <= left
    program = str(REPOSITORY / "infra" / "aws" / "empty.py")
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, program, *buckets, "--yes"], env=cloud.environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert not {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} & set(buckets)
    functions = client(cloud, "lambda").list_functions()["Functions"]
    assert not [found for found in functions if found["FunctionName"].startswith(f"{STACKS['prod']}-ApiFunction")]
