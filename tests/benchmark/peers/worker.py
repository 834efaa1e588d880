"""Runs in a process of its own, with this project's model: predicts as it is told to, and says how long.

    python -m tests.benchmark.peers.worker REPLY_FD FOLDER

One JSON request a line comes by standard input, {"calls": N}; one JSON reply a line goes to the file descriptor.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from tests.benchmark.worker import resident_mb

if TYPE_CHECKING:
    from collections.abc import Callable


def answer(predict: Callable[[Path], object], reply_to: int, folder: Path) -> None:
    """Answer requests until there are none.

    Args:
        predict: scores the picture of a file.
        reply_to: file descriptor of the replies.
        folder: of the pictures, and of nothing else.
    """
    pictures, place = sorted(folder.iterdir()), 0
    with os.fdopen(reply_to, "w", encoding="utf-8") as replies:
        for line in sys.stdin:
            times: list[float] = []
            for _ in range(json.loads(line)["calls"]):
                picture = pictures[place % len(pictures)]
                place += 1
                began = perf_counter()
                predict(picture)
                times.append(1e3 * (perf_counter() - began))
            replies.write(json.dumps({"ms": times, "resident_mb": resident_mb()}) + "\n")
            replies.flush()


def main() -> None:
    """Answer with this project's model."""
    from steel_defect import Model  # noqa: PLC0415 - the peer's environment, which imports `answer`, does not have it

    model = Model.load(threads=1)
    answer(lambda picture: model.predict(picture.read_bytes()), int(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
