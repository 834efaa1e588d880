"""The report: all seven parts, in one file, from every layout; what cannot be computed is said."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect_trainer.cli.eda import command
from tests.trainer.data.folders import noise_picture, write_picture, write_severstal, write_table

if TYPE_CHECKING:
    from pathlib import Path

PARTS = (
    "Sizes and label balance",
    "Classes",
    "Types of defects on one picture",
    "Area",
    "Colour",
    "Where defects are",
    "Examples",
)


def explore(folder: Path, output: Path) -> str:
    """Run the command and return the page."""
    result = CliRunner().invoke(command, [str(folder), "-o", str(output), "--cache", str(output / "cache")])
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith("report.html")
    return (output / "report.html").read_text()


def test_page_has_seven_parts_and_needs_no_other_file(tmp_path: Path) -> None:
    html = explore(write_severstal(tmp_path / "line", [(1,), (), (3, 4), (2,), ()]), tmp_path / "eda")
    assert re.findall(r"<h2 id=.*>(\d)\. (.*)</h2>", html) == [(str(n), part) for n, part in enumerate(PARTS, 1)]
    assert set(re.findall(r'(?:src|href)="([^"]{5})', html)) == {"data:", *(f"#{part[:4].lower()}" for part in PARTS)}
    assert html.count("data:image/jpeg") == 2 + 4  # each class has one picture, two are clean
    assert "not known" not in html
    assert "absent" not in html


def test_tables_are_written_as_csv_too(tmp_path: Path) -> None:
    explore(write_severstal(tmp_path / "line", [(1,), (), (3, 4), (4,)]), tmp_path / "eda")
    with (tmp_path / "eda" / "tables" / "area-of-the-masks-in-pixels.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["class", "count", "mean", "std", "min", "25%", "50%", "75%", "max"]
    assert rows[3] == ["class 4", "2", "4096.0", "0.0", "4096", "4096.0", "4096.0", "4096.0", "4096"]
    names = {path.name for path in (tmp_path / "eda" / "tables").iterdir()}
    assert "pairs-on-pictures-with-two-types.csv" in names
    assert "pictures-with-and-without-a-defect.csv" in names


def test_folders_say_that_places_are_not_known(tmp_path: Path) -> None:
    for place in range(4):
        write_picture(
            tmp_path / "line" / ("defect" if place % 2 else "clean") / f"{place}.png", noise_picture(place, 90, 120)
        )
    html = explore(tmp_path / "line", tmp_path / "eda")
    assert "No masks are known, so areas cannot be computed." in html
    assert "No masks are known, so places cannot be computed." in html
    assert "There is one class only." in html
    assert "120 x 90" in html


def test_pictures_of_many_sizes_have_places_as_shares(tmp_path: Path) -> None:
    rows = []
    for place in range(14):
        size = 80 + place, 100
        write_picture(tmp_path / "line" / f"{place}.png", noise_picture(place, *size))
        mask = np.zeros(size, np.uint8)
        mask[:20, :20] = 255
        write_picture(tmp_path / "line" / "masks" / f"{place}.png", mask)
        rows.append((f"{place}.png", *(("<dent>", f"masks/{place}.png") if place % 2 else ("clean", ""))))
    write_table(tmp_path / "line" / "labels.csv", ("file", "label", "mask"), rows)
    html = explore(tmp_path / "line", tmp_path / "eda")
    assert "The pictures differ in size, so places are shares of width and height." in html
    assert "4 other sizes" in html
    assert "&lt;dent&gt;" in html
    assert "<dent>" not in html


def test_table_alone_says_what_is_left_out(tmp_path: Path) -> None:
    rows = [("a.jpg", 1, "1 40"), ("b.jpg", 2, "5 9")]
    write_table(tmp_path / "line" / "train.csv", ("ImageId", "ClassId", "EncodedPixels"), rows)
    html = explore(tmp_path / "line", tmp_path / "eda")
    assert "without the pictures, the clean ones cannot be counted" in html
    assert "The pictures are absent, so colours are not known." in html
    assert "data:image/jpeg" not in html


@pytest.mark.parametrize("labels", [[(), ()], [(1,), (2,)]])
def test_a_set_of_one_kind_is_explored_all_the_same(tmp_path: Path, labels: list[tuple[int, ...]]) -> None:
    html = explore(write_severstal(tmp_path / "line", labels), tmp_path / "eda")
    assert ("0 of 2" if not labels[0] else "2 of 2") in html


def test_without_a_folder_strips_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steel_defect_trainer.drawing.dataset.STRIPS", 4)
    result = CliRunner().invoke(command, ["-o", str(tmp_path / "eda"), "--cache", str(tmp_path / "cache")])
    assert result.exit_code == 0, result.output
    html = (tmp_path / "eda" / "report.html").read_text()
    assert "<h1>4 drawn strips</h1>" in html
    assert "1600 x 256" in html


def test_bad_data_ends_with_one_clear_line(tmp_path: Path) -> None:
    write_severstal(tmp_path / "line", [(1,), ()])
    (tmp_path / "line" / "train_images" / "1.jpg").write_bytes(b"no picture")
    result = CliRunner().invoke(command, [str(tmp_path / "line"), "-o", str(tmp_path / "eda")])
    assert result.exit_code == 1
    assert re.search(r"Error: picture .*1\.jpg: .*not a picture", result.output.replace("\n", " "))
    assert not (tmp_path / "eda" / "report.html").exists()
