"""The Cloud Run function through the real functions-framework server."""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from steel_defect.http import Request
from tests.pictures import strip_jpeg
from tests.requests_table import predict
from tests.transports import STOP_SECONDS, CloudRun


def test_a_missing_model_is_a_503_until_it_is_there(tmp_path: Path, probe_file: Path) -> None:
    model = tmp_path / "late.onnx"
    with CloudRun(model=model) as server:
        for request in (predict(strip_jpeg()), Request("GET", "/health"), Request("GET", "/model")):
            answer = server.send(request)
            assert answer.status == 503
            assert json.loads(answer.body)["type"].endswith("model-unavailable")
        model.write_bytes(probe_file.read_bytes())
        assert server.send(predict(strip_jpeg())).status == 200


def test_many_clients_at_once(cloud_run: CloudRun) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(cloud_run.send, [predict(strip_jpeg())] * 64))
    assert {answer.status for answer in answers} == {200}
    assert len({json.loads(answer.body)["defect_prob"] for answer in answers}) == 1


def test_a_head_request_has_no_body(cloud_run: CloudRun) -> None:
    answer = cloud_run.send(Request("HEAD", "/health"))
    assert (answer.status, answer.body) == (200, "")


def test_a_body_without_a_stated_length_is_limited_too(cloud_run: CloudRun) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud_run.port, timeout=30)
    chunks = (bytes(65_536) for _ in range(64))
    connection.request("POST", "/predict", chunks, {"content-type": "image/jpeg"}, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["type"].endswith("too-many-bytes")
    connection.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
def test_an_endless_body_takes_no_memory(probe_file: Path) -> None:
    with CloudRun(model=probe_file) as server:
        server.send(predict(strip_jpeg()))
        (worker,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        before = peak_megabytes(worker)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        chunks = (bytes(1_000_000) for _ in range(200))
        connection.request("POST", "/predict", chunks, {"content-type": "image/jpeg"}, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert peak_megabytes(worker) - before < 50


def peak_megabytes(process: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1000


def test_it_stops_at_once_when_told_to(probe_file: Path) -> None:
    """ONNX Runtime's threads do not survive a fork: loaded before the server forks its worker, it hangs at the end."""
    with CloudRun(model=probe_file, environment={"MODEL_THREADS": "2"}) as server:
        assert server.send(predict(strip_jpeg())).status == 200
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < STOP_SECONDS / 2
        assert "terminate called" not in server.output()
