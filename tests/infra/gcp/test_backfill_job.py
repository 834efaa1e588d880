"""The Cloud Run job as its tasks run: separate processes, on fake-gcs-server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.storage import Store, open_store
from steel_defect.uploads.backfill import Share
from steel_defect.uploads.results import result_key
from tests.infra.gcp.export import Export, bucket_environment
from tests.pictures import strip_jpeg
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.transports import FUNCTIONS

if TYPE_CHECKING:
    from pathlib import Path

_numbers = count()
PICTURES = [f"line {index % 3}/{index:03} ä.jpg" for index in range(60)]


@dataclass(frozen=True)
class Job:
    """The job over two buckets of its own."""

    uploads: Store
    results: Store
    environment: dict[str, str]

    def start(self, task: int, tasks: int, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        place = {"CLOUD_RUN_TASK_INDEX": str(task), "CLOUD_RUN_TASK_COUNT": str(tasks)}
        return subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-m", "gcp_backfill", *arguments],
            cwd=FUNCTIONS,
            env={"PATH": os.environ["PATH"], **self.environment, **place, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def result(self, key: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.results.get(result_key(key)).data)


def ended(task: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]]]:
    """Its exit status and the lines of its log."""
    output, _ = task.communicate(timeout=120)
    return task.returncode, [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def figures(lines: list[dict[str, Any]]) -> dict[str, int]:
    """The counts in the last line, which names the model."""
    assert lines[-1]["model"]["name"] == "probe"
    return {name: value for name, value in lines[-1].items() if name not in {"severity", "message", "model"}}


@pytest.fixture
def job(fake_gcs: Emulator, monkeypatch: pytest.MonkeyPatch, probe_file: Path) -> Job:
    """60 objects in the bucket of uploads, two of which are no pictures."""
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    number = next(_numbers)
    uploads, results = (make_gcs_bucket(fake_gcs, f"job-{name}-{number}") for name in ("uploads", "results"))
    store, picture = open_store(f"gs://{uploads}"), strip_jpeg()
    for key in PICTURES:
        store.put(key, picture)
    for key in PICTURES[:2]:
        store.put(key, b"no picture")
    environment = {**fake_gcs.environment, **bucket_environment(uploads, results), "MODEL_URI": str(probe_file)}
    return Job(store, open_store(f"gs://{results}"), environment)


def test_tasks_together_score_each_object_exactly_once(job: Job) -> None:
    ends = [ended(task) for task in [job.start(task, 3) for task in range(3)]]
    assert [status for status, _ in ends] == [0, 0, 0], ends
    counts = [figures(lines) for _, lines in ends]
    assert all(set(found) <= {"scored", "failed"} for found in counts), (
        "a duplicate shows that two tasks had one object"
    )
    assert sum(found.get("scored", 0) for found in counts) == 58
    assert sum(found.get("failed", 0) for found in counts) == 2
    assert all(sum(found.values()) >= 10 for found in counts), counts
    assert {info.key for info in job.results.list()} == {result_key(key) for key in PICTURES}


def test_only_what_is_below_the_prefix_is_scored(job: Job) -> None:
    status, lines = ended(job.start(0, 1, "line 1/"))
    assert (status, figures(lines)) == (0, {"scored": 19, "failed": 1})
    assert {info.key for info in job.results.list()} == {result_key(key) for key in PICTURES if key[5] == "1"}


def test_a_task_that_was_killed_goes_on_where_it_was(job: Job) -> None:
    task = job.start(0, 1)
    deadline = time.monotonic() + 60
    while not any(job.results.list()) and time.monotonic() < deadline:
        time.sleep(0.01)
    task.kill()
    ended(task)
    done = sum(1 for _ in job.results.list())
    assert 0 < done < len(PICTURES)
    status, lines = ended(job.start(0, 1))
    found = figures(lines)
    assert (status, found["duplicate"], sum(found.values())) == (0, done, 60)


def test_a_store_that_fails_is_a_failed_task_that_says_of_which_object(job: Job) -> None:
    status, lines = ended(job.start(0, 1, "line 1/001", RESULTS_URI="gs://no-such-bucket"))
    assert (status, figures(lines)) == (1, {"error": 1})
    assert lines[0]["severity"] == "ERROR"
    assert lines[0]["message"].startswith(f"{job.environment['UPLOADS_URI']}/line 1/001 ä.jpg: ")


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "2"}, "there is no task 2 of 2"),
        ({"CLOUD_RUN_TASK_INDEX": "first"}, "CLOUD_RUN_TASK_INDEX is 'first'"),
        ({"UPLOADS_URI": "", "RESULTS_URI": ""}, "set UPLOADS_URI and RESULTS_URI"),
        ({"MODEL_URI": "gs://no-such-bucket/models/strip"}, "no-such-bucket"),
    ],
)
def test_what_is_wrong_with_the_job_is_said_and_nothing_is_written(
    job: Job, environment: dict[str, str], complaint: str
) -> None:
    status, lines = ended(job.start(0, 1, **environment))
    assert (status, lines[-1]["severity"]) == (1, "CRITICAL")
    assert complaint in lines[-1]["message"]
    assert not any(job.results.list())


def test_the_job_needs_only_the_requirements(job: Job, export: Export) -> None:
    command = [str(export.python), "-m", "gcp_backfill", "line 2/"]
    run = subprocess.run(  # noqa: S603 - our own code
        command, cwd=FUNCTIONS, env=job.environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert figures([json.loads(run.stdout)]) == {"scored": 20}


def test_shares_are_about_even() -> None:
    keys = [f"line-3/2026/11/22/{index:06}.jpg" for index in range(10_000)]
    sizes = [sum(Share(task, 10).has(key) for key in keys) for task in range(10)]
    assert sum(sizes) == len(keys)
    assert min(sizes) > 900
    assert max(sizes) < 1100
