"""How bright a sample of more than 8 bits is: what is stated, what the file says, or what no single pixel can move."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from steel_defect.errors import NotAnImage
from steel_defect.pictures import Depth, open_picture
from tests.core.pictures.tiff_files import Tags, packed, page, tiff
from tests.pictures import encoded, gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = gradient(64, 400)
RIGHT = np.round(SMALL)


def read(data: bytes, bit_depth: int | None = None) -> tuple[NDArray[np.int64], Depth | None]:
    with open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000, bit_depth=bit_depth) as source:
        pixels = source.read(0)
        assert pixels.dtype == np.uint8
        return pixels.astype(np.int64), source.depth


def of_bits(bits: int) -> NDArray[np.uint16]:
    """The gradient in the range of so many bits."""
    samples: NDArray[np.uint16] = np.round(SMALL / 255 * (2**bits - 1)).astype(np.uint16)
    return samples


def png16(samples: NDArray[Any], *chunks: tuple[bytes, bytes]) -> bytes:
    """A 16-bit PNG of gray, gray with alpha, colour or colour with alpha, which Pillow cannot write."""
    samples = samples.reshape(*samples.shape[:2], -1)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[samples.shape[2]]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], 16, kind, 0, 0, 0)
    every = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in every
    )


def assert_right(pixels: NDArray[np.int64], tolerance: int = 1) -> None:
    assert np.abs(pixels - RIGHT).max() <= tolerance


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_an_estimate_takes_the_sensor_s_range_in_gray_and_in_colour(bits: int, colours: int, kind: str) -> None:
    samples = np.repeat(of_bits(bits)[..., np.newaxis], colours, axis=2)
    data = png16(samples) if kind == "PNG" else tiff(page(samples))
    pixels, depth = read(data)
    assert_right(pixels)
    assert depth == Depth(bits, "estimate")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_one_hot_pixel_changes_only_itself(kind: str) -> None:
    samples = of_bits(10)
    samples[30, 200] = 65535
    pixels, depth = read(encoded(Image.fromarray(samples), kind))
    assert depth == Depth(10, "estimate")
    assert pixels[30, 200] == 255
    pixels[30, 200] = RIGHT[30, 200]
    assert_right(pixels)


def test_the_brightest_pixel_makes_no_jump_between_frames() -> None:
    samples = of_bits(12)
    before, _ = read(encoded(Image.fromarray(samples)))
    samples[10, 10] = 4096
    after, _ = read(encoded(Image.fromarray(samples)))
    after[10, 10] = before[10, 10]
    assert (before == after).all()


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_what_is_stated_comes_first(colours: int, kind: str) -> None:
    dark = np.repeat(of_bits(10)[..., np.newaxis], colours, axis=2)  # of a 12-bit camera: a quarter of its range
    data = png16(dark, (b"sBIT", bytes([11] * colours))) if kind == "PNG" else tiff(page(dark, {281: (2047,)}))
    pixels, depth = read(data, bit_depth=12)
    assert depth == Depth(12, "stated")
    assert np.abs(pixels - RIGHT / 4).max() <= 1


def test_what_is_stated_does_not_touch_eight_bits() -> None:
    pixels, depth = read(encoded(Image.fromarray(RIGHT.astype(np.uint8))), bit_depth=12)
    assert (pixels == RIGHT).all()
    assert depth == Depth(8, "file")


def test_a_png_says_its_significant_bits() -> None:
    quarter = of_bits(10)
    assert read(png16(quarter, (b"sBIT", b"\x0c")))[1] == Depth(12, "file")
    shifted = of_bits(12) << 4  # as the standard asks: the camera's bits are the upper ones
    pixels, depth = read(png16(shifted, (b"sBIT", b"\x0c")))
    assert depth == Depth(16, "file")
    assert_right(pixels)


@pytest.mark.parametrize(
    ("tags", "depth"),
    [
        ({281: (4095,)}, Depth(12, "file")),
        ({270: b'<OME><Pixels SignificantBits="12"/></OME>'}, Depth(12, "file")),
        ({281: (987,)}, Depth(10, "estimate")),  # the brightest pixel of this frame, not a depth
        ({281: (65535,)}, Depth(10, "estimate")),
    ],
)
def test_a_tiff_says_its_depth(tags: Tags, depth: Depth) -> None:
    assert read(tiff(page(of_bits(10), tags)))[1] == depth


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("order", ["<", ">"])
def test_packed_samples(bits: int, order: str) -> None:
    one = page(of_bits(bits), {258: (bits,)}, order=order)
    data = tiff(type(one)(one.width, one.height, (packed(of_bits(bits), bits),), one.tags), order=order)
    pixels, depth = read(data)
    assert_right(pixels)
    assert depth == Depth(bits, "file")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_white_is_zero(bits: int, order: str) -> None:
    samples = (2**bits - 1 - of_bits(bits)).astype(f"u{bits // 8}")
    assert_right(read(tiff(page(samples, {262: (0,)}, order=order), order=order))[0])


@pytest.mark.parametrize("kind", ["uint32", "int32", "int16", "float32", "float64", "float16"])
def test_wide_samples(kind: str) -> None:
    top = {"uint32": 2**32 - 1, "int32": 2**20 - 1, "int16": 2**12 - 1}.get(kind, 1)
    assert_right(read(tiff(page((SMALL / 255 * top).astype(kind))))[0])


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "float32"])
def test_samples_below_zero_are_refused_by_name(kind: str) -> None:
    with pytest.raises(NotAnImage, match="samples below 0 are not read"):
        read(tiff(page((SMALL / 2 - 60).astype(kind))))


def test_a_few_dead_pixels_below_zero_are_black() -> None:
    samples = (SMALL / 255).astype(np.float32)
    samples[3, 200:203] = -5, np.nan, np.inf
    pixels, _ = read(tiff(page(samples)))
    assert (pixels[3, 200:203] == 0).all()
    pixels[3, 200:203] = RIGHT[3, 200:203]
    assert_right(pixels)


def test_transparent_values_of_deep_png_are_black() -> None:
    samples = of_bits(16)
    samples[:, :40] = 777
    pixels, _ = read(png16(samples, (b"tRNS", struct.pack(">H", 777))))
    assert (pixels[:, :40] == 0).all()
    colour = np.repeat(samples[..., np.newaxis], 3, axis=2)
    pixels, _ = read(png16(colour, (b"tRNS", struct.pack(">HHH", 777, 777, 777))))
    assert (pixels[:, :40] == 0).all()
    assert np.abs(pixels - RIGHT)[:, 40:].max() <= 1


@pytest.mark.parametrize("colours", [1, 3])
def test_alpha_of_deep_png_is_on_black_and_left_out_if_it_is_unset(colours: int) -> None:
    samples = np.repeat(of_bits(16)[..., np.newaxis], colours + 1, axis=2)
    samples[..., -1] = 65535
    samples[:, :40, -1] = 0
    pixels, _ = read(png16(samples))
    assert (pixels[:, :40] == 0).all()
    assert np.abs(pixels - RIGHT)[:, 40:].max() <= 1
    samples[..., -1] = 0
    assert_right(read(png16(samples))[0])
