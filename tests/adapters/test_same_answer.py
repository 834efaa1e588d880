"""The same bytes have the same probability through the command line, Lambda's runtime and Cloud Run's server."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from tests.pictures import encoded, gray
from tests.probe_model import MASKED, probe_model
from tests.requests_table import JSON, in_json, predict
from tests.transports import CloudRun, Lambda

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[CloudRun, Lambda]]:
    """Both clouds with the bundled model."""
    with CloudRun() as cloud_run, Lambda() as aws_lambda:
        yield cloud_run, aws_lambda


def assert_same_everywhere(pictures: list[Path], servers: tuple[CloudRun, Lambda]) -> None:
    """Score each picture by six ways; fail where two differ by 1e-6."""
    cloud_run, aws_lambda = servers
    lines = CliRunner().invoke(main, ["score", "--json", *map(str, pictures)]).stdout.splitlines()
    for path, line in zip(pictures, lines, strict=True):
        picture = path.read_bytes()
        on_command_line = json.loads(line)
        assert on_command_line.pop("path") == str(path)
        answers = [
            cloud_run.send(predict(picture)).body,
            cloud_run.send(predict(in_json(picture), JSON)).body,
            aws_lambda.send(predict(picture)).body,
            aws_lambda.send(predict(in_json(picture), JSON)).body,
            aws_lambda.invoke({"image": base64.b64encode(picture).decode()})["body"],
        ]
        for answer in map(json.loads, answers):
            assert answer["defect_prob"] == pytest.approx(on_command_line["defect_prob"], abs=1e-6, rel=0)
            for entry in (answer, on_command_line):
                entry.pop("timings_ms", None)
            floats = {"defect_prob": 0, "class_prob": 0}
            assert {**answer, **floats} == {**on_command_line, **floats}


def test_defects_and_masks(tmp_path: Path) -> None:
    """A standing picture of several tiles, whose damage lies in two of them."""
    pixels = np.full((4800, 512), 120, np.uint8)
    pixels[1000:3400, 200:320], pixels[4000:4112, 408:488] = 230, 4
    path, model = tmp_path / "strip.png", tmp_path / "masked.onnx"
    path.write_bytes(encoded(gray(pixels)))
    model.write_bytes(probe_model(MASKED, masks=True))
    stated = ["--masks", "--mm-per-pixel", "0.5"]
    line = CliRunner().invoke(main, ["score", "--json", "--model", str(model), *stated, str(path)]).stdout
    wanted = json.loads(line)
    assert [one["box"]["height"] for one in wanted["defects"]] == [2400, 112]
    assert wanted["defects"][0]["mm"] == {"x": 100, "y": 500, "area": 72_000, "length": 1200}
    request = predict(path.read_bytes(), masks="true", mm_per_pixel="0.5")
    direct = {"image": base64.b64encode(path.read_bytes()).decode(), "masks": True, "mm_per_pixel": 0.5}
    with CloudRun(model=model) as cloud_run, Lambda(model=model) as aws_lambda:
        bodies = [cloud_run.send(request).body, aws_lambda.send(request).body, aws_lambda.invoke(direct)["body"]]
    for answer in map(json.loads, bodies):
        for name in ("defects", "defect_count", "masks"):
            assert answer[name] == wanted[name]


def test_samples(samples: list[Path], servers: tuple[CloudRun, Lambda]) -> None:
    assert len(samples) >= 5
    assert_same_everywhere(samples, servers)


def test_real_pictures(severstal: Path, servers: tuple[CloudRun, Lambda]) -> None:
    assert_same_everywhere(sorted((severstal / "train_images").iterdir())[::6], servers)
