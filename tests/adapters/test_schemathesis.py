"""schemathesis makes requests of openapi.json, good and bad ones, and the running function answers them as it says.

Every operation is asked, those of uploads with buckets behind them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import steel_defect
from tests.conftest import REPOSITORY
from tests.servers.emulators import Emulator, make_gcs_bucket
from tests.servers.google_account import key_file, make_key
from tests.transports import CloudRun

if TYPE_CHECKING:
    from collections.abc import Iterator


DOCUMENT: Final = Path(steel_defect.__file__).parent / "openapi.json"
CHECKS: Final = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
EXAMPLES: Final = 10  # For each operation, beside those at the limits of each parameter.
SECONDS: Final = 120


@pytest.fixture(scope="module")
def function(fake_gcs: Emulator, probe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudRun]:
    """functions-framework with everything configured."""
    for name in ("any-uploads", "any-results"):
        make_gcs_bucket(fake_gcs, name)
    settings = {
        "UPLOADS_URI": "gs://any-uploads",
        "RESULTS_URI": "gs://any-results",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file(tmp_path_factory.mktemp("account"), make_key())),
    }
    with CloudRun(model=probe_file, environment={**fake_gcs.environment, **settings}) as server:
        yield server


def run(
    function: CloudRun, document: Path, folder: Path
) -> tuple[subprocess.CompletedProcess[str], dict[str, set[int]]]:
    """How it went, and the statuses that each operation answered."""
    report = folder / "report.ndjson"
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", str(document), "--url", f"http://127.0.0.1:{function.port}"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
        *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--no-color", "--warnings", "off"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.adapters.schemathesis_hooks", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=folder,
        env={**os.environ, **hooks},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    statuses: dict[str, set[int]] = defaultdict(set)
    for line in report.read_text(encoding="utf-8").splitlines():
        event: dict[str, Any] = json.loads(line)
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for interaction in recorder.get("interactions", {}).values():
            statuses[recorder["label"]].add(interaction["response"]["status_code"])
    return done, statuses


def test_every_answer_is_one_that_the_document_knows(function: CloudRun, tmp_path: Path) -> None:
    done, statuses = run(function, DOCUMENT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    assert set(statuses) == {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    assert statuses["POST /predict"] >= {200, 400, 422}
    assert statuses["POST /uploads"] >= {201, 400}
    assert 404 in statuses["GET /results/{key}"]


def test_an_answer_that_the_document_does_not_know_is_found(function: CloudRun, tmp_path: Path) -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    del document["components"]["schemas"]["Health"]["properties"]["status"]["const"]
    document["components"]["schemas"]["Health"]["properties"]["status"]["enum"] = ["well"]
    document["paths"] = {"/health": document["paths"]["/health"]}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    done, _ = run(function, tmp_path / "openapi.json", tmp_path)
    assert done.returncode == 1
    assert "Response violates schema" in done.stdout
