"""This project beside two peers' way of serving pictures, on the same ones, in turn, in one run.

    uv run --python 3.13 --group dev python -m tests.benchmark.peers --pictures FOLDER

BentoML serves the FastAPI stand-in's model over HTTP; anomalib answers with a PaDiM in process. Each gets an
environment of its own in the output folder, made by uv, and kept: the packages of anomalib take gigabytes. The load
comes from hey (Debian's package). Takes six minutes after that, on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmark.measure import machine
from tests.benchmark.peers import calls, serving
from tests.benchmark.peers.table import table
from tests.benchmark.plan import Plan
from tests.benchmark.report import kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmark.peers.table import Measure

PACKAGES: Final = {
    "BentoML": ("bentoml==1.4.40", "onnxruntime", "pillow", "numpy"),
    "anomalib": ("anomalib==2.7.0",),
}
_VERSIONS: Final = """
import json, platform, sys
from importlib.metadata import distributions
found = {one.name.lower(): one.version for one in distributions()}
asked = {name: found[name] for name in sys.argv[1:] if name in found}
print(json.dumps({"python": platform.python_version(), **asked}))
"""


def main() -> None:
    """Read the command line, measure, and report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmark.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pictures", type=Path, required=True, help="folder of JPEG files of your line")
    parser.add_argument("--rounds", type=int, default=5, help="how often each measurement is made (default: 5)")
    parser.add_argument("--output", type=Path, default=Path("runs/peers"), help="default: %(default)s")
    options = parser.parse_args()
    if not any(options.pictures.glob("*.jpg")):
        parser.error(f"there is no JPEG file (*.jpg) in {options.pictures}")
    work = options.output.resolve()
    work.mkdir(parents=True, exist_ok=True)
    pictures = work / "pictures"
    shutil.rmtree(pictures, ignore_errors=True)
    shutil.copytree(options.pictures, pictures, ignore=lambda _, names: [n for n in names if not n.endswith(".jpg")])
    environments = {name: work / f"{name.lower()}-environment" for name in PACKAGES}
    both = serving.contenders(environments["BentoML"], work / "bentoml")
    plan = Plan(both, Path(sys.executable), pictures, options.rounds, work, os.sched_getaffinity(0))
    measured: dict[str, Callable[[], list[Measure]]] = {
        "BentoML": lambda: serving.measure(plan),
        "anomalib": lambda: calls.measure(plan, environments["anomalib"], work / "anomalib"),
    }
    found: dict[str, Any] = {"machine": machine(plan), "peers": {}}
    tables = []
    for name, measures in measured.items():
        try:
            _say(f"{name}: its environment")
            versions = build(environments[name], PACKAGES[name])
            _say(f"{name}: measuring")
            rows = measures()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            _say(f"{name} is left out: {error}")
            continue
        found["peers"][name] = {"versions": versions, "measures": [row.rounded() for row in rows]}
        tables.append(table(f"{name} {versions[name.lower()]}", rows))
    (work / f"{kind(found).lower()}.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    sys.stdout.write("\n\n".join(tables) + "\n")
    if not tables:
        raise SystemExit(1)


def build(folder: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Make a virtual environment with packages, unless it is there.

    Returns:
        The versions of its Python and of what decides about time.

    Raises:
        OSError: no uv.
        subprocess.CalledProcessError: uv failed, and has said why.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        uv = os.environ.get("UV") or shutil.which("uv") or "uv"
        try:
            make = [uv, "venv", "--quiet", "--no-config", "--python", sys.executable, str(folder)]
            subprocess.run(make, check=True)  # noqa: S603 - our own
            install = [uv, "pip", "install", "--quiet", "--no-config", "--python", str(python), *packages]
            subprocess.run(install, check=True)  # noqa: S603 - our own
        except subprocess.CalledProcessError:
            shutil.rmtree(folder, ignore_errors=True)  # Else the next run would take it for a whole one.
            raise
    ask = [str(python), "-c", _VERSIONS, "bentoml", "anomalib", "onnxruntime", "torch", "numpy", "pillow"]
    done = subprocess.run(ask, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return dict(json.loads(done.stdout))


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
