"""What cloudbuild.yaml gives an instance is enough for as many of the worst pictures as it may get at once."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from steel_defect.http import Request
from tests.conftest import REPOSITORY
from tests.pictures import encoded
from tests.transports import CloudRun

PEAK = """
import re, sys
from steel_defect.pictures import open_picture
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from tests.pictures import strip_jpeg
scorer = Scorer(BUNDLED_MODEL)
scorer.score(strip_jpeg())
picture = sys.stdin.buffer.read()
peak = lambda: 1024 * int(re.findall(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[0])
before = peak()
scorer.score(picture)
with open_picture(picture, max_bytes=10**9, max_pixels=10**9) as source:
    print(source.memory, peak() - before)
"""


def largest_pictures() -> dict[str, bytes]:
    """Those of each format that take the most memory: as large as is accepted, in the mode that unfolds the most."""
    shades = np.tile(np.arange(8000) // 40 + 40, (5000, 1))
    gray = Image.fromarray(shades.astype(np.uint8))
    part = gray.crop((0, 0, 5000, 3000))
    return {
        "PNG, colour with transparency": encoded(Image.merge("RGBA", [gray] * 4), compress_level=1),
        "TIFF, 32-bit float": encoded(Image.fromarray(shades.astype(np.float32)), "TIFF", compression="tiff_deflate"),
        "TIFF, 32-bit": encoded(Image.fromarray(shades.astype(np.int32)), "TIFF", compression="tiff_deflate"),
        "WebP, lossless with transparency": encoded(Image.merge("RGBA", [part] * 4), "WEBP", lossless=True, method=0),
    }


def peak_bytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
def test_an_instance_bears_as_many_of_the_largest_pictures_as_it_may_get_at_once() -> None:
    build = (REPOSITORY / "cloudbuild.yaml").read_text(encoding="utf-8")
    ((gibibytes, at_once),) = re.findall(r"--memory=(\d+)Gi --concurrency=(\d+)", build)
    pictures = list(largest_pictures().values())
    requests = [Request("POST", "/predict", {}, {}, pictures[index % len(pictures)]) for index in range(int(at_once))]
    with CloudRun(environment={"MODEL_THREADS": "1"}) as server:
        with ThreadPoolExecutor(int(at_once)) as pool:
            answers = list(pool.map(server.send, requests))
        (worker,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        peak = peak_bytes(server.pid) + peak_bytes(int(worker))
    assert [answer.status for answer in answers] == [200] * int(at_once)
    print(f"peak of {at_once} pictures at once: {peak / 2**20:.0f} MiB of {int(gibibytes) * 1024}")  # noqa: T201 - the figure
    assert peak < 0.95 * int(gibibytes) * 2**30


def test_no_picture_takes_more_than_the_admission_holds_room_for() -> None:
    """Each alone, in a process of its own: the peak above what a small picture has taken before."""
    for name, picture in largest_pictures().items():
        run = subprocess.run([sys.executable, "-c", PEAK], input=picture, check=True, capture_output=True)  # noqa: S603 - ours
        held, peak = map(int, run.stdout.split())
        print(f"{name}: {peak / 1e6:.0f} MB of {held / 1e6:.0f}")  # noqa: T201 - the figure
        assert peak < held, name
