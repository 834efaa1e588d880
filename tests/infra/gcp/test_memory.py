"""What cloudbuild.yaml gives an instance is enough for as many of the worst pictures as it may get at once."""

from __future__ import annotations

import io
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from steel_defect.http import Request
from tests.conftest import REPOSITORY
from tests.transports import CloudRun


def largest_picture() -> bytes:
    """40 million pixels, the most that is accepted, in the mode that takes most memory: colour with transparency."""
    gray = Image.fromarray(np.tile(np.arange(8000, dtype=np.uint8), (5000, 1)))
    data = io.BytesIO()
    Image.merge("RGBA", [gray] * 4).save(data, "PNG", compress_level=1)
    return data.getvalue()


def peak_bytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
def test_an_instance_bears_as_many_of_the_largest_pictures_as_it_may_get_at_once() -> None:
    build = (REPOSITORY / "cloudbuild.yaml").read_text(encoding="utf-8")
    ((gibibytes, at_once),) = re.findall(r"--memory=(\d+)Gi --concurrency=(\d+)", build)
    request = Request("POST", "/predict", {"content-type": "image/png"}, {}, largest_picture())
    with CloudRun(environment={"MODEL_THREADS": "1"}) as server:
        with ThreadPoolExecutor(int(at_once)) as pool:
            answers = list(pool.map(server.send, [request] * int(at_once)))
        (worker,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        peak = peak_bytes(server.pid) + peak_bytes(int(worker))
    assert {answer.status for answer in answers} == {200}
    print(f"peak of {at_once} pictures at once: {peak / 2**20:.0f} MiB of {int(gibibytes) * 1024}")  # noqa: T201 - the figure
    assert peak < 0.95 * int(gibibytes) * 2**30
