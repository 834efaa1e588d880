"""Which code and which machine made a model."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

# What decides a model's weights and how a picture reaches them.
_CODE: Final = (
    "trainer",
    "functions/steel_defect/image.py",
    "functions/steel_defect/pictures",
    "functions/steel_defect/contract.py",
)
_PACKAGES: Final = ("torch", "onnx", "onnxruntime", "numpy", "pillow", "simplejpeg")


def git_commit() -> str:
    """Name the commit of the code that trains, with "-dirty" if that code differs from it; "unknown" outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "--", *_CODE) else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> str:
    """Python and the packages that compute, in one line."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PACKAGES)])


def machine() -> str:
    """The processor of this machine, in one line."""
    return f"{os.cpu_count()} processors, {_processor() or platform.machine()}, {platform.system()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _git(*arguments: str) -> str:
    command = ("git", *arguments)
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - ours
