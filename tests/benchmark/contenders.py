"""What is compared: this project's Lambda package, and a stand-in of the seed project's service."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmark.seed.model import write_model
from tests.conftest import REPOSITORY

_SEED: Final = Path(__file__).parent / "seed"
_FILES: Final = ("lambda_function.py", "predict.py", "scoring.py")


@dataclass(frozen=True)
class Contender:
    """One of the two.

    Attributes:
        name: "ours" or "seed".
        folder: what is deployed to Lambda, unzipped: dependencies, code, model.
        handler: as Lambda names it, module.function.
        serve: command that serves HTTP; {port} is filled in.
        thread_variable: environment variable that sets the threads of ONNX Runtime.
        content_type: what a picture is posted as.
    """

    name: str
    folder: Path
    handler: str
    serve: tuple[str, ...]
    thread_variable: str
    content_type: str

    def environment(self, *, threads: int | None = None, **more: str) -> dict[str, str]:
        """Environment of a process that sees the package and the standard library only."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
        chosen = {} if threads is None else {self.thread_variable: str(threads)}
        return {**kept, "PYTHONPATH": str(self.folder), "PYTHONNOUSERSITE": "1", **chosen, **more}

    def body(self, picture: bytes) -> bytes:
        """What is posted for one picture."""
        return picture if self.name == "ours" else json.dumps(direct_event(picture)).encode()


def direct_event(picture: bytes) -> dict[str, str]:
    """The direct invocation that both understand."""
    return {"image": base64.b64encode(picture).decode()}


def build(folder: Path, python: Path, architecture: str) -> tuple[Contender, Contender]:
    """Build both packages for Lambda's Python, compiled.

    Args:
        folder: gets a folder for each; what was in them goes.
        python: a Python 3.13.
        architecture: "x86_64" or "arm64".

    Raises:
        subprocess.CalledProcessError: uv failed, and has said why.
    """
    ours, seed = folder / "ours", folder / "seed"
    program = str(REPOSITORY / "infra" / "aws" / "package.py")
    subprocess.run([str(python), program, str(ours), "--architecture", architecture], check=True)  # noqa: S603 - our own
    shutil.rmtree(seed, ignore_errors=True)
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"
    install = [uv, "pip", "install", "--quiet", "--no-config", "--python", str(python), "--target", str(seed)]
    subprocess.run([*install, "--requirements", str(_SEED / "requirements.txt")], check=True)  # noqa: S603 - our own
    for name in _FILES:
        shutil.copyfile(_SEED / name, seed / name)
    write_model(seed / "stage1-E1-FINAL-model.onnx")
    subprocess.run([str(python), "-m", "compileall", "-q", str(seed)], check=False, stderr=subprocess.DEVNULL)  # noqa: S603 - some packages ship templates that are no Python
    framework = f"{sys.executable} -m functions_framework --target=api --host=127.0.0.1 --port={{port}}"
    return (
        Contender(
            "ours",
            ours,
            "aws.api",
            (*framework.split(), f"--source={REPOSITORY / 'functions' / 'main.py'}"),
            "MODEL_THREADS",
            "image/jpeg",
        ),
        Contender(
            "seed",
            seed,
            "lambda_function.lambda_handler",
            (str(python), str(seed / "predict.py")),
            "SEED_THREADS",
            "application/json",
        ),
    )
