"""A picture whose pixels are not all there is refused, however it was cut; one that is whole is read."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect.errors import DamagedImage, SteelDefectError
from steel_defect.pictures import open_picture
from tests.conftest import SAMPLES
from tests.core.pictures.tiff_files import Page, page, tiff
from tests.pictures import encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP = Image.open(SAMPLES / "scratch.jpg").convert("L").crop((400, 0, 1200, 256))
KINDS = {
    "JPEG": encoded(STRIP, "JPEG", quality=90),
    "JPEG, colour": encoded(STRIP.convert("RGB"), "JPEG", quality=90),
    "JPEG, progressive": encoded(STRIP.convert("RGB"), "JPEG", quality=90, progressive=True),
    "JPEG, restart markers": encoded(STRIP, "JPEG", quality=90, restart_marker_rows=1),
    "PNG": encoded(STRIP),
    "PNG, 16 bits": encoded(Image.fromarray(np.asarray(STRIP).astype(np.uint16) * 257)),
    "BMP": encoded(STRIP, "BMP"),
    "WebP": encoded(STRIP, "WEBP", quality=90),
    "WebP, lossless": encoded(STRIP, "WEBP", lossless=True),
    "TIFF": encoded(STRIP, "TIFF"),
    "TIFF, LZW": encoded(STRIP, "TIFF", compression="tiff_lzw"),
    "TIFF, Deflate": encoded(STRIP, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, PackBits": encoded(STRIP, "TIFF", compression="packbits"),
    "TIFF, JPEG": encoded(STRIP, "TIFF", compression="jpeg"),
}
# The share of single flipped bits that may change the picture by more than a gray level unnoticed. JPEG and WebP have
# no checksum; the docstrings of their readers have the figures.
UNNOTICED = {
    "JPEG": 0.2,
    "JPEG, colour": 0.35,
    "JPEG, progressive": 0.1,
    "TIFF, JPEG": 0.2,
    "WebP": 1.0,
    "WebP, lossless": 0.4,
}


def read(data: bytes) -> NDArray[np.int64]:
    with open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000) as source:
        return source.read(0).astype(np.int64)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_noticed_or_changes_little(kind: str) -> None:
    data, random = KINDS[kind], np.random.default_rng(3)
    whole = read(data)
    changed = 0
    for _ in range(60):
        damaged = bytearray(data)
        damaged[random.integers(0, len(data))] ^= 1 << int(random.integers(0, 8))
        try:
            pixels = read(bytes(damaged))
        except SteelDefectError:
            continue
        changed += pixels.shape != whole.shape or np.abs(pixels - whole).mean() > 1
    assert changed <= 60 * UNNOTICED.get(kind, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_is_noticed(kind: str) -> None:
    data, random = KINDS[kind], np.random.default_rng(4)
    for end in random.integers(100, len(data) - 30, 40):
        with pytest.raises(DamagedImage):
            read(data[:end])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("JPEG")])
def test_a_cut_jpeg_with_an_end_marker_is_noticed(kind: str) -> None:
    """What cameras and gateways make of half a frame."""
    data, random = KINDS[kind], np.random.default_rng(5)
    for end in random.integers(100, len(data) - 30, 60):
        with pytest.raises(DamagedImage):
            read(data[:end] + b"\xff\xd9")


def test_a_progressive_jpeg_without_its_last_scans_is_noticed() -> None:
    data = KINDS["JPEG, progressive"]
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    tables = [data.rfind(b"\xff\xc4", 0, scan) for scan in scans]
    for end in {*scans[1:], *(table for table in tables if table > scans[0])}:
        with pytest.raises(DamagedImage, match="not all its scans"):
            read(data[:end] + b"\xff\xd9")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("JPEG")])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(kind: str) -> None:
    whole = read(KINDS[kind])
    assert (read(KINDS[kind][:-2]) == whole).all()
    assert (read(KINDS[kind][:-1]) == whole).all()


def test_a_jpeg_in_a_buffer_filled_with_zeros_is_read() -> None:
    data = KINDS["JPEG"]
    assert (read(data[:-2] + bytes(37) + b"\xff\xd9") == read(data)).all()
    assert (read(data + bytes(1000)) == read(data)).all()
    # How many of the zeros the last codes take in depends on the picture.
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 3, (256, 320))
        data = encoded(
            Image.fromarray(np.clip(np.tile(np.linspace(90, 120, 320), (256, 1)) + noise, 0, 255).astype(np.uint8)),
            "JPEG",
            quality=90,
        )
        assert (read(data[:-2] + bytes(37) + b"\xff\xd9") == read(data)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "TIFF, Deflate"])
def test_a_transfer_as_text_is_noticed(kind: str) -> None:
    with pytest.raises(SteelDefectError):
        read(KINDS[kind].replace(b"\n", b"\r\n"))
    if kind.startswith("JPEG"):
        with pytest.raises(DamagedImage):
            read(KINDS[kind].replace(b"\n", b"\r\n"))


def test_a_png_whose_damage_pillow_would_swallow_is_noticed() -> None:
    data = bytearray(KINDS["PNG"])
    data[len(data) // 2] ^= 1
    with pytest.raises(DamagedImage, match="checksum"):
        read(bytes(data))


def test_a_png_that_lacks_only_its_end_chunk_is_read() -> None:
    assert (read(KINDS["PNG"][:-12]) == read(KINDS["PNG"])).all()


def test_a_last_strip_that_is_filled_up_is_read() -> None:
    rows = np.asarray(STRIP)
    one = page(rows, {259: (8,)}, rows=100)
    stored = (rows[:100].tobytes(), rows[100:200].tobytes(), rows[200:].tobytes() + bytes(44 * 800))
    filled = Page(one.width, one.height, tuple(zlib.compress(strip) for strip in stored), one.tags)
    assert (read(tiff(filled)) == rows).all()


def test_a_strip_outside_the_file_is_noticed() -> None:
    data = tiff(page(np.asarray(STRIP)))
    start = data.index(np.asarray(STRIP)[:64].tobytes())
    with pytest.raises(DamagedImage):
        read(data[:start] + data[start + 1000 :])


def test_a_bmp_whose_header_does_not_fit_its_length_is_noticed() -> None:
    data = bytearray(KINDS["BMP"])
    data[18:22] = (792).to_bytes(4, "little")
    with pytest.raises(DamagedImage, match="bytes too many"):
        read(bytes(data))
