"""All measurements, in one run: what the report is made of."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.benchmark import bulk, cold, load, warm
from tests.benchmark.day import camera_pages, clean_line
from tests.benchmark.quota import NoQuota

if TYPE_CHECKING:
    from tests.benchmark.contenders import Contender
    from tests.benchmark.plan import Plan

# Of 512, 1,769 and 3,538 MB of Lambda's memory.
QUOTAS: Final = (0.29, 1.0, 2.0)
BATCH: Final = 16


def measure(plan: Plan) -> dict[str, Any]:
    """Everything, in milliseconds, MB and pictures a second; lists hold what each round gave."""
    found: dict[str, Any] = {"machine": machine(plan)}
    _say("sizes of the packages")
    found["package_mb"] = {contender.name: _size_mb(contender) for contender in plan.contenders}
    _say("warm calls on one thread")
    line = replace(plan, pictures=clean_line(plan.pictures, plan.work / "line"))
    found["warm_one_thread"] = warm.calls(line, threads=1, count=40)
    found["stages"] = warm.stages(line)
    pages = replace(plan, pictures=camera_pages(line.pictures, plan.work / "pages"))
    found["pages"] = warm.calls(pages, threads=1, count=10)
    found["quota"], found["batch"] = {}, {}
    for share in QUOTAS:
        _say(f"warm calls with {share:g} vCPU")
        try:
            found["quota"][f"{share:g}"] = warm.calls(plan, processors=share, count=30)
            found["batch"][f"{share:g}"] = warm.batches(plan, processors=share, size=BATCH, count=3)
        except NoQuota as error:
            _say(f"left out: {error}")
            break
    for name, compiled in (("cold_compiled", True), ("cold_not_compiled", False)):
        _say(f"cold starts{'' if compiled else ' without .pyc files'}")
        found[name] = cold.starts(plan, compiled=compiled)
    _say("first answers over HTTP")
    found["server_start"] = cold.server_starts(plan)
    _say("requests over HTTP")
    found["load"] = load.load(plan)
    _say("a folder of pictures")
    found["bulk"] = bulk.bulk(plan)
    return found


def machine(plan: Plan) -> dict[str, Any]:
    """What it was measured on."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": _processor(),
        "processors": len(plan.processors),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "pictures": len(list(plan.pictures.iterdir())),
        "rounds": plan.rounds,
    }


def _processor() -> str:
    """Its name, and which of the instructions that int8 gains by it has."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    name = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")
    words = set(text.split())
    known = [flag for flag in ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp") if flag in words]
    return f"{name or platform.machine()} ({', '.join(known)})"


def _size_mb(contender: Contender) -> float:
    return sum(path.stat().st_size for path in contender.folder.rglob("*") if path.is_file()) / 1e6


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


def python_for(folder: Path) -> Path:
    """The interpreter below this one's environment: it sees no package but those it is given.

    Raises:
        SystemExit: it is not Lambda's version.
    """
    if not platform.python_version().startswith("3.13."):
        message = f"the benchmark runs what Lambda runs, so with its Python 3.13, not {platform.python_version()}"
        raise SystemExit(message)
    found = folder / "python"
    if not found.is_dir():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(found)], check=True)  # noqa: S603 - our own
    return found / "bin" / "python"
