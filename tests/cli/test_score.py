"""`steel-defect score`, as a person and as a shell use it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from steel_defect import __version__
from steel_defect.cli import main
from tests.pictures import encoded, strip_jpeg
from tests.probe_model import probe_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a dark, a middle and a bright strip, a file that is no picture, and a note."""
    (tmp_path / "line 3" / "shift[1]").mkdir(parents=True)
    for name, shade in (("dark.png", 10), ("line 3/middle.PNG", 150), ("line 3/shift[1]/bright.tif", 250)):
        (tmp_path / name).write_bytes(encoded(Image.new("L", (1600, 256), shade), "PNG"))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not looked at in a folder")
    (tmp_path / "probe.onnx").write_bytes(probe_model())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def score(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["score", "--model", "probe.onnx", *arguments])


def paths(result: Result) -> list[str]:
    return [json.loads(line)["path"] for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("pictures")
def test_a_table_for_people() -> None:
    result = score("dark.png", "line 3")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    names = ["picture", "dark.png", "line 3/middle.PNG", "line 3/shift[1]/bright.tif"]
    assert [line.split("  ")[0] for line in lines[:4]] == names
    for line, words in zip(lines[1:4], (("PASS", "0.0392"), ("REVIEW", "0.5882"), ("REJECT", "0.9804")), strict=True):
        assert all(word in line for word in words)
        assert "1600 x 256" in line
    assert lines[-1] == "3 pictures: 1 pass, 1 review, 1 reject"


@pytest.mark.usefixtures("pictures")
def test_folders_are_searched_through_for_pictures() -> None:
    assert paths(score("--json", ".")) == [
        "broken.jpg", "dark.png", "line 3/middle.PNG", "line 3/shift[1]/bright.tif"]  # fmt: skip


def test_a_folder_s_files_are_told_by_content_and_what_is_passed_over_is_named(pictures: Path) -> None:
    (pictures / "line 3" / "camera.jfif").write_bytes(strip_jpeg())
    (pictures / "line 3" / "frame_0001").write_bytes(strip_jpeg())
    (pictures / "line 3" / "readme").write_text("nothing to see")
    (pictures / "line 3" / ".hidden").write_text("nobody's business")
    (pictures / "line 3" / ".thumbnails").mkdir()
    for name in (".thumbnails/dark.jpg", "._middle.PNG"):
        (pictures / "line 3" / name).write_bytes(strip_jpeg())
    result = score("--json", "line 3")
    assert paths(result) == [
        "line 3/camera.jfif", "line 3/frame_0001", "line 3/middle.PNG", "line 3/shift[1]/bright.tif"]  # fmt: skip
    assert "line 3: 1 file passed over, no pictures by content or name: readme\n" in result.stderr
    assert "line 3: 2 hidden pictures passed over\n" in result.stderr
    assert paths(score("--json", "line 3/.thumbnails")) == ["line 3/.thumbnails/dark.jpg"]
    for number in range(12):
        (pictures / "line 3" / f"{number:02}.txt").write_text("a note")
    assert "13 files passed over" in score("--json", "line 3").stderr
    assert "09.txt, 3 more\n" in score("--json", "line 3").stderr


@pytest.mark.usefixtures("pictures")
def test_patterns_work_where_no_shell_expands_them() -> None:
    assert paths(score("--json", "**/*.tif", "d*.png", "line ?")) == [
        "line 3/shift[1]/bright.tif", "dark.png", "line 3/middle.PNG"]  # fmt: skip


@pytest.mark.usefixtures("pictures")
def test_a_name_with_brackets_is_a_name_first() -> None:
    assert paths(score("--json", "line 3/shift[1]/bright.tif", "line 3/shift[1]")) == ["line 3/shift[1]/bright.tif"]


@pytest.mark.usefixtures("pictures")
def test_json_lines_are_what_the_http_interface_answers() -> None:
    row = json.loads(score("--json", "--map", "dark.png").stdout)
    assert row["defect_prob"] == pytest.approx(10 / 255, abs=1e-6)
    assert row["decision"] == "pass"
    assert row["defect_map"]["columns"] == 25


@pytest.mark.usefixtures("pictures")
def test_csv_has_one_line_a_picture_and_a_reason_for_what_failed() -> None:
    result = score("--csv", ".")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["decision"] for row in rows] == ["", "pass", "review", "reject"]
    assert rows[0]["error"].startswith("the bytes are not a picture")
    assert float(rows[3]["prob_left"]) == pytest.approx(250 / 255, abs=1e-4)
    assert all(None not in row for row in rows)  # as many fields as the header


def test_what_cannot_be_read_is_named_and_the_rest_is_scored(pictures: Path) -> None:
    (pictures / "cut.jpg").write_bytes(strip_jpeg()[:2000])
    result = score("broken.jpg", "cut.jpg", "notes.txt", "dark.png")
    assert result.exit_code == 1
    assert "broken.jpg: the bytes are not a picture that can be read" in result.stdout
    assert "cut.jpg: the JPEG picture cannot be decoded to its end" in result.stdout
    assert "4 pictures: 1 pass, 3 not scored" in result.stdout


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root and Windows read every file")
def test_a_file_without_permission(pictures: Path) -> None:
    (pictures / "dark.png").chmod(0)
    result = score("--json", "dark.png")
    assert result.exit_code == 1
    assert "Permission denied" in json.loads(result.stdout)["problem"]["detail"]


def test_a_picture_that_vanishes_during_the_run(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = pictures / "gone.jpg"
    monkeypatch.setattr("steel_defect.cli.score.find_pictures", lambda _: [gone, pictures / "dark.png"])
    result = score("--json", "dark.png")
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["problem"]["detail"] == "the file cannot be read: No such file or directory"
    assert second["decision"] == "pass"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--fail-on", "reject", "dark.png", "line 3/middle.PNG"], 0),
        (["--fail-on", "review", "dark.png"], 0),
        (["--fail-on", "review", "dark.png", "line 3/middle.PNG"], 3),
        (["--fail-on", "reject", "line 3", "broken.jpg"], 3),
        (["--fail-on", "reject", "dark.png", "broken.jpg"], 1),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_an_exit_status_that_a_shell_can_use(arguments: list[str], status: int) -> None:
    assert score(*arguments).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Missing argument 'PATH...'"),
        (["nowhere.jpg"], "nowhere.jpg does not exist"),
        (["*.webp"], "*.webp matches no file"),
        (["empty"], "empty has no pictures in it"),
        (["--map", "dark.png"], "--map goes with --json"),
        (["--model", "missing.onnx", "dark.png"], "missing.onnx"),
        (["--sharpen", "dark.png"], "--sharpen"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(pictures: Path, arguments: list[str], complaint: str) -> None:
    (pictures / "empty").mkdir()
    result = score(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stdout == ""


@pytest.mark.usefixtures("pictures")
def test_a_file_that_is_no_model() -> None:
    result = CliRunner().invoke(main, ["score", "--model", "notes.txt", "dark.png"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the model file cannot be loaded")


@pytest.mark.usefixtures("pictures")
def test_a_setting_that_cannot_be_meant() -> None:
    environment = {**os.environ, "MODEL_THREADS": "many"}
    command = [sys.executable, "-m", "steel_defect", "score", "dark.png"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert run.returncode == 1
    assert run.stderr == "Error: MODEL_THREADS must be a whole number from 1, not 'many'\n"


def test_long_runs_show_progress_on_a_terminal_and_never_in_the_output(pictures: Path) -> None:
    (pictures / "many").mkdir()
    for index in range(30):
        (pictures / "many" / f"{index}.jpg").write_bytes(strip_jpeg())
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"}
    command = [sys.executable, "-m", "steel_defect", "score", "--model", "probe.onnx", "--json", "many"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - as above
    assert "scoring" in run.stderr
    assert len([json.loads(line) for line in run.stdout.splitlines()]) == 30


def test_version_and_help() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"steel-defect, version {__version__}\n"
    for arguments in (["--help"], ["score", "--help"], ["serve", "-h"]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0
        assert "Usage:" in result.stdout


@pytest.mark.usefixtures("pictures")
def test_coil_and_position_come_back_with_json() -> None:
    (row,) = (
        json.loads(line)
        for line in score("dark.png", "--json", "--coil", "47/11", "--position-mm", "5.5").stdout.splitlines()
    )
    assert (row["coil"], row["position_mm"]) == ("47/11", 5.5)
    assert "--position-mm goes with one picture" in score("line 3", "--position-mm", "5").stderr
    assert "--position-mm is a number" in score("dark.png", "--position-mm", "far").stderr
    assert "COIL_PATTERN" in score("s3://uploads", "--results", "s3://results", "--coil", "4711").stderr
