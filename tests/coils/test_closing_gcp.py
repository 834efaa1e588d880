"""A finished coil on Google Cloud: the job as Cloud Run runs it, on fake-gcs-server, and what starts it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner

import gcp_coil
from steel_defect.cli import main
from steel_defect.storage import Store, open_store
from tests.coils.drawn import MM_PER_PIXEL, PERIOD_MM, DrawnCoil
from tests.infra.gcp.export import bucket_environment
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.transports import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = count()
TABLE = b"area_bins_mm2 = [20, 40, 100]\n[grade.304]\nleft = [10, 4, 40, inf]\n"
JOB = "projects/p/locations/europe-west1/jobs/steel-defect-backfill"


class Google:
    """A server that stands for Pub/Sub's and for Cloud Run's REST interface: it keeps what it is asked."""

    def __init__(self) -> None:
        asked: list[tuple[str, Any]] = []
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Answer with the status that is to be had."""
                asked.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
                self.send_response(google.status)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.asked, self.status = asked, 200
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def google() -> Iterator[Google]:
    """It runs for a test."""
    server = Google()
    yield server
    server.server.shutdown()
    server.server.server_close()


class World:
    """Two buckets, and the job over them."""

    def __init__(self, emulator: Emulator, google: Google) -> None:
        number = next(_numbers)
        uploads, results = (make_gcs_bucket(emulator, f"coil-{name}-{number}") for name in ("uploads", "results"))
        self.uris = f"gs://{uploads}", f"gs://{results}"
        self.uploads: Store = open_store(self.uris[0])
        self.results: Store = open_store(self.uris[1])
        topic = {"PUBSUB_EMULATOR_HOST": google.host, "OUTCOME_TOPIC": "projects/p/topics/outcomes"}
        self.environment = {**emulator.environment, **bucket_environment(uploads, results), **topic}

    def run(self, key: str, **environment: str) -> tuple[int, dict[str, Any]]:
        """Its exit status, and the last line of its log."""
        done = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-m", "gcp_coil", key],
            cwd=FUNCTIONS,
            env={"PATH": os.environ["PATH"], **self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def report(self, coil: str) -> dict[str, Any]:
        """The report as JSON."""
        content = json.loads(self.results.get(f"coils/{coil}/report.json").data)
        assert isinstance(content, dict)
        return content


@pytest.fixture
def world(fake_gcs: Emulator, google: Google, monkeypatch: pytest.MonkeyPatch) -> World:
    """Nothing is uploaded yet."""
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    return World(fake_gcs, google)


def test_the_job_reports_on_the_coil_of_a_marker(world: World, google: Google, rolled: DrawnCoil, scored: Path) -> None:
    for name, data in rolled.pictures():
        world.uploads.put(f"line-3/4711/{name}", data)
    options = ["--model", str(scored / "model.onnx"), "--mm-per-pixel", str(MM_PER_PIXEL)]
    run = CliRunner().invoke(main, ["score", world.uris[0], "--results", world.uris[1], *options])
    assert run.exit_code == 0, run.output
    world.results.put("coils/acceptance.toml", TABLE)
    world.uploads.put("line-3/4711/coil.json", b'{"grade": "304", "pictures": 400}')
    status, line = world.run("line-3/4711/coil.json")
    assert (status, line["decision"]) == (0, "reject"), line
    content = world.report("4711")
    (period,) = content["periods"]
    assert period["period_mm"] == pytest.approx(PERIOD_MM, rel=0.02)
    assert period["roll_diameter_mm"] == pytest.approx(600, rel=0.02)
    assert (content["decision"], content["pictures"]["seen"]) == ("reject", 400)
    ((path, body),) = google.asked
    assert path == "/v1/projects/p/topics/outcomes:publish"
    (message,) = body["messages"]
    assert message["attributes"] == {"status": "judged", "decision": "reject"}
    told = json.loads(base64.b64decode(message["data"]))
    assert (told["coil"], told["report"]) == ("4711", f"{world.uris[1]}/coils/4711/report.html")
    assert world.results.head("coils/4711/report.html").size > 1000


def test_the_job_waits_no_longer_than_it_may(world: World) -> None:
    world.uploads.put("line-3/4712/1.jpg", b"no picture")
    world.uploads.put("line-3/4712/coil.json", b"")
    status, line = world.run("line-3/4712/coil.json", COIL_QUIET_SECONDS="1", COIL_LONGEST_SECONDS="3")
    assert (status, line["decision"]) == (0, "review")
    assert world.report("4712")["reasons"] == ["1 picture without a result"]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"{", "is not JSON"),
        (b'{"pictures": "many"}', "whole number"),
        (b'{"color": 1}', "and no more"),
        (None, "404"),
    ],
)
def test_a_marker_that_cannot_be_read_is_a_failed_task(world: World, data: bytes | None, complaint: str) -> None:
    if data is not None:
        world.uploads.put("line-3/4711/coil.json", data)
    status, line = world.run("line-3/4711/coil.json")
    assert (status, line["severity"]) == (1, "CRITICAL")
    assert complaint in line["message"]


def test_the_upload_function_starts_the_job_for_a_marker(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cloud Run has no emulator: a server keeps what it is asked, and nobody signs in."""
    monkeypatch.setattr(gcp_coil, "_RUN", f"http://{google.host}")
    monkeypatch.setattr(gcp_coil, "_session", requests.Session)
    gcp_coil.start(JOB, "line-3/4711/coil.json")
    overrides = {"containerOverrides": [{"args": ["-m", "gcp_coil", "line-3/4711/coil.json"]}], "taskCount": 1}
    assert google.asked == [(f"/v2/{JOB}:run", {"overrides": overrides})]
    google.status = 403
    with pytest.raises(gcp_coil.NotStarted, match="403"):
        gcp_coil.start(JOB, "line-3/4711/coil.json")
