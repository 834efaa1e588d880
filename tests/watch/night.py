"""As many pictures as a line takes in a night, one after the other, and what memory they take.

python -m tests.watch.night COUNT FOLDER: through the real command and the bundled model; pictures are removed when they
have their result, as a camera's own housekeeping does.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from tests.conftest import SAMPLES
from tests.watch.line import Line

_AHEAD = 200


def memory(pid: int) -> tuple[int, int]:
    """The largest resident memory so far, and the present one, in kB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = dict(re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", status))
    return int(found["VmHWM"]), int(found["VmRSS"])


def feed(line: Line, count: int, report_every: int) -> list[tuple[int, int]]:
    """Give the line so many pictures, and the memory it takes after each `report_every` of them."""
    samples = [path.read_bytes() for path in sorted(SAMPLES.glob("*.jpg"))]
    results = line.folder / "results" / "scores"
    seen, oldest = [], 0
    for number in range(count):
        # A comment behind the picture makes each another one.
        name = f"{number:06}.jpg"
        (line.folder / f"{name}.part").write_bytes(samples[number % len(samples)])
        (line.folder / f"{name}.part").rename(line.folder / name)
        while number - oldest >= _AHEAD or (number == count - 1 and oldest < count):
            if not (results / f"{oldest:06}.jpg.json").exists():
                time.sleep(0.01)
                continue
            (line.folder / f"{oldest:06}.jpg").unlink()
            oldest += 1
            if oldest % report_every == 0:
                seen.append(memory(line.pid))
    return seen


if __name__ == "__main__":
    place = Path(sys.argv[2])
    place.mkdir()
    with Line(place) as started:
        began = time.monotonic()
        for most, now in feed(started, int(sys.argv[1]), 500):
            print(most, now)  # noqa: T201 - its report
        print(f"{time.monotonic() - began:.0f} s", started.status())  # noqa: T201 - as above
