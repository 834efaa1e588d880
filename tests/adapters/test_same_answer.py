"""The same bytes have the same probability through the command line, Lambda's runtime and Cloud Run's server."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
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


def test_samples(samples: list[Path], servers: tuple[CloudRun, Lambda]) -> None:
    assert len(samples) >= 5
    assert_same_everywhere(samples, servers)


def test_real_pictures(severstal: Path, servers: tuple[CloudRun, Lambda]) -> None:
    assert_same_everywhere(sorted((severstal / "train_images").iterdir())[::6], servers)
