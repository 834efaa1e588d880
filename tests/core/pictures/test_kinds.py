"""Kinds of picture that are rare: read right, or refused by their name."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from steel_defect.errors import NotAnImage
from steel_defect.pictures import Page, PictureSource, open_picture
from steel_defect.pictures.formats import format_of
from tests.pictures import encoded, gradient, gray

STRIP = gray(gradient(64, 400))
RIGHT = np.asarray(STRIP).astype(int)


def opened(data: bytes) -> PictureSource:
    return open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000)


def test_orientation_in_xmp_is_followed_where_there_is_no_exif() -> None:
    xmp = b'http://ns.adobe.com/xap/1.0/\x00<rdf:Description tiff:Orientation="6"/>'
    jpeg = encoded(STRIP, "JPEG", quality=95)
    with opened(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + jpeg[2:]) as source:
        assert source.pages == (Page(64, 400),)
        assert np.abs(source.read(0) - np.rot90(RIGHT, -1)).max() <= 6


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_reduced_jpeg_is_upright_and_large_enough(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    with opened(encoded(STRIP.resize((1600, 256)), "JPEG", exif=exif)) as source:
        at_least = (128, 800) if turn < 5 else (800, 128)
        assert source.read(0, at_least).shape == at_least
        assert source.read(0, (at_least[0] + 1, at_least[1])).shape == (2 * at_least[0], 2 * at_least[1])


def test_a_cmyk_jpeg_is_read_with_and_without_adobe_s_marker() -> None:
    data = encoded(STRIP.convert("RGB").convert("CMYK"), "JPEG", quality=95)
    with opened(data) as source:
        assert np.abs(source.read(0) - RIGHT).max() <= 6
    marker = data.index(b"\xff\xee")
    with opened(data[:marker] + data[marker + 16 :]) as source:
        assert np.abs(source.read(0) - (255 - RIGHT)).mean() > 50  # not inverted: another picture, but a whole one


@pytest.mark.parametrize(
    ("code", "bits", "named"), [(0xC1, 12, "12-bit"), (0xC3, 8, "lossless"), (0xC5, 8, "hierarchical")]
)
def test_jpeg_of_another_process_is_refused_by_its_name(code: int, bits: int, named: str) -> None:
    data = bytearray(encoded(STRIP, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = code, bits
    with pytest.raises(NotAnImage, match=f"a {named} JPEG is not read"):
        opened(bytes(data))


def test_a_compressed_bmp_is_refused_by_its_name() -> None:
    data = bytearray(encoded(STRIP, "BMP"))
    data[30:34] = (1).to_bytes(4, "little")
    with pytest.raises(NotAnImage, match="a compressed BMP is not read"):
        opened(bytes(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_that_is_unset_is_left_out(kind: str) -> None:
    image = STRIP.convert("RGBA")
    image.putalpha(0)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    with opened(encoded(image, kind, **options)) as source:
        assert np.abs(source.read(0) - RIGHT).max() <= 1


def test_a_picture_is_read_until_it_is_closed() -> None:
    with opened(encoded(STRIP)) as source:
        assert source.depth is None
        assert (source.read(0) == source.read(0)).all()
    with pytest.raises(ValueError, match="closed"):
        source.read(0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_the_format_is_told_by_the_first_bytes(kind: str) -> None:
    assert format_of(encoded(STRIP, kind)[:16]) == kind
    assert format_of(b"GIF89a" + bytes(10)) is None
    assert format_of(b"") is None
