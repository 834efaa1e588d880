"""Masks as labelling tools write them: read as they are meant, or refused with a word about what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from steel_defect.contract import InputSpec
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.data.load import load
from steel_defect_trainer.errors import DataError
from tests.trainer.data.folders import noise_picture, write_picture, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from steel_defect_trainer.data.dataset import DataSet

SIZE = (64, 96)
SCRATCH = np.s_[8:16, 4:60]
PITS = np.s_[32:48, 32:64]
# One and two classes, without and with a level for each.
ONE = [("a.png", "scratch", "m.png", "")]
TWO = [*ONE, ("a.png", "pits", "m.png", "")]
RED, GREEN = (255, 0, 0), (0, 255, 0)
LABEL_MAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\npits:0,255,0::\nscratch:255,0,0::\n"


def drawn(scratch: Any, pits: Any = None, ground: Any = 0, dtype: Any = np.uint8) -> np.ndarray:  # noqa: ANN401 - gray or colour
    """A mask with the two areas in these levels or colours; without pits if they have none."""
    pixels = np.full((*SIZE, *np.shape(scratch)), ground, dtype)
    pixels[SCRATCH] = scratch
    if pits is not None:
        pixels[PITS] = pits
    return pixels


def palette(indexes: np.ndarray, *colours: tuple[int, int, int]) -> Image.Image:
    image = Image.fromarray(indexes, "P")
    image.putpalette([channel for colour in colours for channel in colour])
    return image


def saved(folder: Path, mask: Image.Image | np.ndarray, name: str = "m.png", **options: Any) -> None:  # noqa: ANN401 - Pillow's
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask).save(folder / name, **options)


def opened(folder: Path, rows: Iterable[tuple[str, str, str, str]]) -> DataSet:
    rows = list(rows)
    for seed, name in enumerate(sorted({row[0] for row in rows})):
        write_picture(folder / name, noise_picture(seed, *SIZE))
    write_table(folder / "labels.csv", ("file", "label", "mask", "mask_value"), rows)
    return open_data(folder)


def masks(dataset: DataSet, picture: int = 0) -> dict[str, np.ndarray]:
    found = dataset.pictures[picture].masks
    return {dataset.class_names[number]: mask.mask(SIZE) for number, mask in found.items()}  # type: ignore[attr-defined]  # all are files


def right(dataset: DataSet, *labels: str, picture: int = 0) -> bool:
    """Whether the picture has masks of these classes, each with exactly its own area."""
    areas = {"scratch": drawn(1).astype(bool), "pits": drawn(0, 1).astype(bool)}
    found = masks(dataset, picture)
    return set(found) == set(labels) and all(np.array_equal(found[label], areas[label]) for label in labels)


@pytest.mark.parametrize(
    "mask",
    [
        drawn(1),
        drawn(7),
        drawn(255),
        drawn(2, 0).astype(bool),
        drawn(65535, dtype=np.uint16),
        drawn(1, dtype=np.uint16),
        drawn(RED),
        drawn((9, 9, 9)),
        drawn(RED, ground=255),
        drawn((255, 255, 255, 255), ground=(255, 255, 255, 0)),
        drawn((255, 0, 0, 128), ground=(0, 0, 0, 0)),
        drawn((0, 0, 0, 255), ground=(0, 0, 0, 0)),
        drawn((255, 255, 255, 255), ground=(0, 0, 0, 255)),
        drawn((200, 255), ground=(200, 0)),
        palette(drawn(1), (0, 0, 0), (128, 0, 0)),
        palette(drawn(3), (0, 0, 0), RED, GREEN, (0, 0, 255)),
        palette(drawn(1), (255, 255, 255), (44, 160, 44)),
        palette(drawn(0, ground=1), (255, 255, 255), (0, 0, 0)),
    ],
)
def test_a_mask_of_one_class_is_read_in_every_mode(tmp_path: Path, mask: Image.Image | np.ndarray) -> None:
    saved(tmp_path, mask)
    assert right(opened(tmp_path, ONE), "scratch")


@pytest.mark.parametrize("name", ["m.jpg", "m.tif", "m.bmp", "m.webp"])
def test_a_mask_is_read_in_every_format(tmp_path: Path, name: str) -> None:
    saved(tmp_path, drawn(255), name)
    found = masks(opened(tmp_path, [("a.png", "scratch", name, "")]))["scratch"]
    assert (found != drawn(1).astype(bool)).mean() < 0.01


def test_soft_edges_are_no_levels_of_their_own(tmp_path: Path) -> None:
    large = Image.fromarray(drawn(255)).resize((SIZE[1] * 4 + 3, SIZE[0] * 4 + 3))
    saved(tmp_path, large.resize(SIZE[::-1], Image.Resampling.BICUBIC))
    found = masks(opened(tmp_path, ONE))["scratch"]
    assert (found != drawn(1).astype(bool)).mean() < 0.01
    coloured = np.asarray(Image.fromarray(drawn(RED)).resize((SIZE[1] * 4 + 3, SIZE[0] * 4 + 3)).resize(SIZE[::-1]))
    saved(tmp_path, coloured)
    assert (masks(opened(tmp_path, ONE))["scratch"] != drawn(1).astype(bool)).mean() < 0.01


@pytest.mark.parametrize(
    "mask",
    [
        drawn(1, 2),
        drawn(1, 2, dtype=np.uint16),
        drawn((1, 1, 1), (2, 2, 2)),
        palette(drawn(1, 2), (0, 0, 0), RED, GREEN),
        palette(drawn(1, 2), (0, 0, 0), (1, 1, 1), (2, 2, 2)),
        palette(drawn(1, 2), (0, 0, 0), (128, 128, 128), (255, 255, 255)),
    ],
)
def test_an_index_mask_has_the_classes_in_the_order_of_the_table(tmp_path: Path, mask: Image.Image) -> None:
    saved(tmp_path, mask)
    assert right(opened(tmp_path, TWO), "scratch", "pits")


def test_a_palette_with_a_transparent_background_keeps_its_numbers(tmp_path: Path) -> None:
    saved(tmp_path, palette(drawn(1, 2), (9, 0, 0), RED, GREEN), transparency=0)
    assert right(opened(tmp_path, TWO), "scratch", "pits")


def test_255_beside_numbers_is_void_and_takes_no_part(tmp_path: Path) -> None:
    mask = drawn(1, 2)
    mask[32:64, 64:96] = 255  # one cell
    saved(tmp_path, mask)
    dataset = opened(tmp_path, TWO)
    assert right(dataset, "scratch", "pits")
    cells = load(dataset, InputSpec(height=64, width=96), tmp_path / "cache").cells[0]
    pits, scratch = cells.tolist()
    assert scratch == [[1, 1, 0], [0, 0, -1]]
    assert pits == [[0, 0, 0], [0, 1, -1]]


def test_a_field_that_touches_void_has_no_share(tmp_path: Path) -> None:
    mask = drawn(1)
    mask[8:16, 58:62] = 255  # half of one column of fields and of the next; what is left of the first is damaged
    saved(tmp_path, mask)
    masks_of = load(opened(tmp_path, ONE), InputSpec(height=64, width=96), tmp_path / "cache").masks[0, 0]
    assert masks_of[2:4, 13:17].tolist() == [[100, -1, -1, 0]] * 2
    assert (masks_of == -1).sum() == 4


def test_255_beside_one_number_is_void_too(tmp_path: Path) -> None:
    mask = drawn(1)
    mask[40:50, 40:50] = 255
    saved(tmp_path, mask)
    assert right(opened(tmp_path, ONE), "scratch")


def test_much_255_beside_little_of_a_number_may_be_either(tmp_path: Path) -> None:
    """As a lossy mask leaves it that was saved again as PNG, or a wide void border around a thin scratch."""
    mask = drawn(255)
    mask[20, 4:60] = 1
    saved(tmp_path, mask)
    with pytest.raises(DataError, match=r"m\.png has level 1 and more of 255, .*; write 1 into a column mask_value"):
        opened(tmp_path, ONE)
    assert right(opened(tmp_path, [(*ONE[0][:3], "255")]), "scratch")
    assert masks(opened(tmp_path, [(*ONE[0][:3], "1")]))["scratch"].sum() == 56


def test_masks_that_contradict_the_order_ask_for_values(tmp_path: Path) -> None:
    """The tool's order was another: its 2 stands alone on a picture of the first class of the table."""
    saved(tmp_path, drawn(2, 1))
    saved(tmp_path, drawn(2), "n.png")
    rows = [("a.png", "scratch", "n.png", ""), ("b.png", "scratch", "m.png", ""), ("b.png", "pits", "m.png", "")]
    with pytest.raises(
        DataError, match=r"row 2: the mask .*n\.png has level 2 for scratch, which is number 1 .*mask_val"
    ):
        opened(tmp_path, rows)
    stated = [(file, label, mask, {"scratch": "2", "pits": "1"}[label]) for file, label, mask, _ in rows]
    dataset = opened(tmp_path, stated)
    assert right(dataset, "scratch")
    assert right(dataset, "scratch", "pits", picture=1)


def test_stated_values_win(tmp_path: Path) -> None:
    saved(tmp_path, drawn(200, 90))
    rows = [("a.png", "scratch", "m.png", "200"), ("a.png", "pits", "m.png", "90")]
    assert right(opened(tmp_path, rows), "scratch", "pits")
    saved(tmp_path, drawn(RED, GREEN))
    rows = [("a.png", "scratch", "m.png", "#ff0000"), ("a.png", "pits", "m.png", "#00FF00")]
    assert right(opened(tmp_path, rows), "scratch", "pits")
    saved(tmp_path, palette(drawn(1, 2), (0, 0, 0), RED, GREEN))
    assert right(opened(tmp_path, rows), "scratch", "pits")


@pytest.mark.parametrize("where", ["", "masks/", "masks/SegmentationClass/"])
@pytest.mark.parametrize("mask", [drawn(RED, GREEN), palette(drawn(1, 2), (0, 0, 0), RED, GREEN), drawn(2, 1)])
def test_colours_and_numbers_are_read_by_the_labelmap_of_cvat(tmp_path: Path, where: str, mask: np.ndarray) -> None:
    saved(tmp_path, mask, "masks/SegmentationClass/m.png")
    (tmp_path / where / "labelmap.txt").write_text(LABEL_MAP)
    rows = [("a.png", label, "masks/SegmentationClass/m.png", "") for label in ("scratch", "pits")]
    assert right(opened(tmp_path, rows), "scratch", "pits")


def test_a_labelmap_has_its_own_background_and_void(tmp_path: Path) -> None:
    mask = drawn(RED, GREEN, ground=(0, 128, 0))
    mask[32:64, 64:96] = (224, 224, 192)
    saved(tmp_path, mask)
    table = LABEL_MAP.replace("background:0,0,0", "Background:0,128,0") + "ignored:224,224,192::\n"
    (tmp_path / "labelmap.txt").write_text(table)
    dataset = opened(tmp_path, TWO)
    assert right(dataset, "scratch", "pits")
    assert (load(dataset, InputSpec(height=64, width=96), tmp_path / "cache").cells[0, :, 1, 2] == -1).all()


def test_a_soft_mask_in_colour_may_be_inverted_too(tmp_path: Path) -> None:
    mask = drawn(0, ground=255)[..., None] * np.array([1, 0, 0], np.uint8)
    mask[20, :] = (120, 0, 0)
    saved(tmp_path, mask)
    with pytest.raises(DataError, match=r"m\.png covers 91% of its picture with scratch"):
        opened(tmp_path, ONE)


def test_black_on_white_is_read_if_it_is_stated(tmp_path: Path) -> None:
    saved(tmp_path, drawn(0, ground=255))
    assert right(opened(tmp_path, [("a.png", "scratch", "m.png", "0")]), "scratch")
    saved(tmp_path, Image.fromarray(drawn(0, ground=255)), "m.jpg", quality=60)
    found = masks(opened(tmp_path, [("a.png", "scratch", "m.jpg", "0")]))["scratch"]
    assert (found != drawn(1).astype(bool)).mean() < 0.01


def test_much_damage_is_read_if_it_is_stated(tmp_path: Path) -> None:
    saved(tmp_path, drawn(0, ground=255))
    found = masks(opened(tmp_path, [("a.png", "scratch", "m.png", "255")]))
    assert np.array_equal(found["scratch"], ~drawn(1).astype(bool))


@pytest.mark.parametrize(
    ("mask", "rows", "said"),
    [
        (drawn(0, ground=255), ONE, r"covers 93% of its picture with scratch\. If black is damaged in it, write 0"),
        (drawn(1, ground=255), ONE, r"has level 1 and more of 255"),
        (np.full(SIZE, 255, np.uint8), ONE, r"covers 100% of its picture"),
        (drawn((0, 0, 0, 0), ground=(0, 0, 0, 255)), ONE, r"covers 93% of its picture"),
        (drawn(0), ONE, r"is black; leave it out"),
        (drawn((9, 9, 9, 0), ground=(9, 9, 9, 0)), ONE, r"is transparent all over"),
        (drawn(1, 2), ONE, r"has the levels 1, 2, and its picture only the label scratch; add rows.*mask_value"),
        (drawn(127, 255), ONE, r"has the levels 127, 255, and its picture only the label scratch"),
        (drawn(60, 255), ONE, r"has the levels 60, 255, and its picture only"),
        (palette(drawn(255), *[RED] * 256), ONE, r"covers|has the colours|neither black nor white"),
        (drawn(1), TWO, r"has the levels 1, and its picture the labels scratch and pits; .* 1 = scratch, 2 = pits"),
        (drawn(1, 3), TWO, r"has the levels 1, 3, and its picture the labels scratch and pits"),
        (drawn(255), TWO, r"is for scratch and pits, and has no levels 1, 2, .* one mask for each class"),
        (drawn(100, 200), TWO, r"has no levels 1, 2"),
        (drawn(RED, GREEN), TWO, r"not stated which is which of #00FF00, #FF0000; put the labelmap\.txt of CVAT"),
        (drawn(RED, GREEN), ONE, r"has the colours #.*its picture one label; put the labelmap\.txt"),
        (drawn(RED, ground=(0, 0, 255)), ONE, r"has neither black nor white for what is sound"),
        (drawn((255,) * 4, (0, 0, 0, 255), ground=(9, 9, 9, 0)), ONE, r"has black pixels and transparent ones"),
        (drawn(1, 2), [(*ONE[0][:3], "1"), TWO[1]], r"mask_value is given for scratch alone; give all"),
        (drawn(1, 2), [(*ONE[0][:3], "1")], r"has level 2 too, which mask_value gives to no class"),
        (drawn(1), [(*ONE[0][:3], "3")], r"has level 1 too, which mask_value"),
        (drawn(RED, GREEN), [(*ONE[0][:3], "#FF0000")], r"has the colour #00FF00 too"),
        (drawn(RED), [(*ONE[0][:3], "1")], r"is in colour \(#FF0000\); write colours"),
        (drawn(1), [(*ONE[0][:3], "red")], r"mask_value 'red' is neither a level such as 2 nor a colour"),
        (
            drawn(1, 2),
            [(*ONE[0][:3], "1"), (*TWO[1][:3], "#000002")],
            r"a level for one class and a colour for another",
        ),
        (drawn(1), [("a.png", "scratch", "", "1")], r"a\.png has mask_value 1 and no mask"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_to_write(
    tmp_path: Path, mask: np.ndarray, rows: list[tuple[str, str, str, str]], said: str
) -> None:
    saved(tmp_path, mask)
    with pytest.raises(DataError, match=rf"labels\.csv, row [23]: .*{said}") as raised:
        opened(tmp_path, rows)
    assert "m.png" in str(raised.value) or "no mask" in str(raised.value)


@pytest.mark.parametrize(
    ("table", "mask", "rows", "said"),
    [
        (LABEL_MAP, drawn(RED, GREEN), ONE, r"shows pits by labelmap\.txt, which is no label of this picture"),
        (LABEL_MAP, drawn(GREEN), ONE, r"shows pits by labelmap\.txt"),
        (LABEL_MAP, drawn(RED), TWO, r"has no pixel of pits; leave the mask of this row out"),
        (LABEL_MAP, drawn(RED, (0, 0, 255)), TWO, r"has #0000FF, which labelmap\.txt does not explain"),
        (LABEL_MAP, drawn(1, 3), TWO, r"has 3, which labelmap\.txt does not explain"),
        (LABEL_MAP.replace("pits", "holes"), drawn(RED, GREEN), TWO, r"labelmap\.txt, which has no class pits"),
        (
            "background:0,0,0::\nscratch:red::\n",
            drawn(RED),
            ONE,
            r"labelmap\.txt, row 2: expected 'name:red,green,blue",
        ),
        (
            LABEL_MAP + "Pits:1,1,1::\n",
            drawn(RED),
            ONE,
            r"labelmap\.txt, row 5: Pits has the name or the colour of pits",
        ),
    ],
)
def test_a_labelmap_that_contradicts_labels_or_mask_is_said(
    tmp_path: Path, table: str, mask: np.ndarray, rows: list[tuple[str, str, str, str]], said: str
) -> None:
    saved(tmp_path, mask)
    (tmp_path / "labelmap.txt").write_text(table)
    with pytest.raises(DataError, match=said):
        opened(tmp_path, rows)


def test_a_lossy_file_has_no_numbers_of_classes(tmp_path: Path) -> None:
    saved(tmp_path, drawn(1, 2), "m.jpg", quality=100)
    rows = [("a.png", label, "m.jpg", "") for label in ("scratch", "pits")]
    with pytest.raises(DataError, match=r"m\.jpg is for scratch and pits, and is lossy"):
        opened(tmp_path, rows)


def test_a_mask_of_32_bits_is_read_if_its_levels_are_whole(tmp_path: Path) -> None:
    rows = [("a.png", "scratch", "m.tif", "")]
    for dtype in (np.int32, np.float32):
        saved(tmp_path, drawn(1, dtype=dtype), "m.tif")
        assert right(opened(tmp_path, rows), "scratch")
    saved(tmp_path, drawn(0.5, dtype=np.float32), "m.tif")
    with pytest.raises(DataError, match=r"m\.tif has levels that are no whole numbers from 0"):
        opened(tmp_path, rows)


def test_a_mask_of_several_pages_is_refused(tmp_path: Path) -> None:
    pages = [Image.fromarray(drawn(255)), Image.fromarray(drawn(0, 255))]
    saved(tmp_path, pages[0], "m.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match=r"m\.tif has several pages; write one file for each class"):
        opened(tmp_path, [("a.png", "scratch", "m.tif", "")])


def test_all_masks_are_checked_before_any_picture_is_decoded(tmp_path: Path) -> None:
    saved(tmp_path, drawn(255), "good.png")
    saved(tmp_path, drawn(0), "black.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    names = ("good.png", "black.png", "broken.png")
    rows = [(f"{number}.png", "scratch", name, "") for number, name in enumerate(names)]
    with pytest.raises(DataError, match=r"(?s)2 masks have faults:.*row 3: the mask .*black\.png is black.*row 4"):
        opened(tmp_path, rows)


def test_another_meaning_of_the_same_mask_is_decoded_anew(tmp_path: Path) -> None:
    saved(tmp_path, drawn(200, 90))
    spec = InputSpec(height=64, width=96)
    rows = [("a.png", "scratch", "m.png", "200"), ("a.png", "pits", "m.png", "90")]
    first = load(opened(tmp_path, rows), spec, tmp_path / "cache").cells
    swapped = [(file, label, mask, {"200": "90", "90": "200"}[value]) for file, label, mask, value in rows]
    write_table(tmp_path / "labels.csv", ("file", "label", "mask", "mask_value"), swapped)
    second = load(open_data(tmp_path), spec, tmp_path / "cache").cells
    assert np.array_equal(first[0, ::-1], second[0])
    assert not np.array_equal(first, second)
