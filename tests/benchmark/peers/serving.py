"""Both as servers: the start, the load of `hey`, and the memory, in turn."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tests.benchmark.cold import server
from tests.benchmark.contenders import Contender
from tests.benchmark.load import CLIENTS
from tests.benchmark.peers.table import Measure
from tests.benchmark.seed.model import write_model
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from tests.benchmark.plan import Plan

_SECONDS: Final = 5
_BOUNDARY: Final = "steel-defect-benchmark"
_SERVICE: Final = Path(__file__).with_name("bentoml_service.py")


@dataclass(frozen=True)
class BentoMl(Contender):
    """The service of `bentoml_service.py`."""

    def environment(self, *, threads: int | None = None, **more: str) -> dict[str, str]:
        """It keeps its files in the folder, and tells nobody that it runs."""
        home = {"BENTOML_HOME": str(self.folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}
        return super().environment(threads=threads, **home, **more)

    def body(self, picture: bytes) -> bytes:
        """A form, which is how BentoML takes a picture."""
        return multipart_body(picture)


def multipart_body(picture: bytes) -> bytes:
    """A form with the picture as the file `image`."""
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="image"; filename="picture.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + picture + f"\r\n--{_BOUNDARY}--\r\n".encode()


def contenders(environment: Path, folder: Path) -> tuple[Contender, Contender]:
    """This project's server of Cloud Run, and BentoML's.

    Args:
        environment: the virtual environment that BentoML is in.
        folder: gets the service and its model.
    """
    folder.mkdir(exist_ok=True)
    shutil.copyfile(_SERVICE, folder / _SERVICE.name)
    write_model(folder / "model.onnx")
    functions = REPOSITORY / "functions"
    framework = f"{sys.executable} -m functions_framework --target=api --host=127.0.0.1 --port={{port}}"
    serve = f"{environment / 'bin' / 'bentoml'} serve bentoml_service:SteelDefect --host=127.0.0.1 --port={{port}}"
    return (
        Contender(
            "ours",
            functions,
            "",
            (*framework.split(), f"--source={functions / 'main.py'}"),
            "MODEL_THREADS",
            "image/jpeg",
        ),
        BentoMl("bentoml", folder, "", tuple(serve.split()), "", f"multipart/form-data; boundary={_BOUNDARY}"),
    )


def measure(plan: Plan) -> list[Measure]:
    """Each server alone, started anew in each round, with all processors and its own settings.

    Raises:
        RuntimeError: no `hey` (Debian has it), or a request failed.
    """
    for contender in plan.contenders:
        with server(contender, plan):
            pass  # The first start reads the disk and writes .pyc files, which says nothing of either.
    found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(plan.rounds):
        for contender in plan.contenders:
            name = contender.name
            with server(contender, plan) as (url, milliseconds):
                found["start of the server to its first answer", "ms"][name].append(milliseconds)
                for clients in CLIENTS:
                    rate, median, slow = _load(contender, plan, url, clients)
                    asked = f"{clients} client{'s' if clients > 1 else ''}"
                    found[f"requests a second, {asked}", "/s"][name].append(rate)
                    found[f"median of a request, {asked}", "ms"][name].append(median)
                    found[f"99th percentile of a request, {asked}", "ms"][name].append(slow)
                found["memory of its processes after it", "MB"][name].append(memory_below_mb(os.getpid()))
    ours, peer = (contender.name for contender in plan.contenders)
    return [Measure(what, unit, both[ours], both[peer]) for (what, unit), both in found.items()]


def memory_below_mb(process: int) -> float:
    """Resident memory of all that a process started, and that these started, in MB.

    Pages that several of them share are counted once for each.
    """
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # It has ended meanwhile.
            # After the name, which may have spaces and brackets, come the state and the parent.
            parent = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            children[int(parent)].append(int(folder.name))
    below, pages = list(children[process]), 0
    while below:
        one = below.pop()
        below += children[one]
        with suppress(OSError):
            pages += int(Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _load(contender: Contender, plan: Plan, url: str, clients: int) -> tuple[float, float, float]:
    """Requests a second, and milliseconds of the middle request and of the hundredth slowest."""
    program = shutil.which("hey")
    if program is None:
        message = "the benchmark sends its requests with hey: apt-get install hey"
        raise RuntimeError(message)
    body = plan.work / f"body-{contender.name}"
    body.write_bytes(contender.body(min(plan.pictures.iterdir()).read_bytes()))
    command = [program, "-z", f"{_SECONDS}s", "-c", str(clients), "-o", "csv", "-m", "POST"]
    command += ["-T", contender.content_type, "-D", str(body), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    if not rows or any(row["status-code"] != "200" for row in rows):
        message = f"{contender.name} failed a request: {done.stdout[:200]}"
        raise RuntimeError(message)
    median, slow = np.percentile([1e3 * float(row["response-time"]) for row in rows], (50, 99))
    return len(rows) / _SECONDS, float(median), float(slow)
