"""What the benchmark stands on: its stand-in, its quotas, Lambda's client, and the lines that it judges by."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from PIL import Image

from steel_defect import Decision, Model
from tests.benchmark.cold import lambda_start
from tests.benchmark.contenders import Contender
from tests.benchmark.day import camera_pages, clean_line
from tests.benchmark.plan import Plan
from tests.benchmark.quota import NoQuota, quota
from tests.benchmark.report import (
    AVX2,
    TARGETS,
    VNNI,
    Ratio,
    bulk_line,
    kind,
    ratios,
    stages_table,
    table,
    usd_for_a_million,
)
from tests.benchmark.seed.model import write_model
from tests.conftest import REPOSITORY, SAMPLES

# Is busy for a second of the clock, and says how much of it the processor gave.
SPEND = """
import time
began, used = time.perf_counter(), time.process_time()
while time.perf_counter() - began < 1: pass
print(time.process_time() - used)
"""
HANDLER = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"defect_prob": len(event["image"]) / 1e9})}
"""


def test_the_stand_in_has_the_weights_of_mobilenetv2_with_the_seeds_head(tmp_path: Path) -> None:
    write_model(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    sizes = {item.name: numpy_helper.to_array(item).size for item in model.graph.initializer}
    # 2,223,872 parameters of torchvision's features have 34,112 of batch normalisation; half of these become offsets.
    assert len(convolutions) == 52
    assert sum(sizes[name] for node in convolutions for name in node.input[1:]) == 2_223_872 - 34_112 // 2
    assert sizes[model.graph.node[-1].input[1]] == 512
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).normal(0, 1, (2, 3, 384, 384)).astype(np.float32)
    (logits,) = session.run(None, {"input": pixels})
    assert logits.shape == (2, 1)
    assert np.isfinite(logits).all()


def test_a_quota_holds_and_leaves_nothing_behind() -> None:
    try:
        with quota(0.25) as enter:
            command = ["sh", "-c", f'echo $$ > {enter}; exec "$@"', "-", sys.executable, "-c", SPEND]
            used = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - ours
    except NoQuota as error:
        pytest.skip(str(error))
    assert used < 0.45
    assert not enter.parent.exists()


@pytest.mark.skipif(importlib.util.find_spec("awslambdaric") is None, reason="awslambdaric is not installed")
def test_a_cold_start_ends_with_the_answer_that_lambdas_own_client_posts(tmp_path: Path) -> None:
    (tmp_path / "cold_handler.py").write_text(HANDLER)
    contender = Contender("ours", tmp_path, "cold_handler.handler", (), "MODEL_THREADS", "image/jpeg")
    plan = Plan((contender, contender), Path(sys.executable), SAMPLES, 1, tmp_path, {0})
    began = perf_counter()
    milliseconds = lambda_start(contender, plan, tmp_path, tmp_path)
    assert 10 < milliseconds <= 1e3 * (perf_counter() - began)
    with pytest.raises(RuntimeError, match="ours gave no answer"):
        lambda_start(replace(contender, handler="cold_handler.missing"), plan, tmp_path, tmp_path)


def test_a_ratio_is_judged_by_its_target() -> None:
    smaller = Ratio("x", "1 ms", "4 ms", 0.25, 0.2, 0.3, target=0.25)
    assert smaller.verdict == "held"
    assert replace(smaller, value=0.26).verdict == "missed"
    larger = replace(smaller, value=3.0, target=2.5, rate=True)
    assert larger.verdict == "held"
    assert replace(larger, value=2.4).verdict == "missed"
    assert replace(larger, target=None).verdict == ""
    assert "| x | 1 ms | 4 ms | **0.25** (0.20 to 0.30) | ≤ 0.25 | held |" in table([smaller])


@pytest.mark.parametrize(
    ("processor", "judged_as"),
    [
        ("AMD EPYC (avx2)", AVX2),
        ("Intel Xeon (avx2, avx512f, avx512_vnni)", VNNI),
        ("Intel Core (avx2, avx_vnni)", VNNI),
        ("aarch64 (asimddp)", "another"),
    ],
)
def test_results_are_kept_by_what_computes_int8(processor: str, judged_as: str) -> None:
    assert kind({"machine": {"processor": processor}}) == judged_as


def test_a_line_has_one_picture_in_fifty_that_does_not_pass_and_its_camera_pages_of_four(tmp_path: Path) -> None:
    line = clean_line(SAMPLES, tmp_path / "line")
    model = Model.load()
    assert [model.predict(path).decision is Decision.PASS for path in sorted(line.iterdir())] == [True] * 49 + [False]
    pages = sorted(camera_pages(line, tmp_path / "pages").iterdir())
    assert len(pages) == 50
    with Image.open(pages[-1]) as page:
        assert page.size == (4 * 1600, 256)
    assert model.predict(pages[-1]).decision is not Decision.PASS


def test_costs_are_those_of_the_price_list() -> None:
    # 100 ms at 1,769 MB: 0.1 x 1.7275 GB x 0.0000166667 USD, and 0.20 USD for a million requests.
    assert usd_for_a_million(100) == pytest.approx(0.2 + 2.8793, abs=1e-3)
    assert usd_for_a_million(100, in_a_call=16) == pytest.approx(0.0125 + 2.8793, abs=1e-3)


def test_every_target_is_in_the_table() -> None:
    both = {"ours": {"ms": [[1.0, 2.0]], "resident_mb": 50.0}, "seed": {"ms": [[4.0, 8.0]], "resident_mb": 100.0}}
    rates = {"ours": {"per_second": [90.0], "p99_ms": 5.0}, "seed": {"per_second": [20.0], "p99_ms": 9.0}}
    found = {
        "machine": {"processor": "AMD EPYC (avx2)"},
        "warm_one_thread": both,
        "pages": both,
        "quota": {"0.29": both, "1": both, "2": both},
        "batch": {"1": [[0.5]]},
        "cold_compiled": {"ours": [100.0], "seed": [200.0]},
        "cold_not_compiled": {"ours": [100.0], "seed": [200.0]},
        "server_start": {"ours": [100.0], "seed": [200.0]},
        "package_mb": {"ours": 50.0, "seed": 100.0},
        "load": {1: rates, 8: rates},
    }
    judged = {row.what: row.verdict for row in ratios(found) if row.target is not None}
    assert judged.keys() == TARGETS[AVX2].keys() == TARGETS[VNNI].keys()
    assert judged["requests a second, 8 clients"] == "held"


def test_the_readme_says_what_the_last_run_on_each_kind_of_machine_found() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    results = sorted((Path(__file__).parent / "results").glob("*.json"))
    assert results
    for path in results:
        found = json.loads(path.read_text(encoding="utf-8"))
        assert path.stem == kind(found).lower()
        assert table(ratios(found)) in readme
        assert stages_table(found) in readme
        assert bulk_line(found) in " ".join(readme.split())
