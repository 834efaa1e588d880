"""A cold start is a person waiting: what a prediction imports is a list that is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SAMPLES

# Top-level packages outside the standard library. Add one only with its import time measured: simplejpeg takes 1.5 ms
# (and brings the name cython_runtime), where Pillow took 22 and its JPEG plugin 18, and pybase64 1.4.
PREDICTION = {"cython_runtime", "numpy", "onnxruntime", "pybase64", "simplejpeg", "steel_defect"}
# Powertools and what it needs. It imports the empty top of botocore to add its name to requests.
POWERTOOLS = {"aws_lambda_powertools", "botocore", "jmespath", "typing_extensions"}
LAMBDA = PREDICTION | POWERTOOLS | {"aws", "aws_events", "aws_model", "snapshot_restore_py"}

SCRIPT = """
import json, sys
{code}
found = {{name.partition(".")[0] for name in sys.modules}}
own = {{"google", "mpl_toolkits", "sphinxcontrib", "zope", "sitecustomize", "usercustomize"}}  # made by .pth files
print(json.dumps(sorted(n for n in found - set(sys.stdlib_module_names) - own if not n.startswith("_"))))
"""
PREDICT = """
import base64, pathlib
from steel_defect.api import Api
from steel_defect.http import Request
from steel_defect.serving import ModelSource
from steel_defect.settings import load_settings
picture = pathlib.Path({picture!r}).read_bytes()
body = json.dumps({{"image": base64.b64encode(picture).decode()}}).encode()
api = Api(ModelSource(load_settings()))
assert api.handle(Request("POST", "/predict", {{"content-type": "image/jpeg"}}, {{}}, picture)).status == 200
assert api.handle(Request("POST", "/predict", {{"content-type": "application/json"}}, {{}}, body)).status == 200
"""


def imported(code: str) -> set[str]:
    """Top-level packages that are loaded after the code ran in a fresh interpreter."""
    picture = str(SAMPLES / "scratch.jpg")
    script = SCRIPT.format(code=code.format(picture=picture))
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_a_prediction_imports_nothing_heavy_beside_onnxruntime_numpy_and_two_decoders() -> None:
    assert imported(PREDICT) <= PREDICTION


def test_the_lambda_function_adds_only_powertools() -> None:
    functions = Path(__file__).parents[2] / "functions"
    assert imported(f"sys.path.insert(0, {str(functions)!r})\nimport aws" + PREDICT) <= LAMBDA


@pytest.mark.parametrize("places", [{}, {"UPLOADS_URI": "s3://uploads", "RESULTS_URI": "s3://results"}])
def test_a_prediction_with_the_bundled_model_loads_no_store_no_registry_and_no_page(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    listed = "print(json.dumps(sorted(name for name in sys.modules if name.startswith('steel_defect.'))))\nsys.exit()\n"
    functions = Path(__file__).parents[2] / "functions"
    code = f"sys.path.insert(0, {str(functions)!r})\nimport aws" + PREDICT + listed
    loaded = {name.split(".")[1] for name in imported(code)}
    assert {"api", "scorer", "pictures"} <= loaded
    assert not loaded & {"cli", "client", "pages", "registry", "storage", "uploads"}


def test_help_imports_neither_numpy_nor_torch() -> None:
    code = "from steel_defect.cli import main\nmain(['--help'], standalone_mode=False)"
    assert not imported(code.replace("{", "{{")) & {"numpy", "onnxruntime", "torch", "rich"}


@pytest.mark.parametrize("package", ["steel_defect", "steel_defect_trainer"])
def test_onnx_runtime_neither_reports_home_nor_leaves_an_identifier(package: str, tmp_path: Path) -> None:
    # It keeps quiet by itself under continuous integration, so what would tell it of that is left out.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    load = (
        f"import {package}, onnxruntime, os\n"
        "from steel_defect.settings import BUNDLED_MODEL\n"
        "onnxruntime.InferenceSession(BUNDLED_MODEL, providers=['CPUExecutionProvider'])\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    command = [sys.executable, "-c", load]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)  # noqa: S603 - ours
    assert run.stdout == "1\n"
    assert not list(tmp_path.rglob("*"))
