"""How pictures of any size are laid before a model: turned, scaled, in tiles, without dark margins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steel_defect.camera import Camera, Orientation
from steel_defect.contract import ContractError, Frame, InputSpec
from steel_defect.decision import Reason
from steel_defect.errors import TooManyTiles
from steel_defect.pictures import open_picture
from steel_defect.pictures.framing import framing
from steel_defect.pictures.views import Box, View, view_of
from tests.pictures import encoded, gradient, gray

SPEC = InputSpec()
FRAME = Frame(1600, 256, (6.25, 6.25))
NOBODY = Camera()


def view(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]], camera: Camera = NOBODY) -> View:
    with open_picture(encoded(gray(pixels)), max_bytes=10**9, max_pixels=10**9) as source:
        return view_of(source, 0, SPEC, FRAME, camera)


@pytest.mark.parametrize(
    ("size", "tiles", "scale", "reasons"),
    [
        ((1600, 256), 1, 0.5, ()),
        ((1700, 256), 1, 800 / 1700, ()),
        ((800, 128), 1, 1, ()),
        ((640, 102), 1, 1.25, (Reason.SCALE,)),
        ((3200, 256), 3, 0.5, ()),
        ((6400, 256), 7, 0.5, ()),
        ((1600, 512), 2, 0.5, ()),
        ((3200, 512), 6, 0.5, ()),
        ((16384, 512), 40, 0.5, ()),
        ((400, 256), 1, 0.5, ()),
        ((300, 200), 1, 0.5, (Reason.SHAPE,)),
        ((2048, 2048), 16, 0.5, (Reason.SHAPE,)),
    ],
)
def test_the_table_of_rules(size: tuple[int, int], tiles: int, scale: float, reasons: tuple[Reason, ...]) -> None:
    upright = framing(*size, SPEC, FRAME, NOBODY)
    assert (len(upright.tiles), upright.reasons) == (tiles, reasons)
    assert upright.scale == pytest.approx(scale)
    standing = framing(*size[::-1], SPEC, FRAME, NOBODY)
    assert standing == replace(upright, turned=size[0] != size[1])


def test_what_is_stated_of_the_camera_comes_before_what_is_guessed() -> None:
    vertical, horizontal = (Camera(orientation=one) for one in (Orientation.VERTICAL, Orientation.HORIZONTAL))
    assert framing(1600, 256, SPEC, FRAME, vertical).turned
    assert not framing(256, 1600, SPEC, FRAME, horizontal).turned
    assert framing(2048, 2048, SPEC, FRAME, vertical).reasons == ()


def test_millimetres_give_the_scale() -> None:
    known = replace(FRAME, mm_per_pixel=0.4)
    same_strip = framing(3200, 512, SPEC, known, Camera(mm_per_pixel=0.2))
    assert (len(same_strip.tiles), same_strip.scale, same_strip.reasons) == (1, 0.25, ())
    far_away = framing(1600, 256, SPEC, known, Camera(mm_per_pixel=1.6))
    assert (far_away.scale, far_away.reasons) == (2, (Reason.SCALE,))
    assert framing(1600, 256, SPEC, FRAME, Camera(mm_per_pixel=0.2)).scale == 0.5, "the model's are not known"


def test_a_model_without_a_frame_scales_pictures_whole() -> None:
    assert framing(256, 1600, SPEC, None, NOBODY).turned is False
    assert framing(6400, 256, SPEC, None, NOBODY).tiles == ((0, 0),)


def test_a_model_of_standing_pictures_turns_lying_ones() -> None:
    frame = Frame(256, 1600, (0.16, 0.16))
    assert framing(1600, 256, SPEC, frame, NOBODY).turned
    assert not framing(256, 1600, SPEC, frame, NOBODY).turned


def test_a_model_of_both_turns_none() -> None:
    frame = Frame(400, 400, (0.5, 2))
    assert not framing(300, 600, SPEC, frame, NOBODY).turned
    assert framing(3000, 3000, SPEC, frame, NOBODY).reasons == ()


def test_more_tiles_than_are_accepted() -> None:
    with pytest.raises(TooManyTiles, match="at most 256"):
        framing(40_000, 6_000, SPEC, FRAME, NOBODY)


@pytest.mark.parametrize(
    "wrong",
    [{"width": 0}, {"aspects": (2, 1)}, {"smallest": 1.5}, {"largest": 0.5}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_frame_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ContractError, match="cannot be"):
        replace(FRAME, **wrong)  # type: ignore[arg-type]  # of several types


@given(st.integers(32, 6000), st.integers(32, 3000), st.sampled_from([(128, 800), (64, 160), (32, 32), (96, 608)]))
def test_tiles_leave_nothing_out(width: int, height: int, size: tuple[int, int]) -> None:
    spec = InputSpec(height=size[0], width=size[1])
    try:
        plan = framing(width, height, spec, FRAME, NOBODY)
    except TooManyTiles:
        return
    seen = np.zeros((plan.rows, plan.columns), np.bool_)
    for row, column in plan.tiles:
        assert row < plan.rows
        assert column < plan.columns
        seen[row : row + spec.height, column : column + spec.width] = True
    assert seen.all()


def strip() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.asarray(np.clip(gradient(256, 1600), 30, 255), np.uint8)


def test_a_letterbox_is_cut_off() -> None:
    inside = strip()
    boxed = np.zeros((1600, 1600), np.uint8)
    boxed[672:928] = inside
    found, alone = view(boxed), view(inside)
    assert found.content == Box(0, 672, 1600, 256)
    assert np.array_equal(found.canvas, alone.canvas)
    standing = view(np.ascontiguousarray(np.rot90(boxed, -1)))
    assert standing.framing.turned
    assert standing.content == Box(672, 0, 256, 1600)
    assert np.array_equal(standing.canvas, alone.canvas)


def test_hot_pixels_in_the_dark_are_no_strip() -> None:
    boxed = np.zeros((1600, 1600), np.uint8)
    boxed[672:928] = strip()
    boxed[3, 700] = boxed[1500, 10] = 255
    assert view(boxed).content == Box(0, 672, 1600, 256)


def test_a_dark_picture_keeps_its_size() -> None:
    assert view(np.zeros((600, 900), np.uint8)).content == Box(0, 0, 900, 600)


def test_a_turned_picture_is_seen_as_the_unturned_one() -> None:
    turned = view(np.ascontiguousarray(np.rot90(strip(), -1)))
    assert np.array_equal(turned.canvas, view(strip()).canvas)
