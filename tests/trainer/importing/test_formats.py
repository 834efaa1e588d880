"""Labels as their own tools wrote them (`make_samples.py` says how) become the right pictures, classes and pixels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from pycocotools.coco import COCO

from steel_defect_trainer.cli.import_labels import command
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.mask_files import MaskFile
from steel_defect_trainer.data.masks import BoxMask

if TYPE_CHECKING:
    from click.testing import Result

SAMPLES: Final = Path(__file__).parent / "samples"
SIZE: Final = (64, 96)
PITS_BOX: Final = ((32, 32, 47, 63),)
RUNS: Final = np.zeros(SIZE, np.bool_)
RUNS[40:44, 5:70] = True
RUNS[41, 20:30] = False
NO_PLACE: Final = "no place"
# By COCO's own library, so not by ours.
POLYGON: Final = COCO(SAMPLES / "coco" / "annotations" / "instances_train.json")
BOXED: Final = np.zeros(SIZE, np.bool_)
BOXED[32:48, 32:64] = True


def scratch() -> np.ndarray:
    drawn: np.ndarray = POLYGON.annToMask(POLYGON.anns[1]).astype(bool)
    return drawn


def imported(tmp_path: Path, source: Path, *options: str) -> dict[str, dict[str, object]]:
    """Import, and read as the trainer does: picture to label to the place that it has."""
    result = run(tmp_path, source, *options)
    assert result.exit_code == 0, result.output
    dataset = open_data(tmp_path / "out")
    read: dict[str, dict[str, object]] = {}
    for picture in dataset.pictures:
        original = next((SAMPLES / "pictures").glob(Path(picture.name).name))
        assert (dataset.folder / picture.name).read_bytes() == original.read_bytes()
        places: dict[str, object] = {}
        for number in picture.classes:
            mask = picture.masks.get(number)
            found: object = NO_PLACE
            if isinstance(mask, MaskFile):
                found = mask.mask(SIZE)
            elif isinstance(mask, BoxMask):
                found = mask.boxes
            places[dataset.class_names[number]] = found
        read[Path(picture.name).stem] = places
    return read


def run(tmp_path: Path, source: Path, *options: str) -> Result:
    return CliRunner().invoke(command, [str(source), "-o", str(tmp_path / "out"), *options])


def same(read: dict[str, dict[str, object]], expected: dict[str, dict[str, object]]) -> None:
    assert {name: set(places) for name, places in read.items()} == {name: set(of) for name, of in expected.items()}
    for name, places in expected.items():
        for label, place in places.items():
            np.testing.assert_array_equal(read[name][label], place, err_msg=f"{label} of {name}")


PICTURES = ("--pictures", str(SAMPLES / "pictures"))
UNLABELLED = ("--unlabelled", "clean")
BOTH = {"scratch": scratch(), "pits": PITS_BOX}


def test_coco_of_datumaro(tmp_path: Path) -> None:
    assert POLYGON.annToMask(POLYGON.anns[3]).astype(bool).sum() == RUNS.sum()
    read = imported(tmp_path, SAMPLES / "coco", *PICTURES, *UNLABELLED)
    same(read, {"both": BOTH, "runs": {"scratch": RUNS}, "box": {"pits": PITS_BOX}, "clean": {}})


def test_coco_with_runs_as_text(tmp_path: Path) -> None:
    content = json.loads((SAMPLES / "coco" / "annotations" / "instances_train.json").read_text())
    text = POLYGON.annToRLE(POLYGON.anns[3])
    content["annotations"][2]["segmentation"] = {"size": list(SIZE), "counts": text["counts"].decode()}
    (tmp_path / "labels.json").write_text(json.dumps(content))
    same(
        {"runs": imported(tmp_path, tmp_path / "labels.json", *PICTURES, *UNLABELLED)["runs"]},
        {"runs": {"scratch": RUNS}},
    )


def test_pascal_voc_of_datumaro_which_leaves_out_clean_pictures(tmp_path: Path) -> None:
    assert "say nothing of 2 pictures" in run(tmp_path, SAMPLES / "voc").output
    read = imported(tmp_path, SAMPLES / "voc", *UNLABELLED)
    same(read, {"both": {"pits": PITS_BOX}, "runs": {}, "box": {"pits": PITS_BOX}, "clean": {}})


def test_pascal_voc_of_labelimg(tmp_path: Path) -> None:
    read = imported(tmp_path, SAMPLES / "labelimg" / "voc", *PICTURES, "--unlabelled", "leave-out")
    same(read, {"both": {"scratch": ((8, 9, 19, 59),), "pits": PITS_BOX}, "box": {"pits": PITS_BOX}, "clean": {}})


def test_masks_in_the_colours_of_a_labelmap(tmp_path: Path) -> None:
    read = imported(tmp_path, SAMPLES / "masks", *UNLABELLED)
    drawn = np.asarray(Image.open(SAMPLES / "masks" / "SegmentationClass" / "both.png").convert("RGB"))
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert len(colours) == 3
    same(
        read,
        {"both": {"scratch": scratch(), "pits": BOXED}, "runs": {"scratch": RUNS}, "box": {"pits": BOXED}, "clean": {}},
    )


def test_yolo_of_datumaro_as_cvat_lays_it_out(tmp_path: Path) -> None:
    same(
        imported(tmp_path, SAMPLES / "yolo"),
        {"both": {"pits": PITS_BOX}, "runs": {}, "box": {"pits": PITS_BOX}, "clean": {}},
    )


def test_yolo_of_labelimg(tmp_path: Path) -> None:
    read = imported(tmp_path, SAMPLES / "labelimg" / "yolo", *PICTURES, "--unlabelled", "leave-out")
    same(read, {"both": {"scratch": ((8, 9, 19, 59),), "pits": PITS_BOX}, "box": {"pits": PITS_BOX}, "clean": {}})


def test_yolo_with_polygons(tmp_path: Path) -> None:
    folder = tmp_path / "yolo"
    shutil.copytree(SAMPLES / "yolo-polygons", folder)
    polygon = [10.0, 8.0, 60.0, 12.0, 58.0, 20.0, 9.0, 15.0]
    shares = [f"{value / SIZE[1 - index % 2]:.10f}" for index, value in enumerate(polygon)]
    with (folder / "labels" / "train" / "both.txt").open("a") as file:
        file.write(f"\n0 {' '.join(shares)}\n")
    read = imported(tmp_path, folder)
    same(read, {"both": BOTH, "runs": {}, "box": {"pits": PITS_BOX}, "clean": {}})


def test_cvat_of_datumaro(tmp_path: Path) -> None:
    read = imported(tmp_path, SAMPLES / "cvat", *UNLABELLED)
    same(read, {"both": BOTH, "runs": {}, "box": {"pits": PITS_BOX}, "clean": {}})


def test_cvat_with_masks_ellipses_and_lines(tmp_path: Path) -> None:
    """A line has no area: the class of its picture is known, and its place is not."""
    read = imported(tmp_path, SAMPLES / "cvat-masks.xml", *PICTURES, *UNLABELLED)
    ellipse = read["both"].pop("pits")
    assert isinstance(ellipse, np.ndarray)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    exact = ((columns - 48) / 16) ** 2 + ((rows - 40) / 8) ** 2 <= 1
    assert (ellipse != exact).sum() < 0.1 * exact.sum()
    same(read, {"both": {"scratch": scratch()}, "runs": {"scratch": RUNS}, "box": {"pits": NO_PLACE}, "clean": {}})


def test_label_studio(tmp_path: Path) -> None:
    read = imported(tmp_path, SAMPLES / "label-studio.json", *PICTURES)
    ellipse = read["box"].pop("pits")
    assert isinstance(ellipse, np.ndarray)
    assert 0.7 < ellipse.sum() / BOXED.sum() < 0.9
    same(read, {"both": BOTH, "runs": {"scratch": RUNS}, "box": {}, "clean": {}})


def test_the_manifest_of_amazons_package_is_read_by_class_names(tmp_path: Path) -> None:
    """Its numbers are 1 for normal and 0 for anomaly, and those of the console are the other way round."""
    lines = [json.loads(line) for line in (SAMPLES / "lookout" / "training.manifest").read_text().splitlines()]
    assert {line["auto-label-metadata"]["class-name"]: line["auto-label"] for line in lines} == {
        "normal": 1,
        "anomaly": 0,
    }
    read = imported(tmp_path, SAMPLES / "lookout" / "training.manifest", *PICTURES)
    same(read, {"both": {"anomaly": NO_PLACE}, "runs": {"anomaly": NO_PLACE}, "clean": {}})


def test_mvtec_ad_of_datumaro(tmp_path: Path) -> None:
    read = imported(tmp_path, SAMPLES / "mvtec")
    same(read, {"both": {"scratch": scratch()}, "runs": {"scratch": RUNS}, "box": {"pits": NO_PLACE}, "clean": {}})


@pytest.mark.parametrize("parts", [("",), ("train", "val")])
def test_class_folders_of_datumaro(tmp_path: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        shutil.copytree(SAMPLES / "class-folders", tmp_path / "folders" / part, dirs_exist_ok=True)
    read = imported(tmp_path, tmp_path / "folders")
    expected = {"both": {"scratch": NO_PLACE}, "runs": {"scratch": NO_PLACE}, "box": {"pits": NO_PLACE}, "clean": {}}
    same(read, expected)  # type: ignore[arg-type]  # either form
