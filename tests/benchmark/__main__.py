"""This project beside a stand-in of the seed project's service, on the same pictures, in turn, in one run.

    uv run --python 3.13 --group dev --group benchmark python -m tests.benchmark

Takes a quarter of an hour, on a machine that does nothing else. Control groups need root; without, the measurements
with a share of the processors are left out. The load comes from hey (Debian's package).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.benchmark import measure, report
from tests.benchmark.contenders import build
from tests.benchmark.plan import Plan
from tests.benchmark.plot import plot
from tests.conftest import SAMPLES


def main() -> None:
    """Read the command line, measure, and report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pictures", type=Path, default=SAMPLES, help="folder of JPEG files of your line (default: the drawn samples)"
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often each measurement is made (default: 7)")
    parser.add_argument("--output", type=Path, default=Path("runs/benchmark"), help="default: %(default)s")
    options = parser.parse_args()
    if not any(options.pictures.glob("*.jpg")):
        parser.error(f"there is no JPEG file (*.jpg) in {options.pictures}")
    work = options.output.resolve()
    work.mkdir(parents=True, exist_ok=True)
    python = measure.python_for(work)
    pictures = work / "pictures"
    shutil.rmtree(pictures, ignore_errors=True)
    shutil.copytree(options.pictures, pictures, ignore=lambda _, names: [n for n in names if not n.endswith(".jpg")])
    sys.stderr.write("building both packages\n")
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    plan = Plan(build(work, python, architecture), python, pictures, options.rounds, work, os.sched_getaffinity(0))
    found = measure.measure(plan)
    name = report.kind(found).lower()
    (work / f"{name}.json").write_text(json.dumps(rounded(found)) + "\n", encoding="utf-8")
    rows = report.ratios(found)
    tables = "\n\n".join((report.table(rows), report.stages_table(found), report.bulk_line(found))) + "\n"
    (work / "benchmark.md").write_text(tables, encoding="utf-8")
    plot(rows, work / f"{name}.svg")
    sys.stdout.write(tables)
    if any(row.verdict == "missed" for row in rows):
        raise SystemExit(1)


def rounded(found: Any) -> Any:  # noqa: ANN401 - JSON
    """The same with three decimals, which is more than any of it tells."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return round(found, 3) if isinstance(found, float) else found


if __name__ == "__main__":
    main()
