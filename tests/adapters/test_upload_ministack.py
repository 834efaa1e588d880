"""The whole way on AWS: a PUT into a bucket, its notification, the queue, the deployed function, the result.

MiniStack runs the function's zip file with the interpreter that runs MiniStack, so that what the function imports comes
from this environment. Its queue really retries and dead-letters.
"""

from __future__ import annotations

from functools import partial

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from tests.pictures import strip_jpeg
from tests.servers.deployment import Deployment
from tests.servers.emulators import Emulator, make_s3_bucket
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def _environment(ministack: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("eventbridge", [False, True])
def test_a_picture_in_the_bucket_yields_its_result_and_a_non_picture_its_reason(
    ministack: Emulator, *, eventbridge: bool
) -> None:
    deployed = Deployment(ministack, f"whole-{'bridge' if eventbridge else 'queue'}", eventbridge=eventbridge)
    version = deployed.put("line 3/a+b 100%.jpg", strip_jpeg())
    deployed.put("notes.jpg", b"no picture")
    scored = wait_for(lambda: deployed.result("line 3/a+b 100%.jpg"))
    assert scored["status"] == "scored"
    assert scored["source"]["version"] == version is not None
    assert scored["decision"] in {"pass", "review", "reject"}
    assert wait_for(lambda: deployed.result("notes.jpg"))["problem"]["type"].endswith("not-an-image")
    deployed.put("line 3/a+b 100%.jpg", b"overwritten")
    wait_for(lambda: (deployed.result("line 3/a+b 100%.jpg") or {})["status"] == "failed")
    assert deployed.dead_letters() == 0


def test_a_failing_store_ends_in_the_dead_letter_queue_and_a_redrive_finishes_it(ministack: Emulator) -> None:
    deployed = Deployment(ministack, "redriven", eventbridge=False, results_exist=False, visibility_seconds=5)
    for index in range(3):
        deployed.put(f"{index}.jpg", strip_jpeg())
    wait_for(lambda: deployed.dead_letters() == 3)
    # From now on a message is seen once: hidden for so short a time, it would come again while it is worked on.
    deployed.sqs.set_queue_attributes(QueueUrl=deployed.queue, Attributes={"VisibilityTimeout": "300"})
    make_s3_bucket(ministack, deployed.results)
    run = CliRunner().invoke(main, ["redrive", "--from", deployed.dead, "--to", deployed.queue])
    assert run.exit_code == 0, run.output
    # At least: a queue may have a message twice.
    assert int(run.output.split()[0]) >= 3
    for index in range(3):
        assert wait_for(partial(deployed.result, f"{index}.jpg"))["status"] == "scored"
    wait_for(lambda: deployed.dead_letters() == 0)
