"""Each layout reads to the same kind of data set, and what is wrong is said with file and row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.errors import DataError
from tests.trainer.data.folders import box_runs, noise_picture, write_picture, write_severstal, write_table

if TYPE_CHECKING:
    from pathlib import Path

SPEC = InputSpec()
DEFECTS = ("ImageId", "ClassId", "EncodedPixels")
FOUR_ROWS = ("ImageId_ClassId", "EncodedPixels")


def test_severstal_pictures_without_a_row_are_clean(tmp_path: Path) -> None:
    dataset = open_data(write_severstal(tmp_path, [(), (1, 3), (4,)]))
    assert [picture.name for picture in dataset.pictures] == [f"train_images/{place}.jpg" for place in range(3)]
    assert [set(picture.classes) for picture in dataset.pictures] == [set(), {0, 2}, {3}]
    strips = load(dataset, SPEC, tmp_path / "cache")
    assert strips.classes.tolist() == [[0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    # The box of class 3 is in rows 64 to 128 and columns 384 to 448: halved, just the cell in row 1, column 6.
    assert np.argwhere(strips.cells[1, 2] == 1).tolist() == [[1, 6]]
    assert (strips.cells == 0).sum() == strips.cells.size - 3


def test_both_published_formats_say_the_same(tmp_path: Path) -> None:
    defects = open_data(write_severstal(tmp_path, [(), (1, 3), (4,)]))
    runs = {(picture.name, number): mask for picture in defects.pictures for number, mask in picture.masks.items()}
    expected = load(defects, SPEC, tmp_path / "cache")
    rows = []
    for place in range(3):
        for number in range(4):
            mask = runs.get((f"train_images/{place}.jpg", number))
            rows.append((f"{place}.jpg_{number + 1}", getattr(mask, "text", "")))
    write_table(tmp_path / "train.csv", FOUR_ROWS, rows)
    strips = load(open_data(tmp_path), SPEC, tmp_path / "other-cache")
    assert np.array_equal(strips.classes, expected.classes)
    assert np.array_equal(strips.cells, expected.cells)
    assert strips.digest == expected.digest


def test_folders_are_searched_through_and_places_are_unknown(tmp_path: Path) -> None:
    write_picture(tmp_path / "defect" / "monday" / "a.png", noise_picture(1, 90, 120))
    write_picture(tmp_path / "clean" / "monday" / "b.jpg", noise_picture(2, 90, 120))
    (tmp_path / "clean" / "notes.txt").write_text("not a picture")
    dataset = open_data(tmp_path)
    assert dataset.class_names == ("defect",)
    assert [(item.name, set(item.classes)) for item in dataset.pictures] == [
        ("clean/monday/b.jpg", set()),
        ("defect/monday/a.png", {0}),
    ]
    strips = load(dataset, SPEC, tmp_path / "cache")
    assert (strips.cells[0] == 0).all()
    assert (strips.cells[1] == -1).all()


def test_table_has_classes_masks_and_groups(tmp_path: Path) -> None:
    for name in "abc":
        write_picture(tmp_path / f"{name}.png", noise_picture(ord(name), 256, 512))
    mask = np.zeros((256, 512), np.uint8)
    mask[:128, :128] = 1  # not 255: brighter than half of the brightest is what counts
    write_picture(tmp_path / "masks" / "b.png", mask)
    rows = [
        ("a.png", "clean", "", "coil 1"),
        ("b.png", "scale", "masks/b.png", "coil 1"),
        ("b.png", "dent", "", "coil 1"),
    ]
    write_table(tmp_path / "labels.csv", ("file", "label", "mask", "group"), [*rows, ("c.png", "Clean", "", "")])
    dataset = open_data(tmp_path)
    assert dataset.class_names == ("dent", "scale")
    assert [picture.group for picture in dataset.pictures] == ["coil 1", "coil 1", "c.png"]
    strips = load(dataset, SPEC, tmp_path / "cache")
    assert strips.classes.tolist() == [[0, 0], [1, 1], [0, 0]]
    # 256 x 512 fits into 128 x 256: the damage is in the first 2 x 2 cells, and the padding is sound.
    assert np.argwhere(strips.cells[1, 1] == 1).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert (strips.cells[1, 0] == -1).all()


def test_masks_follow_pictures_that_are_stretched(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", noise_picture(1, 100, 300))
    mask = np.zeros((100, 300), np.uint8)
    mask[50:, 150:] = 255
    write_picture(tmp_path / "m.png", mask)
    write_table(tmp_path / "labels.csv", ("file", "label", "mask"), [("a.png", "dent", "m.png")])
    cells = load(open_data(tmp_path), InputSpec(height=64, width=64, resize="stretch"), tmp_path / "cache").cells
    assert cells[0, 0].tolist() == [[0, 0], [0, 1]]


def _table(folder: Path, text: str | bytes) -> Path:
    for seed, name in enumerate(("a.png", "b.png")):
        write_picture(folder / name, noise_picture(seed, 64, 64))
    (folder / "labels.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,class\na.png,clean\n", r"labels\.csv, row 1: no column label; found file,class"),
        ("", r"labels\.csv, row 1: no column file, label; found nothing"),
        ("file,label\na.png,clean\nc.png,dent\n", r"labels\.csv, row 3: picture .*c\.png is missing"),
        ("file,label\na.png\n", r"labels\.csv, row 2: expected 2 values"),
        ("file,label\na.png,clean,x\n", r"labels\.csv, row 2: expected 2 values"),
        ("file,label\na.png,\n", r"labels\.csv, row 2: file and label must both be given"),
        ("file,label\na.png,dent\nb.png,clean\na.png,dent\n", r"row 4: a\.png is dent by row 2, and dent here"),
        ("file,label\na.png,dent\na.png,clean\n", r"row 3: a\.png is dent by row 2, and clean here"),
        ("file,label,mask\na.png,clean,b.png\n", r"row 2: a\.png is clean, so it has no mask"),
        ("file,label,group\na.png,x,1\na.png,y,2\n", r"row 3: a\.png is in group 1 by row 2, and in 2 here"),
        (b"file,label\na.png,\xe4\n", r"labels\.csv is not UTF-8"),
        ("file,label\n", r"holds no picture"),
    ],
)
def test_a_broken_table_is_reported_with_its_row(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        open_data(_table(tmp_path, text))


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (None, r"labels\.csv, row 2: the mask .*m\.png cannot be read"),
        (np.ones((64, 65), np.uint8), r"row 2: the mask .*m\.png has 65 x 64 pixels, its picture 64 x 64"),
        (np.zeros((64, 64), np.uint8), r"row 2: the mask .*m\.png is black"),
    ],
)
def test_a_broken_mask_is_reported_with_its_row(tmp_path: Path, mask: np.ndarray | None, said: str) -> None:
    if mask is not None:
        write_picture(tmp_path / "m.png", mask)
    _table(tmp_path, "file,label,mask\na.png,dent,m.png\nb.png,clean,\n")
    with pytest.raises(DataError, match=said):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (("ImageId", "Class"), [], r"train\.csv, row 1: no column ClassId, EncodedPixels"),
        (DEFECTS, [("0.jpg", 5, "1 1")], r"train\.csv, row 2: unknown class '5' of picture '0\.jpg'"),
        (DEFECTS, [("0.jpg", 1, "1 1"), ("0.jpg", 1, "5 1")], r"row 3: class 1 of 0\.jpg is in row 2 already"),
        (DEFECTS, [("0.jpg", 1, "1 1"), ("9.jpg", 1, "1 1")], r"row 3: picture train_images/9\.jpg is missing"),
        (DEFECTS, [("0.jpg", 1, "")], r"row 2: 0\.jpg has class 1 but no EncodedPixels"),
        (FOUR_ROWS, [("0.jpg", "")], r"row 2: unknown class '0\.jpg' of picture ''"),
        (FOUR_ROWS, [("0.jpg_1", "1 1")], r"has no rows of picture train_images/1\.jpg; in this format each"),
    ],
)
def test_a_broken_severstal_table_is_reported_with_its_row(
    tmp_path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]], said: str
) -> None:
    write_severstal(tmp_path, [(1,), ()])
    write_table(tmp_path / "train.csv", header, rows)
    with pytest.raises(DataError, match=said):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("runs", "said"), [("409600 2", "leaves the picture"), ("1 2 3", "pairs"), ("x 1", "whole numbers")]
)
def test_broken_runs_are_reported_with_their_row(tmp_path: Path, runs: str, said: str) -> None:
    write_severstal(tmp_path, [(1,), (2,)])
    write_table(tmp_path / "train.csv", DEFECTS, [("0.jpg", 1, box_runs(0, 0, 9, 9)), ("1.jpg", 2, runs)])
    with pytest.raises(DataError, match=rf"train\.csv, row 3: .*{said}"):
        load(open_data(tmp_path), SPEC, tmp_path / "cache")


def test_a_severstal_picture_of_another_size_is_named(tmp_path: Path) -> None:
    write_severstal(tmp_path, [(), (1,)])
    write_picture(tmp_path / "train_images" / "0.jpg", noise_picture(0, 128, 800))
    with pytest.raises(DataError, match=r"0\.jpg has 800 x 128 pixels; those of this data set have 1600 x 256"):
        load(open_data(tmp_path), SPEC, tmp_path / "cache")


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    write_severstal(tmp_path, [(), (1,)])
    (tmp_path / "train_images" / "1.jpg").write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(DataError, match=r"train_images/1\.jpg: .*not a picture"):
        load(open_data(tmp_path), SPEC, tmp_path / "cache")


def test_a_folder_without_layout_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.csv and train_images/, labels\.csv, or defect/ and clean/"):
        open_data(tmp_path)
    (tmp_path / "defect").mkdir()
    with pytest.raises(DataError, match=r"has no folder clean/"):
        open_data(tmp_path)
    (tmp_path / "train.csv").write_text("ImageId,ClassId,EncodedPixels\n")
    with pytest.raises(DataError, match=r"no folder train_images/"):
        open_data(tmp_path)
