"""What `steel-defect watch` refuses, and what it says of itself."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from tests.waiting import wait_for
from tests.watch.line import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.watch.line import Starter


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to=s3://a", "--mqtt=mqtt://broker/topic"], "say with --results"),
        (["--to=s3://a", "--model=MODEL"], "no model scores them here"),
        (["--mqtt=http://broker/topic"], "is not a topic"),
        (["--mqtt=mqtt://broker"], "is not a topic"),
        (["--mqtt=mqtt://broker/line/#"], "is not a topic"),
        (["--webhook=broker:80"], "is no URL"),
        (["--status=here"], "is no port"),
        (["--results=ftp://place"], "is not the URI of a store"),
        (["--to=s3://a/b", "--results=s3://a/c"], "use another bucket"),
        (["--results=FOLDER"], "use another bucket"),
        (["--settle=0"], "is not in the range"),
        (["--bit-depth=3"], "--bit-depth"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(
    options: list[str], said: str, folder: Path, probe: Path
) -> None:
    named = [option.replace("MODEL", str(probe)).replace("FOLDER", str(folder)) for option in options]
    run = CliRunner().invoke(main, ["watch", str(folder), *named])
    assert run.exit_code in {1, 2}
    assert said in run.output


def test_a_model_that_cannot_be_loaded_ends_it(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"none")
    run = CliRunner().invoke(main, ["watch", str(folder), f"--model={folder / 'model.onnx'}"])
    assert run.exit_code == 1
    assert "Error: " in run.output


def test_metrics_say_how_far_behind_it_is(folder: Path, watched: Starter) -> None:
    line = watched()
    (folder / "a.png").write_bytes(picture(1))
    (folder / "stuck.png").write_bytes(picture(1)[:50])
    wait_for(lambda: line.status()["seconds_behind"] > 1 and line.status()["counts"])
    with urllib.request.urlopen(f"http://127.0.0.1:{line.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
    values = dict(row.rsplit(" ", 1) for row in lines if not row.startswith("#"))
    assert values["steel_defect_watch_pictures_waiting"] == "1"
    assert values['steel_defect_watch_pictures_total{outcome="scored"}'] == "1"
    assert float(values["steel_defect_watch_seconds_behind"]) > 1
    assert lines.count("# TYPE steel_defect_watch_pictures_total counter") == 1


def test_a_file_whose_name_no_result_can_have_is_named_in_the_log(folder: Path, watched: Starter) -> None:
    line = watched()
    (folder / "back\\slash.png").write_bytes(picture(1))
    wait_for(lambda: "cannot be scored: no result can have this name" in line.output())
    assert line.status()["pictures_waiting"] == 0
