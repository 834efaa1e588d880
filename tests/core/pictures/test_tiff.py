"""The kinds of TIFF that are read, and the names of those that are not."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from steel_defect.errors import NotAnImage
from steel_defect.pictures import open_picture
from tests.core.pictures.tiff_files import Page, Tags, packed, page, tiff
from tests.pictures import encoded, gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = gradient(90, 400)
RIGHT = np.round(SMALL).astype(np.uint8)
DEEP = np.round(SMALL * 257).astype(np.uint16)


def assert_right(data: bytes, tolerance: int = 1) -> None:
    with open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000) as source:
        pixels = source.read(0)
    assert pixels.shape == RIGHT.shape
    assert np.abs(pixels.astype(int) - RIGHT).max() <= tolerance


def compressed(one: Page) -> Page:
    return Page(one.width, one.height, tuple(zlib.compress(strip) for strip in one.strips), one.tags | {259: (8,)})


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [RIGHT, DEEP], ids=["8 bits", "16 bits"])
def test_both_orders_of_bytes_and_big_tiff(samples: NDArray[Any], order: str, *, big: bool) -> None:
    assert_right(tiff(page(samples, order=order), order=order, big=big))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "I;16", "1"])
def test_what_pillow_writes(mode: str, compression: str) -> None:
    if mode == "1":
        wanted = Image.fromarray(RIGHT).convert("1", dither=Image.Dither.NONE)
        with open_picture(encoded(wanted, "TIFF"), max_bytes=20_000_000, max_pixels=40_000_000) as source:
            assert (source.read(0) == np.asarray(wanted.convert("L"))).all()
        return
    image = Image.fromarray(DEEP) if mode == "I;16" else Image.fromarray(RIGHT).convert(mode)
    if compression == "jpeg" and mode == "I;16":
        return
    assert_right(encoded(image, "TIFF", compression=compression), 6 if compression == "jpeg" else 1)


@pytest.mark.parametrize("samples", [RIGHT, DEEP], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_apart(samples: NDArray[Any], order: str) -> None:
    one = page(np.repeat(samples[..., np.newaxis], 3, axis=2), {284: (2,)}, order=order)
    strips = page(samples, order=order).strips * 3
    assert_right(tiff(compressed(Page(one.width, one.height, strips, one.tags)), order=order))


def test_tiles_at_the_edge_are_cut() -> None:
    canvas = np.zeros((128, 448), np.uint16)
    canvas[:90, :400] = DEEP
    tiles = [canvas[top : top + 64, left : left + 64].tobytes() for top in (0, 64) for left in range(0, 448, 64)]
    one = page(DEEP)
    data = tiff(Page(400, 90, tuple(tiles), one.tags | {322: (64,), 323: (64,)}))
    # Places and sizes of tiles have tags of their own.
    for old, new in ((273, 324), (279, 325)):
        data = data.replace(old.to_bytes(2, "little") + b"\x04\x00\x0e", new.to_bytes(2, "little") + b"\x04\x00\x0e")
    assert_right(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_differences_of_neighbours(order: str) -> None:
    samples = np.repeat(DEEP[..., np.newaxis], 3, axis=2)
    differences = np.diff(samples, axis=1, prepend=np.uint16(0)).astype(np.uint16)
    assert_right(tiff(compressed(page(differences, {317: (2,)}, order=order)), order=order))


def test_the_predictor_of_floats() -> None:
    rows = (SMALL / 255).astype(">f4").view(np.uint8).reshape(90, 400, 4)
    apart = np.ascontiguousarray(rows.swapaxes(1, 2)).reshape(90, 1600)
    stored = np.diff(apart, axis=1, prepend=np.uint8(0)).astype(np.uint8)
    one = page(SMALL.astype(np.float32), {317: (3,)}, rows=90)
    assert_right(tiff(compressed(Page(400, 90, (stored.tobytes(),), one.tags))))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits(bits: int) -> None:
    levels = (RIGHT >> (8 - bits)).astype(np.uint8)
    one = page(levels, {258: (bits,)}, rows=90)
    with open_picture(
        tiff(Page(400, 90, (packed(levels, bits),), one.tags)), max_bytes=20_000_000, max_pixels=40_000_000
    ) as source:
        assert (source.read(0) == np.round(levels * (255 / (2**bits - 1)))).all()


def test_a_palette() -> None:
    ramp = tuple(257 * (255 - value) for value in range(256))
    assert_right(tiff(page(255 - RIGHT, {262: (3,), 320: ramp * 3})))


def test_the_lowest_bit_first() -> None:
    reverse = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
    one = page(RIGHT, {266: (2,)})
    assert_right(tiff(Page(400, 90, tuple(strip.translate(reverse) for strip in one.strips), one.tags)))


def test_alpha_is_on_black_and_left_out_if_it_is_unset() -> None:
    samples = np.stack([RIGHT, np.full_like(RIGHT, 255)], axis=2)
    assert_right(tiff(page(samples, {338: (2,)})))
    samples[..., 1] = 0
    assert_right(tiff(page(samples, {338: (2,)})))
    samples[:, :40, 1] = 128
    with open_picture(tiff(page(samples, {338: (2,)})), max_bytes=20_000_000, max_pixels=40_000_000) as source:
        pixels = source.read(0)
    assert (pixels[:, 40:] == 0).all()
    assert np.abs(pixels[:, :40] - RIGHT[:, :40] / 2.0).max() <= 1


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        ({259: (50000,)}, "of compression 50000"),
        ({259: (6,)}, "of compression 6"),
        ({262: (8,)}, "of photometric interpretation 8"),
        ({262: (32803,)}, "of photometric interpretation 32803"),
        ({258: (24,)}, "of 24 bits a sample, unsigned"),
        ({258: (64,)}, "of 64 bits a sample, unsigned"),
        ({339: (6,)}, "of 8 bits a sample, complex"),
        ({258: (5, 6, 5), 277: (3,), 262: (2,)}, "whose samples have different depths (5, 6, 5)"),
        ({262: (3,)}, "without its palette"),
        ({317: (9,)}, "of predictor 9"),
        ({278: (1,)}, "with less than its 90 strips or tiles"),
    ],
)
def test_what_is_not_read_is_refused_by_its_name(tags: Tags, named: str) -> None:
    with pytest.raises(NotAnImage) as refused:
        open_picture(tiff(page(RIGHT, tags)), max_bytes=20_000_000, max_pixels=40_000_000)
    assert str(refused.value) == f"a TIFF {named} is not read"
