"""What the comparison with peers stands on: its table, the form that it posts, and how it counts memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from multipart import MultipartParser, parse_options_header

from tests.benchmark.peers.serving import contenders, memory_below_mb, multipart_body
from tests.benchmark.peers.table import Measure, table
from tests.benchmark.report import kind
from tests.conftest import REPOSITORY, SAMPLES

# A process with a child that holds 100 MB; both wait until they are told to end.
HOLD = """
import subprocess, sys
child = "held = b'x' * 100_000_000; print('ready', flush=True); input()"
subprocess.run([sys.executable, "-c", child], check=True)
"""


def test_the_table_has_medians_and_the_ratios_of_the_rounds() -> None:
    warm = Measure("warm call", "ms", [2.0, 3.0, 4.0], [20.0, 60.0, 100.0])
    rate = Measure("requests a second", "/s", [1500.0], [300.0])
    assert table("peer 1.0", [warm, rate]).splitlines() == [
        "| | this project | peer 1.0 | ratio |",
        "|---|---:|---:|---:|",
        "| warm call | 3.00 ms | 60.0 ms | **0.05** (0.04 to 0.10) |",
        "| requests a second | 1,500 /s | 300 /s | **5.00** |",
    ]


def test_a_parser_reads_the_picture_back_from_the_form(tmp_path: Path) -> None:
    picture = min(SAMPLES.glob("*.jpg")).read_bytes()
    _, bentoml = contenders(tmp_path / "environment", tmp_path / "bentoml")
    kind, options = parse_options_header(bentoml.content_type)
    body = multipart_body(picture)
    assert bentoml.body(picture) == body
    (part,) = MultipartParser(BytesIO(body), options["boundary"], len(body), strict=True).parts()
    assert (kind, part.name, part.content_type) == ("multipart/form-data", "image", "image/jpeg")
    assert part.raw == picture


def test_the_readme_says_what_the_last_run_found() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (result,) = (Path(__file__).parent / "results").glob("*.json")
    found = json.loads(result.read_text(encoding="utf-8"))
    assert result.stem == kind(found).lower()
    for name, peer in found["peers"].items():
        measures = [Measure(**measure) for measure in peer["measures"]]
        assert table(f"{name} {peer['versions'][name.lower()]}", measures) in readme


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_memory_of_what_a_process_started_counts_its_child() -> None:
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        child = memory_below_mb(process.pid)
        both = memory_below_mb(os.getpid())
        process.communicate("\n")
    assert 100 < child < both
    assert memory_below_mb(process.pid) == 0
