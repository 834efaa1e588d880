"""Defects lie on the picture as it was sent, whatever was done to it before the model saw it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from PIL import Image

from steel_defect.camera import Camera, Orientation
from steel_defect.contract import ContractError, Frame, InputSpec, MaskTerms
from steel_defect.defects import MOST_DEFECTS
from steel_defect.errors import ModelUnavailable, TooManyTiles
from steel_defect.joined_map import JoinedMap
from steel_defect.masks import MOST_RUNS, Grid, Mask
from steel_defect.pictures.framing import Framing, framing
from steel_defect.pictures.views import Box
from steel_defect.scorer import Scorer
from tests.pictures import encoded, gray
from tests.probe_model import MASKED, probe_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steel_defect.defects import Defect

SOUND, BRIGHT, DARK = 120, 230, 4


@pytest.fixture(scope="module")
def masked() -> Scorer:
    return Scorer(probe_model(MASKED, masks=True))


def strip(height: int = 256, width: int = 1600, *boxes: Box, value: int = BRIGHT) -> NDArray[np.uint8]:
    pixels = np.full((height, width), SOUND, np.uint8)
    for box in boxes:
        pixels[box.y : box.y + box.height, box.x : box.x + box.width] = value
    return pixels


def defects(scorer: Scorer, pixels: NDArray[np.uint8], camera: Camera | None = None) -> tuple[Defect, ...]:
    found = scorer.score(encoded(gray(pixels)), camera).defects
    assert found.count == len(found.largest)
    return found.largest


BOX = Box(400, 40, 160, 80)


def test_a_defect_is_described_in_pixels_of_the_picture(masked: Scorer) -> None:
    (found,) = defects(masked, strip(256, 1600, BOX))
    assert found.class_name == "left"
    assert found.prob == pytest.approx(BRIGHT / 255, abs=1e-6)
    assert (found.box, found.area_px, found.center, found.length_px) == (BOX, 12_800, (480, 80), 160)
    assert found.area_share == pytest.approx(12_800 / 409_600, abs=1e-6)
    assert (found.page, found.mm) == (1, None)


def test_each_class_has_its_own_threshold_and_the_largest_comes_first(masked: Scorer) -> None:
    pixels = strip(256, 1600, BOX)
    pixels[160:240, 800:1600] = DARK
    assert [(one.class_name, one.box.x) for one in defects(masked, pixels)] == [("right", 800), ("left", 400)]
    pixels[160:240, 800:1600] = 40
    assert [one.class_name for one in defects(masked, pixels)] == ["left"]


def test_a_standing_picture_has_its_defects_where_they_stand(masked: Scorer) -> None:
    box = Box(48, 904, 40, 320)
    (found,) = defects(masked, strip(1600, 256, box))
    assert (found.box, found.center) == (box, (68, 1064))
    assert found.length_px == 320, "the strip runs down it"


def test_a_stated_orientation_says_what_is_along_the_strip(masked: Scorer) -> None:
    (found,) = defects(masked, strip(256, 256, Box(40, 80, 160, 32)), Camera(orientation=Orientation.VERTICAL))
    assert (found.box, found.length_px) == (Box(40, 80, 160, 32), 32)


def test_dark_margins_that_are_cut_off_are_counted_in(masked: Scorer) -> None:
    boxed = np.zeros((1600, 1600), np.uint8)
    boxed[672:928] = strip(256, 1600, BOX)
    (found,) = defects(masked, boxed)
    assert found.box == Box(400, 712, 160, 80)
    assert found.area_share == pytest.approx(12_800 / 409_600, abs=1e-6), "of what was scored"
    (standing,) = defects(masked, np.ascontiguousarray(np.rot90(boxed, -1)))
    assert standing.box == Box(1600 - 712 - 80, 400, 80, 160)


@pytest.mark.parametrize("turned", [False, True])
def test_a_defect_across_tiles_is_one(masked: Scorer, *, turned: bool) -> None:
    pixels = strip(512, 4800, Box(1000, 200, 2400, 120), Box(4000, 400, 80, 112))
    if turned:
        found = defects(masked, np.ascontiguousarray(pixels.T))
        assert [one.box for one in found] == [Box(200, 1000, 120, 2400), Box(400, 4000, 112, 80)]
    else:
        found = defects(masked, pixels)
        assert [one.box for one in found] == [Box(1000, 200, 2400, 120), Box(4000, 400, 80, 112)]
    assert [one.area_px for one in found] == [288_000, 8_960]
    assert [one.length_px for one in found] == [2400, 80]


@pytest.mark.parametrize(("width", "height"), [(403, 201), (3202, 255), (255, 3202), (1601, 257), (805, 129)])
def test_padding_counts_nowhere(width: int, height: int) -> None:
    """Padding would be dark damage, and cells that the picture fills in part reach beyond it."""
    scorer = Scorer(probe_model(replace(MASKED, masks=MaskTerms((0.05, 0.99), (0, 0))), masks=True))
    (found,) = defects(scorer, np.full((height, width), BRIGHT, np.uint8))
    assert (found.class_name, found.box) == ("left", Box(0, 0, width, height))
    assert found.area_px == pytest.approx(width * height, abs=1)
    assert found.center == pytest.approx((width / 2, height / 2), abs=0.06)
    assert found.area_share == 1


def test_a_picture_that_is_stretched_has_its_own_scale_each_way() -> None:
    spec = replace(MASKED.input, resize="stretch")
    scorer = Scorer(probe_model(replace(MASKED, frame=None, input=spec), masks=True))
    (found,) = defects(scorer, strip(512, 1600, Box(400, 64, 80, 160)))
    assert (found.box, found.area_px) == (Box(400, 64, 80, 160), 12_800)


def test_millimetres_where_they_are_stated(masked: Scorer) -> None:
    (found,) = defects(masked, strip(256, 1600, BOX), Camera(mm_per_pixel=0.5))
    assert found.mm is not None
    assert (found.mm.x, found.mm.y, found.mm.area, found.mm.length) == (200, 20, 3200, 80)
    assert found.box == BOX


def test_defects_of_all_pages_say_which() -> None:
    scorer = Scorer(probe_model(MASKED, masks=True))
    pages = [gray(strip(256, 1600, *boxes)) for boxes in ([], [BOX], [Box(0, 0, 800, 80)])]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    found = scorer.score(data).defects
    assert [(one.page, one.box.width) for one in found.largest] == [(3, 800), (2, 160)]
    assert found.count == 2


def test_of_very_many_the_largest_are_described_and_all_are_counted(masked: Scorer) -> None:
    pixels = strip()
    pixels[::16, ::16] = 255
    dots = np.kron(pixels[::8, ::8], np.ones((8, 8), np.uint8))
    dots[240:248, 800:808] = dots[240:248, 808:816] = 255
    found = masked.score(encoded(gray(dots))).defects
    assert found.count == 16 * 100 - 1
    assert len(found.largest) == MOST_DEFECTS
    assert (found.largest[0].area_px, found.largest[1].area_px) == (192, 64)


def test_a_mask_of_noise_is_made_coarser() -> None:
    prob = np.zeros((1, 801, 1203), np.float32)
    prob[:, ::2, ::2] = 0.9
    fine = Mask(prob, Grid(10, 20, 8, 8, Box(10, 20, 9620, 6404)), (0.5,), (0.0,))
    assert np.count_nonzero(fine.damaged()) == 401 * 602 > MOST_RUNS
    regions, _ = fine.fitting().regions()
    assert (len(regions.area), regions.left[0], regions.right[0]) == (1, 10, 9630)
    assert len(regions.runs.row) <= MOST_RUNS
    lines = replace(fine, prob=np.repeat(prob[:, :1], 801, axis=1))
    assert lines.fitting() is not lines, "602 runs in each row"
    assert replace(fine, prob=np.ones_like(prob)).fitting().prob.shape == prob.shape, "one run in each row is few"


def test_a_page_that_passes_shows_no_damage() -> None:
    # The mean gray is 0.48: a band that begins above it lets the picture pass, and one from there on does not.
    pixels = encoded(gray(strip(256, 1600, BOX)))
    probability = Scorer(probe_model(MASKED, masks=True)).score(pixels).defect_prob
    for low, count in ((probability + 1e-3, 0), (probability - 1e-3, 1)):
        prediction = Scorer(probe_model(replace(MASKED, review_low=low), masks=True)).score(pixels)
        assert prediction.defects.count == count
        assert prediction.mask is not None
        assert prediction.mask.damaged().any() == bool(count)


def test_what_is_smaller_than_the_file_says_is_no_defect() -> None:
    terms = MaskTerms((0.7, 0.9), (4_000, 0))
    scorer = Scorer(probe_model(replace(MASKED, masks=terms), masks=True))
    pixels = strip(256, 1600, Box(400, 40, 80, 48), Box(800, 40, 80, 56))
    assert [one.box.x for one in defects(scorer, pixels)] == [800]
    half = np.asarray(Image.fromarray(pixels).resize((800, 128), Image.Resampling.BOX))
    assert [one.box.x for one in defects(scorer, half)] == [400], "a least area is of steel"


def test_a_model_that_does_not_say_how_to_read_its_masks() -> None:
    scorer = Scorer(probe_model(replace(MASKED, masks=None), masks=True))
    assert [one.class_name for one in defects(scorer, strip(256, 1600, BOX))] == ["right", "left"]


def test_a_model_without_masks_has_no_defects(probe: Scorer) -> None:
    found = probe.score(encoded(gray(strip(256, 1600, BOX))))
    assert (found.defects.largest, found.defects.count, found.mask) == ((), 0, None)


def test_masks_of_other_classes_than_the_file_names() -> None:
    three = replace(MASKED, class_names=("a", "b", "c"), masks=None)
    with pytest.raises(ModelUnavailable, match="expected 3 classes"):
        Scorer(probe_model(three, masks=True))


@pytest.mark.parametrize(
    "terms",
    [((0.0, 0.5), (0, 0)), ((0.5, 1.1), (0, 0)), ((0.5, 0.5), (0, -1)), ((0.5, 0.5), (0,)), ((0.5,), (0,))],
)
def test_terms_that_cannot_be_meant(terms: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ContractError, match="masks"):
        replace(MASKED, masks=MaskTerms(*terms))


def _plan(width: int, height: int, spec: InputSpec, frame: Frame) -> Framing:
    try:
        return framing(width, height, spec, frame, Camera())
    except TooManyTiles:
        reject()


@given(
    width=st.integers(32, 5000),
    height=st.integers(32, 1500),
    size=st.sampled_from([(128, 800), (64, 160), (32, 32)]),
    up=st.booleans(),
)
def test_maps_of_tiles_lie_where_the_page_has_them(width: int, height: int, size: tuple[int, int], *, up: bool) -> None:
    """Each tile's map is cut out of one map of the whole page; laid together, they are that map again."""
    spec = InputSpec(height=size[0], width=size[1])
    frame = Frame(1600, 256, (6.25, 6.25))
    plan = _plan(*((height, width) if up else (width, height)), spec, frame)
    rows, columns = -(-plan.rows // 4), -(-plan.columns // 4)
    page = np.random.default_rng(0).random((1, rows, columns), np.float32)
    beyond = np.pad(page, ((0, 0), (0, size[0]), (0, size[1])))
    joined = JoinedMap(plan, spec)
    for number, (row, column) in enumerate(plan.tiles):
        top, left = row // 4, column // 4
        joined.add(number, beyond[:, top : top + size[0] // 4, left : left + size[1] // 4])
    found = joined.on_page()
    assert found is not None
    assert np.array_equal(found, np.rot90(page, -1, axes=(1, 2)) if plan.turned else page)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_where_tiles_overlap_the_highest_counts(order: tuple[int, int]) -> None:
    joined = JoinedMap(Framing(False, 128, 1200, ((0, 0), (0, 416)), 0.5), InputSpec())  # noqa: FBT003 - a plan
    for tile in order:
        joined.add(tile, np.full((1, 32, 200), (0.4, 0.6)[tile], np.float32))
    found = joined.on_page()
    assert found is not None
    assert (found[0, 0, 103], found[0, 0, 104], found[0, 0, 150]) == pytest.approx((0.4, 0.6, 0.6))
