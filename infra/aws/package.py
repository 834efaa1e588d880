"""Fills a folder with what AWS Lambda runs, and nothing else.

    uv run --no-project --python 3.13 infra/aws/package.py FOLDER

`sam build` calls this by `functions/Makefile`. It runs under the Python that Lambda has, since it compiles for it; uv
installs for Lambda's system whatever this machine is. The same sources and the same requirements give the same bytes:
nothing in the folder tells when, where or in which order it was made.

What is cut was seen not to be loaded; `tests/infra/aws/test_package.py` runs every picture format, envelope and event
through what is left.
"""

# ruff: noqa: INP001 - a script, run by its path
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
FUNCTIONS: Final = REPOSITORY / "functions"
REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
PYTHON: Final = (3, 13)
# Lambda's Python 3.13 is on Amazon Linux 2023, whose C library is glibc 2.34.
PLATFORMS: Final = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}

# Patterns below the folder. What a pattern matches goes with all that is in it.
NOT_RUN: Final = (
    "bin",
    "*.dist-info",  # Nothing here asks for versions or entry points.
    "**/tests",
    "**/*.pyi",
    "**/py.typed",
    "**/*.pxd",
    "**/*.h",
    # Preparing models, and the C library for programs that are not Python: the extension module has its own copy.
    "onnxruntime/backend",
    "onnxruntime/capi/libonnxruntime.so.*",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "onnxruntime/ThirdPartyNotices.txt",
    # Chance, Fortran, type checking, and NumPy's tests of itself.
    "numpy/_core/_multiarray_tests.*",
    "numpy/_core/_simd.*",
    "numpy/_pyinstaller",
    "numpy/conftest.py",
    "numpy/f2py",
    "numpy/random",
    "numpy/testing",
    "numpy/typing",
    # AVIF is not accepted, nothing writes text on pictures, and there is no screen.
    "PIL/_avif.*",
    "PIL/_imagingft.*",
    "PIL/_imagingtk.*",
    "pillow.libs/libavif-*",
    "pillow.libs/libbrotli*",
    "pillow.libs/libfreetype-*",
    "pillow.libs/libharfbuzz-*",
    "pillow.libs/libpng16-*",
    # The web framework; API Gateway's events are read by aws_events.py.
    "aws_lambda_powertools/event_handler",
)
# NumPy attaches the docstrings of all that is written in C when it is imported, for a thirtieth of a cold start.
EMPTIED: Final = ("numpy/_core/_add_newdocs.py", "numpy/_core/_add_newdocs_scalars.py")
# botocore describes over 400 services. These are called: storage/s3.py and aws_bus.py.
SERVICES: Final = frozenset({"events", "s3"})
# The command line, its client, and the other cloud.
NOT_ON_LAMBDA: Final = ("cli", "client", "__main__.py", "storage/gcs.py", "storage/gcs_signing.py")
# The first moment that a zip file can state.
_MODIFIED: Final = 315_532_800


def build(folder: Path, architecture: str) -> None:
    """Fill the folder, which is emptied first.

    Raises:
        subprocess.CalledProcessError: uv or the compiler failed, and has said why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _install(folder, PLATFORMS[architecture])
    for pattern in NOT_RUN:
        for path in list(folder.glob(pattern)):
            _remove(path)
    for name in EMPTIED:
        (folder / name).write_bytes(b"")
    for path in (folder / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in SERVICES:
            _remove(path)
    _copy_own(folder)
    _compile(folder)
    _forget_times(folder)


def _install(folder: Path, platform: str) -> None:
    version = ".".join(map(str, PYTHON))
    what = ["--requirements", str(REQUIREMENTS), "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    where = ["--target", str(folder), "--python-version", version, "--python-platform", platform]
    # Copied: a linked file would be changed in uv's cache as well.
    uv = os.environ.get("UV", "uv")  # `uv run` says where it is.
    command = [uv, "pip", "install", "--quiet", "--no-config", "--link-mode", "copy", *what, *where]
    subprocess.run(command, check=True)  # noqa: S603 - the user's uv, as it is written above


def _copy_own(folder: Path) -> None:
    for path in FUNCTIONS.glob("aws*.py"):
        shutil.copyfile(path, folder / path.name)
    unneeded = {FUNCTIONS / "steel_defect" / name for name in NOT_ON_LAMBDA}

    def ignored(where: str, names: list[str]) -> set[str]:
        return {name for name in names if name in {"__pycache__", "py.typed"} or Path(where, name) in unneeded}

    shutil.copytree(FUNCTIONS / "steel_defect", folder / "steel_defect", ignore=ignored)


def _compile(folder: Path) -> None:
    """Compile all of it: Lambda cannot write what it compiles, and would do it again at every start.

    A .pyc is found by a time in it or, as here, without a look at its source, which saves one as well. The paths
    inside, which a traceback shows, are those of Lambda.
    """
    # With the invalidation mode, nothing of this process decides the bytes: not the time, and not the seed of hashes.
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    paths = ["-s", str(folder), "-p", "/var/task", str(folder)]
    subprocess.run([*command, *paths], check=True, env={**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S603 - ours


def _forget_times(folder: Path) -> None:
    """One time and one mode for every file: both are in the zip file that is made of the folder."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_MODIFIED, _MODIFIED))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="x86_64")
    arguments = parser.parse_args()
    if sys.version_info[:2] != PYTHON:
        parser.error(f"run this with Python {'.'.join(map(str, PYTHON))}, which Lambda has, not {sys.version}")
    build(arguments.folder.resolve(), arguments.architecture)


if __name__ == "__main__":
    main()
