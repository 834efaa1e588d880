"""`score` with a model that gives masks: defects as rows, and as files for Kaggle, COCO and people."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from steel_defect.cli import main
from steel_defect.run_lengths import decode
from tests.pictures import encoded, gray
from tests.probe_model import MASKED, probe_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SOUND, BRIGHT, DARK = 120, 230, 4


def damaged() -> NDArray[np.uint8]:
    """Two bright defects of which one lies in the box of the other, and a dark one."""
    pixels = np.full((256, 1600), SOUND, np.uint8)
    pixels[40:56, 400:800] = pixels[40:120, 400:416] = BRIGHT
    pixels[80:112, 600:640] = BRIGHT
    pixels[200:240, 1200:1400] = DARK
    return pixels


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a damaged strip that lies, the same that stands, and a file that is no picture."""
    (tmp_path / "line 3").mkdir()
    (tmp_path / "lies.png").write_bytes(encoded(gray(damaged())))
    (tmp_path / "line 3" / "stands.tif").write_bytes(encoded(gray(np.rot90(damaged(), -1)), "TIFF"))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "masked.onnx").write_bytes(probe_model(MASKED, masks=True))
    (tmp_path / "probe.onnx").write_bytes(probe_model())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def score(*arguments: str, model: str = "masked.onnx") -> Result:
    return CliRunner().invoke(main, ["score", "--model", model, *arguments])


def test_a_row_a_defect() -> None:
    result = score("--defects", "lies.png", "broken.jpg")
    assert result.exit_code == 1
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["picture", "class", "prob", "x", "y", "width", "height", "area", "length", "page"]
    assert lines[1] == ["lies.png", "right", "0.98", "1200", "200", "200", "40", "8000", "200", "1"]
    assert lines[2] == ["lies.png", "left", "0.90", "400", "40", "400", "80", "7424", "400", "1"]
    assert lines[3] == ["lies.png", "left", "0.90", "600", "80", "40", "32", "1280", "40", "1"]
    assert "broken.jpg: the bytes are not a picture" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 pictures: 3 defects"


def test_a_line_a_defect_for_programs() -> None:
    result = score("--defects", "--csv", "lies.png", "line 3", "broken.jpg")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["path"], row["class"], row["x"], row["y"]) for row in rows] == [
        ("lies.png", "right", "1200", "200"), ("lies.png", "left", "400", "40"), ("lies.png", "left", "600", "80"),
        ("line 3/stands.tif", "right", "16", "1200"), ("line 3/stands.tif", "left", "136", "400"),
        ("line 3/stands.tif", "left", "144", "600"), ("broken.jpg", "", "", "")]  # fmt: skip
    assert rows[-1]["error"].startswith("the bytes are not a picture")
    assert all(None not in row for row in rows)


def test_a_submission_to_kaggle(pictures: Path) -> None:
    result = score("--json", "--rle", "out/submission.csv", "lies.png", "line 3", "broken.jpg")
    assert result.exit_code == 1
    assert all("masks" not in json.loads(line) for line in result.stdout.splitlines())
    written = (pictures / "out" / "submission.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [row["ImageId_ClassId"] for row in rows] == [
        f"{name}_{number}" for name in ("lies.png", "stands.tif", "broken.jpg") for number in (1, 2)]  # fmt: skip
    lying, standing = damaged(), np.rot90(damaged(), -1)
    for row, expected in zip(
        rows, (lying > 200, lying < 20, standing > 200, standing < 20, lying < 0, lying < 0), strict=True
    ):
        assert np.array_equal(decode(row["EncodedPixels"], *expected.shape), expected), row["ImageId_ClassId"]
    assert rows[1]["EncodedPixels"].startswith("307401 40 307657 40 "), "column by column, counted from 1"


def test_masks_are_printed_if_they_are_asked_for() -> None:
    row = json.loads(score("--json", "--masks", "--rle", "submission.csv", "lies.png").stdout)
    assert row["masks"]["rows"] == 32


def pixels_of(segmentation: dict[str, Any]) -> NDArray[np.bool_]:
    flat = np.repeat(np.arange(len(segmentation["counts"])) % 2 == 1, segmentation["counts"])
    return flat.reshape(segmentation["size"], order="F")


def test_annotations_of_coco(pictures: Path) -> None:
    score("--coco", "coco.json", "lies.png", "line 3", "broken.jpg")
    content = json.loads((pictures / "coco.json").read_text(encoding="utf-8"))
    assert content["categories"] == [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}]
    assert content["images"] == [
        {"id": 1, "file_name": "lies.png", "width": 1600, "height": 256},
        {"id": 2, "file_name": "line 3/stands.tif", "width": 256, "height": 1600}]  # fmt: skip
    found = content["annotations"]
    assert [one["id"] for one in found] == [1, 2, 3, 4, 5, 6]
    assert [one["image_id"] for one in found] == [1, 1, 1, 2, 2, 2]
    assert [one["bbox"] for one in found[:3]] == [[1200, 200, 200, 40], [400, 40, 400, 80], [600, 80, 40, 32]]
    assert [one["category_id"] for one in found] == [2, 1, 1, 2, 1, 1]
    inner = np.zeros((256, 1600), np.bool_)
    inner[80:112, 600:640] = True
    outer = (damaged() > 200) & ~inner
    for one, expected in zip(found, (damaged() < 20, outer, inner), strict=False):
        assert np.array_equal(pixels_of(one["segmentation"]), expected)
    assert np.array_equal(pixels_of(found[4]["segmentation"]), np.rot90(outer, -1))
    assert all(pixels_of(one["segmentation"]).sum() == one["area"] for one in found)


def test_pictures_with_outlines(pictures: Path) -> None:
    score("--overlay", "seen", "lies.png", "line 3", "broken.jpg")
    assert sorted(str(path.relative_to(pictures)) for path in (pictures / "seen").rglob("*.png")) == [
        "seen/lies.png.png", "seen/line 3/stands.tif.png"]  # fmt: skip
    drawn = np.asarray(Image.open(pictures / "seen" / "lies.png.png").convert("RGB"))
    assert drawn.shape == (256, 1600, 3)
    coloured = np.ptp(drawn, axis=2) > 30
    assert coloured[81, 600:640].all(), "the outline"
    assert not coloured[90:100, 610:630].any(), "not what lies inside"
    assert (drawn[90:100, 610:630] == BRIGHT).all()
    assert (drawn[130:190, 100:300] == SOUND).all(), "nor what is sound"
    assert (drawn[20:40, 400:420] == 0).any(), "the name stands above it"


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["--defects", "--json", "lies.png"], 2, "--json has them anyway"),
        (["--masks", "lies.png"], 2, "--masks goes with --json"),
        (["--rle", "a.csv", "lies.png", "copy"], 2, "2 of them are called lies.png"),
        (["--overlay", ".", "lies.png", "lies.png.png"], 2, "would overwrite the picture lies.png.png"),
        (["--coco", "a.json", "s3://uploads"], 2, "go with pictures of this machine"),
    ],
)
def test_what_cannot_be_meant(pictures: Path, arguments: list[str], status: int, complaint: str) -> None:
    (pictures / "copy").mkdir()
    for name in ("copy/lies.png", "lies.png.png"):
        (pictures / name).write_bytes((pictures / "lies.png").read_bytes())
    result = score(*arguments)
    assert (result.exit_code, complaint in result.stderr) == (status, True)


def test_a_model_without_masks_writes_nothing() -> None:
    result = score("--coco", "a.json", "lies.png", model="probe.onnx")
    assert result.exit_code == 1
    assert "the model probe 1 gives no masks" in result.stderr
