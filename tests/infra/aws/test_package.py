"""What `sam build` puts into a function: small, the same at every build, and whole."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.infra.aws.conftest import uv
from tests.pictures import encoded, gradient, gray
from tests.requests_table import in_form, in_json

MAX_BYTES: Final = 110_000_000
FUNCTIONS: Final = ("ApiFunction", "BackfillFunction", "UploadFunction")
# In a fresh interpreter that sees the package and the standard library only: each event in, each answer out.
RUN: Final = """
import sys, json
sys.path.insert(0, {package!r})
import aws
class Context:
    function_name = invoked_function_arn = aws_request_id = "test"
    memory_limit_in_mb = 1769
    def get_remaining_time_in_millis(self):
        return 30000
for event in json.load(sys.stdin):
    sys.stderr.write(json.dumps(aws.api(event, Context())) + "\\n")
origins = {{getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}}
outside = [name for name in origins if "site-packages" in name or name.startswith({repository!r})]
sys.stderr.write(json.dumps(outside) + "\\n")
"""


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def content(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Mode, time and bytes of every file and folder."""
    found = {}
    for path in folder.rglob("*"):
        stat = path.stat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (stat.st_mode, int(stat.st_mtime), data)
    return found


def test_it_is_small_enough_with_the_model(build: Path) -> None:
    sizes = {name: size(build / name) for name in FUNCTIONS}
    print(f"unzipped with the model: {sizes['ApiFunction']:,} bytes; at most {MAX_BYTES:,}")  # noqa: T201 - a figure to see
    assert max(sizes.values()) <= MAX_BYTES, sizes
    assert (build / "ApiFunction" / "steel_defect" / "bundled" / "model.onnx").is_file()


def test_two_builds_are_equal_in_every_byte_mode_and_time(build: Path, lambda_python: str, tmp_path: Path) -> None:
    # From another place, with other times, another seed of hashes, and other rights for new files.
    copy = tmp_path / "elsewhere"
    for name in ("functions", "infra/aws"):
        shutil.copytree(REPOSITORY / name, copy / name)
    program = copy / "infra" / "aws" / "package.py"
    environment = {**os.environ, "UV": uv(), "PYTHONHASHSEED": "12345"}
    run = [lambda_python, str(program), str(tmp_path / "again")]
    subprocess.run(["bash", "-c", 'umask 077; exec "$@"', "-", *run], check=True, env=environment)  # noqa: S603, S607 - ours
    first, second = content(build / "ApiFunction"), content(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name, found in first.items() if second[name] != found] == []


def test_nothing_is_in_it_that_does_not_run(build: Path) -> None:
    names = [str(path.relative_to(build / "ApiFunction")) for path in (build / "ApiFunction").rglob("*")]
    top = {name.partition("/")[0] for name in names}
    assert (
        not {
            "main.py",
            "gcp_log.py",
            "gcp_topic.py",
            "Makefile",
            "requirements.txt",
            "google",
            "flask",
            "boto3",
            "click",
        }
        & top
    )
    assert not [name for name in names if name.endswith((".pyi", ".dist-info", "/tests", "/gcs.py", "/transformers"))]


def test_every_module_is_compiled(build: Path) -> None:
    package = build / "ApiFunction"
    compiled = {path.name for path in package.rglob("*.pyc")}
    sources = list(package.rglob("*.py"))
    missing = [path for path in sources if not (path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").is_file()]
    assert compiled
    assert missing == []
    # Bit 0 says that a hash stands where else a time would, bit 1 that it is compared with the source: it is not.
    flags = {int.from_bytes(path.read_bytes()[4:8], "little") for path in package.rglob("*.pyc")}
    assert flags == {0b01}
    assert b"/var/task/aws.py" in (package / "__pycache__" / "aws.cpython-313.pyc").read_bytes()


def events() -> dict[str, dict[str, Any]]:
    """Every envelope, and every format of picture."""
    strip = gray(gradient())
    pictures = {name: encoded(strip, name) for name in ("JPEG", "PNG", "WEBP", "BMP", "TIFF")}
    pictures["TIFF, compressed"] = encoded(strip, "TIFF", compression="tiff_lzw")
    pictures["JPEG, CMYK"] = encoded(strip.convert("CMYK"), "JPEG")
    pictures["PNG, 16 bits"] = encoded(Image.new("I;16", (1600, 256), 20_000))
    found = {name: http(data, "application/octet-stream") for name, data in pictures.items()}
    found["JSON"] = http(in_json(pictures["JPEG"]), "application/json")
    found["form"] = http(in_form(pictures["JPEG"]), "multipart/form-data; boundary=a-boundary")
    found["direct"] = {"image": base64.b64encode(pictures["JPEG"]).decode()}
    return found


def http(body: bytes, content_type: str) -> dict[str, Any]:
    return {
        "rawPath": "/predict",
        "headers": {"content-type": content_type},
        "requestContext": {"http": {"method": "POST", "path": "/predict"}, "stage": "$default"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def run(build: Path, python: str, inputs: list[Any]) -> list[Any]:
    """What the built function answers, alone with the standard library; last, the modules from elsewhere."""
    code = RUN.format(package=str(build / "ApiFunction"), repository=str(REPOSITORY))
    # The interpreter below the environment of these tests, which knows none of its packages.
    command = [str(Path(python).resolve()), "-I", "-S", "-c", code]
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    done = subprocess.run(  # noqa: S603 - our own
        command, input=json.dumps(inputs), capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_format_and_envelope_is_answered_from_the_package_alone(build: Path, lambda_python: str) -> None:
    wanted = events()
    *answers, outside = run(build, lambda_python, list(wanted.values()))
    statuses = {name: answer["statusCode"] for name, answer in zip(wanted, answers, strict=True)}
    assert statuses == dict.fromkeys(wanted, 200)
    probabilities = [json.loads(answer["body"])["defect_prob"] for answer in answers[:5]]
    assert max(probabilities) - min(probabilities) < 0.05
    assert outside == []


def test_a_picture_that_is_not_accepted_is_told_so(build: Path, lambda_python: str) -> None:
    strip = gray(gradient())
    answer, _outside = run(build, lambda_python, [http(encoded(strip, "GIF"), "image/gif")])
    assert answer["statusCode"] == 422


def test_another_python_is_refused(tmp_path: Path) -> None:
    if sys.version_info[:2] == (3, 13):
        pytest.skip("this is Lambda's Python: .ci/trainer has another")
    program = [sys.executable, str(REPOSITORY / "infra" / "aws" / "package.py"), str(tmp_path / "package")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 2
    assert "run this with Python 3.13" in done.stderr
    assert not (tmp_path / "package").exists()
