"""What labels of other tools leave open is asked for, and what contradicts itself is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from steel_defect_trainer.cli.import_labels import command
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.mask_files import MaskFile
from tests.trainer.data.folders import noise_picture, write_picture

if TYPE_CHECKING:
    from click.testing import Result

SIZE = (64, 96)
GREEN, BLUE = (44, 160, 44), (31, 119, 180)
COLOURS = {
    "0": {"class-name": "BACKGROUND", "hex-color": "#ffffff", "confidence": 0.0},
    "1": {"class-name": "scratch", "hex-color": "#2ca02c", "confidence": 0.0},
    "2": {"class-name": "dent", "hex-color": "#1f77b4", "confidence": 0.0},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures of which none is like another."""
    for seed, name in enumerate("abcd"):
        write_picture(tmp_path / "source" / "images" / f"{name}.png", noise_picture(seed, *SIZE))
    return tmp_path / "source"


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(command, [str(folder), "-o", str(folder.parent / "out"), *options])


def refused(folder: Path, *options: str) -> str:
    result = run(folder, *options)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def coco(folder: Path, labels: dict[str, list[str]], **annotation: Any) -> None:  # noqa: ANN401 - of COCO
    classes = sorted({label for of in labels.values() for label in of})
    images = [{"id": n, "file_name": f"{name}.png", "width": 96, "height": 64} for n, name in enumerate(labels)]
    annotations = [
        {"id": 10 * n + m, "image_id": n, "category_id": classes.index(label), "bbox": [8, 8, 16, 16], **annotation}
        for n, of in enumerate(labels.values())
        for m, label in enumerate(of)
    ]
    categories = [{"id": n, "name": name} for n, name in enumerate(classes)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "labels.json").write_text(json.dumps(content))


def manifest(folder: Path, *entries: tuple[str, str, str | None]) -> Path:
    """As the documentation of Lookout for Vision has it: picture, class, and mask if there is one."""
    lines = []
    for name, label, mask in entries:
        about = {"class-name": label, "type": "groundtruth/image-classification", "confidence": 1}
        entry: dict[str, Any] = {"source-ref": f"s3://line/images/{name}.png"}
        entry |= {"anomaly-label": int(label == "anomaly"), "anomaly-label-metadata": about}
        if mask is not None:
            entry["anomaly-mask-ref"] = f"s3://line/masks/{mask}"
            of = {"internal-color-map": COLOURS, "type": "groundtruth/semantic-segmentation"}
            entry["anomaly-mask-ref-metadata"] = of
        lines.append(json.dumps(entry))
    (folder / "output.manifest").write_text("\n".join(lines) + "\n")
    return folder / "output.manifest"


def coloured(folder: Path, name: str, *areas: tuple[Any, tuple[int, int, int]]) -> None:
    pixels = np.full((*SIZE, 3), 255, np.uint8)
    for area, colour in areas:
        pixels[area] = colour
    (folder / "masks").mkdir(exist_ok=True)
    Image.fromarray(pixels).quantize().save(folder / "masks" / name)


def test_masks_of_lookout_for_vision_are_read_by_their_colours(folder: Path) -> None:
    coloured(folder, "a.png", (np.s_[8:16, 4:60], GREEN), (np.s_[32:48, 32:64], BLUE))
    coloured(folder, "b.png")
    manifest(folder, ("a", "anomaly", "a.png"), ("b", "normal", "b.png"), ("c", "normal", None), ("d", "anomaly", None))
    result = run(folder)
    assert result.exit_code == 0, result.output
    dataset = open_data(folder.parent / "out")
    assert dataset.class_names == ("anomaly", "dent", "scratch")
    by_name = {Path(picture.name).stem: picture for picture in dataset.pictures}
    assert {name: set(picture.classes) for name, picture in by_name.items()} == {
        "a": {1, 2},
        "b": set(),
        "c": set(),
        "d": {0},
    }
    masks = [by_name["a"].masks[number] for number in (1, 2)]
    dent, scratch = (mask.mask(SIZE) for mask in masks if isinstance(mask, MaskFile))
    assert np.argwhere(scratch)[[0, -1]].tolist() == [[8, 4], [15, 59]]
    assert np.argwhere(dent)[[0, -1]].tolist() == [[32, 32], [47, 63]]


@pytest.mark.parametrize(
    ("entry", "areas", "said"),
    [
        (("a", "normal", "a.png"), [(np.s_[8:16, 4:60], GREEN)], "a.png is normal, and its mask or boxes show scratch"),
        (("a", "anomaly", "a.png"), [(np.s_[8:16, 4:60], (9, 9, 9))], "has #090909, which the colour map of"),
        (("a", "anomaly", "x.png"), [], "the mask s3://line/masks/x.png is not in"),
        (("x", "anomaly", None), [], "the picture s3://line/images/x.png is not in"),
    ],
)
def test_a_manifest_that_contradicts_its_masks_is_refused(
    folder: Path, entry: tuple[str, str, str | None], areas: list[Any], said: str
) -> None:
    coloured(folder, "a.png", *areas)
    assert said in refused(manifest(folder, entry, ("b", "normal", None)))


def test_boxes_of_ground_truth(folder: Path) -> None:
    boxes = [{"class_id": 0, "left": 4, "top": 8, "width": 16, "height": 24}]
    about = {"type": "groundtruth/object-detection", "class-map": {"0": "scratch"}}
    lines = [
        {
            "source-ref": f"s3://line/{name}.png",
            "steel": {"image_size": [{"width": 96, "height": 64, "depth": 1}], "annotations": of},
            "steel-metadata": about,
        }
        for name, of in (("a", boxes), ("b", []))
    ]
    (folder / "output.manifest").write_text("\n".join(map(json.dumps, lines)))
    assert run(folder).exit_code == 0
    table = (folder.parent / "out" / "labels.csv").read_text().splitlines()
    assert table[1:] == ["pictures/images/a.png,scratch,,,4 8 20 32", "pictures/images/b.png,clean,,,"]


def test_pictures_without_a_label_are_asked_for(folder: Path) -> None:
    coco(folder, {"a": ["scratch"], "b": []})
    said = refused(folder)
    assert "the labels say nothing of 3 pictures" in said
    assert "--unlabelled clean" in said
    assert not (folder.parent / "out").exists()
    assert "has no clean pictures" in refused(folder, "--unlabelled", "leave-out")
    assert run(folder, "--unlabelled", "clean").exit_code == 0
    assert len(open_data(folder.parent / "out")) == 4


def test_clean_pictures_may_come_from_another_folder(folder: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "sound" / "images" / "a.png", noise_picture(9, *SIZE))
    coco(folder, {"a": ["scratch"]})
    assert run(folder, "--unlabelled", "leave-out", "--clean", str(tmp_path / "sound")).exit_code == 0
    pictures = open_data(tmp_path / "out").pictures
    assert [(picture.name, len(picture.classes)) for picture in pictures] == [
        ("pictures/2/images/a.png", 1),
        ("pictures/images/a.png", 0),
    ]


@pytest.mark.parametrize("word", ["good", "OK", "Normal", "clean"])
def test_labels_that_say_clean_are_clean(folder: Path, word: str) -> None:
    coco(folder, {"a": ["scratch"], "b": [word], "c": [word], "d": [word]})
    assert run(folder).exit_code == 0
    assert [len(picture.classes) for picture in open_data(folder.parent / "out").pictures] == [1, 0, 0, 0]


def test_labels_of_clean_pictures_alone_are_for_the_recipe_that_learns_from_them(folder: Path) -> None:
    coco(folder, {"a": ["ok"], "b": ["ok"]})
    result = run(folder, "--unlabelled", "leave-out")
    assert result.exit_code == 0, result.output
    assert f"steel-defect train clean {folder.parent / 'out'}" in result.output
    assert not any(picture.classes for picture in open_data(folder.parent / "out").pictures)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"a": ["Scratch"], "b": ["scratches"], "c": ["ok"]}, "'Scratch' and 'scratches' differ only in capitals"),
        ({"a": ["scratch"], "b": ["no defect"], "c": ["ok"]}, "'no defect' reads as if it were no defect"),
        ({"a": ["scratch", "good"], "b": ["ok"]}, "a.png is both good and scratch"),
        ({"a": ["scratch"], "x": ["ok"]}, "the picture x.png is not in"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(folder: Path, labels: dict[str, list[str]], said: str) -> None:
    coco(folder, labels)
    assert said in refused(folder, "--unlabelled", "leave-out")
    assert not (folder.parent / "out").exists()


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ({"bbox": [96, 8, 16, 16]}, "a box of scratch has no pixel inside"),
        ({"segmentation": [[100, 8, 120, 8, 110, 20]]}, "a shape of scratch has no pixel inside"),
        ({"bbox": [8, 8, 0, 16]}, "its box has the size 0 x 16"),
        ({"segmentation": {"size": [96, 64], "counts": [6144]}}, "a mask has 64 x 96 pixels"),
        ({"segmentation": {"size": [64, 96], "counts": [10, 20]}}, "the runs of a mask have 30 pixels, not 6144"),
        ({"image_id": 77}, "is of image 77"),
    ],
)
def test_places_that_are_of_no_picture_are_refused(folder: Path, annotation: dict[str, object], said: str) -> None:
    coco(folder, {"a": ["scratch"], "b": []}, **annotation)
    assert said in refused(folder, "--unlabelled", "clean")
    assert not list(folder.parent.glob("*out*"))


def test_an_empty_mask_leaves_the_place_unknown(folder: Path) -> None:
    coco(folder, {"a": ["scratch"], "b": []}, segmentation={"size": [64, 96], "counts": [6144]})
    assert run(folder, "--unlabelled", "clean").exit_code == 0
    first = open_data(folder.parent / "out").pictures[0]
    assert (len(first.classes), dict(first.masks)) == (1, {})


def test_labels_of_a_picture_of_another_size_are_refused(folder: Path) -> None:
    coco(folder, {"a": ["scratch"], "b": []})
    write_picture(folder / "images" / "a.png", noise_picture(0, 96, 64))
    assert "the labels are of a picture of 96 x 64 pixels" in refused(folder, "--unlabelled", "clean")


def test_one_picture_under_two_labels_is_written_and_said(folder: Path) -> None:
    shutil.copy(folder / "images" / "a.png", folder / "images" / "b.png")
    coco(folder, {"a": ["scratch"], "b": ["ok"]})
    said = refused(folder, "--unlabelled", "leave-out")
    assert "out is written, and has to be corrected there" in said
    assert "are the same picture, byte for byte" in said


def test_a_mask_of_mvtec_that_is_inverted_is_said(folder: Path) -> None:
    for part in ("train/good", "test/scratch", "ground_truth/scratch"):
        (folder / part).mkdir(parents=True)
    shutil.move(folder / "images" / "a.png", folder / "train" / "good" / "000.png")
    shutil.move(folder / "images" / "b.png", folder / "test" / "scratch" / "000.png")
    inverted = np.full(SIZE, 255, np.uint8)
    inverted[8:16, 4:60] = 0
    write_picture(folder / "ground_truth" / "scratch" / "000_mask.png", inverted)
    assert "covers 93% of its picture with scratch" in refused(folder)


def test_a_name_that_fits_two_pictures_is_refused(folder: Path) -> None:
    write_picture(folder / "others" / "a.png", noise_picture(8, *SIZE))
    coco(folder, {"a": ["scratch"], "b": ["ok"]})
    assert "a.png may be" in refused(folder, "--unlabelled", "leave-out")
    assert run(folder, "--unlabelled", "leave-out", "--pictures", str(folder / "images")).exit_code == 0


def test_labels_of_two_tools_in_one_folder_are_refused(folder: Path) -> None:
    coco(folder, {"a": ["scratch"], "b": ["ok"]})
    manifest(folder, ("a", "anomaly", None), ("b", "normal", None))
    assert "has labels of COCO" in refused(folder)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2 0.5 0.5 0.1 0.1", "there is no class 2; the classes are 0 scratch, 1 pits"),
        ("0 0.5 0.5 0.1 0.1 0.87", "what a network predicted"),
        ("0 48 32 10 10", "shares of the picture from 0 to 1"),
        ("scratch 0.5 0.5 0.1 0.1", "expected a class and numbers"),
    ],
)
def test_lines_of_yolo_that_cannot_be_meant_are_refused(folder: Path, line: str, said: str) -> None:
    (folder / "classes.txt").write_text("scratch\npits\n")
    (folder / "images" / "a.txt").write_text(line)
    assert said in refused(folder, "--unlabelled", "clean")


def test_labels_of_yolo_without_a_picture_are_refused(folder: Path) -> None:
    (folder / "classes.txt").write_text("scratch\n")
    (folder / "labels").mkdir()
    (folder / "labels" / "x.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert "has labels of no picture" in refused(folder)


def test_a_shape_without_an_area_leaves_the_place_of_its_class_unknown(folder: Path) -> None:
    """A polygon beside it would otherwise say that the rest of the picture is sound."""
    (folder / "annotations.xml").write_text(
        '<annotations><image id="0" name="a.png" width="96" height="64">'
        '<polygon label="scratch" points="8,8;20,8;20,30"/><polyline label="scratch" points="40,8;90,60"/></image>'
        '<image id="1" name="b.png" width="96" height="64"><tag label="ok"/></image></annotations>'
    )
    assert run(folder, "--unlabelled", "leave-out").exit_code == 0
    assert [dict(picture.masks) for picture in open_data(folder.parent / "out").pictures] == [{}, {}]


def test_a_box_beside_a_polygon_is_unknown_in_its_mask(folder: Path) -> None:
    (folder / "annotations.xml").write_text(
        '<annotations><image id="0" name="a.png" width="96" height="64">'
        '<polygon label="scratch" points="8,8;20,8;20,30"/>'
        '<box label="scratch" xtl="40" ytl="8" xbr="60" ybr="20"/></image>'
        '<image id="1" name="b.png" width="96" height="64"><tag label="ok"/></image></annotations>'
    )
    assert run(folder, "--unlabelled", "leave-out").exit_code == 0
    (mask,) = (folder.parent / "out" / "masks").rglob("*.png")
    levels, counts = np.unique(np.asarray(Image.open(mask)), return_counts=True)
    assert dict(zip(levels.tolist(), counts.tolist(), strict=True))[255] == 240
    assert open_data(folder.parent / "out").pictures[0].masks


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ("1 2 3", "boxes are 'left top right bottom'"),
        ("1 2 x 4", "boxes are 'left top right bottom'"),
        ("4 2 4 9", "the box 4 2 4 9 is empty or leaves the picture"),
        ("4 2 97 9", "the box 4 2 97 9 is empty or leaves the picture"),
    ],
)
def test_boxes_of_a_table_that_cannot_be_meant_are_refused(folder: Path, boxes: str, said: str) -> None:
    (folder / "labels.csv").write_text(f"file,label,boxes\nimages/a.png,scratch,{boxes}\nimages/b.png,clean,\n")
    with pytest.raises(Exception, match=said):
        open_data(folder)


def test_labels_of_one_part_are_not_those_of_a_picture_of_the_same_name_in_another(folder: Path) -> None:
    (folder / "classes.txt").write_text("scratch\n")
    for part, line in (("train", "0 0.5 0.5 0.1 0.1"), ("val", "")):
        write_picture(folder / "images" / part / "x.png", noise_picture(len(part), *SIZE))
        (folder / "labels" / part).mkdir(parents=True)
        (folder / "labels" / part / "x.txt").write_text(line)
    assert run(folder, "--unlabelled", "leave-out").exit_code == 0
    pictures = open_data(folder.parent / "out").pictures
    assert [(picture.name, len(picture.classes)) for picture in pictures] == [
        ("pictures/images/train/x.png", 1),
        ("pictures/images/val/x.png", 0),
    ]
    shutil.rmtree(folder.parent / "out")
    (folder / "labels" / "val" / "x.txt").unlink()
    said = refused(folder)
    assert "say nothing of 5 pictures" in said


def test_masks_of_one_name_in_two_folders_are_of_two_pictures(folder: Path) -> None:
    (folder / "labelmap.txt").write_text("background:0,0,0::\nscratch:255,0,0::\npits:0,255,0::\n")
    for day, colour in (("monday", (255, 0, 0)), ("tuesday", (0, 255, 0))):
        write_picture(folder / "JPEGImages" / day / "x.png", noise_picture(len(day), *SIZE))
        mask = np.zeros((*SIZE, 3), np.uint8)
        mask[8:16, 8:16] = colour
        (folder / "SegmentationClass" / day).mkdir(parents=True)
        Image.fromarray(mask).save(folder / "SegmentationClass" / day / "x.png")
    assert run(folder, "--unlabelled", "clean").exit_code == 0
    dataset = open_data(folder.parent / "out")
    labels = {picture.name: [dataset.class_names[number] for number in picture.classes] for picture in dataset.pictures}
    assert labels["pictures/JPEGImages/monday/x.png"] == ["scratch"]
    assert labels["pictures/JPEGImages/tuesday/x.png"] == ["pits"]


def test_boxes_beside_masks_in_colours_are_kept(folder: Path) -> None:
    """Whatever has no mask would be called clean otherwise."""
    (folder / "labelmap.txt").write_text("background:0,0,0::\nscratch:255,0,0::\n")
    (folder / "SegmentationClass").mkdir()
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(folder / "SegmentationClass" / "a.png")
    (folder / "Annotations").mkdir()
    box = "<bndbox><xmin>4</xmin><ymin>8</ymin><xmax>20</xmax><ymax>32</ymax></bndbox>"
    (folder / "Annotations" / "a.xml").write_text(
        f"<annotation><filename>a.png</filename><object><name>pits</name>{box}</object></annotation>"
    )
    assert run(folder, "--unlabelled", "clean").exit_code == 0
    assert "pictures/images/a.png,pits,,,4 8 20 32" in (folder.parent / "out" / "labels.csv").read_text()


def test_void_of_a_labelmap_stays_unknown(folder: Path) -> None:
    (folder / "labelmap.txt").write_text("background:0,0,0::\nscratch:255,0,0::\nignored:224,224,192::\n")
    (folder / "SegmentationClass").mkdir()
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[8:16, 8:16] = (255, 0, 0)
    mask[32:64, 32:64] = (224, 224, 192)
    Image.fromarray(mask).save(folder / "SegmentationClass" / "a.png")
    assert run(folder, "--unlabelled", "clean").exit_code == 0
    (written,) = (folder.parent / "out" / "masks").rglob("*.png")
    assert np.unique(np.asarray(Image.open(written)), return_counts=True)[1].tolist() == [5056, 64, 1024]


def test_packed_labels_are_to_be_unpacked(folder: Path) -> None:
    (folder / "labels.zip").write_bytes(b"PK")
    assert "is packed; unpack it" in refused(folder / "labels.zip")
