"""What one picture may cost, whatever its sender wants: memory, processor time, and what is refused from its header."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect.errors import DamagedImage, NotAnImage, SteelDefectError, TooManyPixels
from steel_defect.pictures import open_picture
from steel_defect.pictures.jpeg_markers import read_markers
from tests.core.pictures.tiff_files import Page, Tags, page, tiff
from tests.pictures import encoded, strip_jpeg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEGABYTES = 300
SIDE = 6300  # squared: just below the 40 megapixels that a model takes by default
STRIP = Image.new("L", (1600, 256), 90)
MEASURED = """
import json, resource, sys, time
from pathlib import Path
from steel_defect.pictures import bmp, jpeg, open_picture, png, tiff, webp
data = Path(sys.argv[1]).read_bytes()
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
before, start = resident(), time.process_time()
with open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000) as source:
    pixels = source.read(0)
shape = pixels.shape
seconds = time.process_time() - start
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
del pixels
print(json.dumps({"peak": (peak - before) / 1e6, "after": (resident() - before) / 1e6, "seconds": seconds}))
"""


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_png() -> bytes:
    """16-bit colour with alpha: the most bytes a pixel that PNG has."""
    row = b"\x00" + np.tile(np.array([9000, 8000, 7000, 65535], ">u2"), SIDE).tobytes()
    stream = zlib.compressobj(1)
    body = b"".join(stream.compress(row) for _ in range(SIDE)) + stream.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 16, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def wide_tiff() -> bytes:
    """32-bit floats in one strip."""
    row = np.linspace(0, 1, SIDE, dtype="<f4").tobytes()
    stream = zlib.compressobj(1)
    strip = b"".join(stream.compress(row) for _ in range(SIDE)) + stream.flush()
    tags = page(np.zeros((1, 1), np.float32), {259: (8,)}).tags | {278: (SIDE,)}
    return tiff(Page(SIDE, SIDE, (strip,), tags))


WORST: dict[str, Callable[[], bytes]] = {
    "PNG": deep_png,
    "TIFF": wide_tiff,
    "JPEG": lambda: encoded(Image.new("RGB", (SIDE, SIDE), (90, 80, 70)), "JPEG", progressive=True),
    "JPEG, CMYK": lambda: encoded(Image.new("CMYK", (SIDE, SIDE), (90, 80, 70, 9)), "JPEG"),
    "WebP": lambda: encoded(Image.new("RGB", (3870, 3870), (90, 80, 70)), "WEBP", method=0),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", WORST)
def test_the_worst_picture_of_each_format_has_bounded_memory_and_time(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.write_bytes(WORST[kind]())
    command = [sys.executable, "-c", MEASURED, str(file)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 - ours
    assert found["peak"] < MEGABYTES
    assert found["after"] < 40  # given back to the system
    assert found["seconds"] < 6  # three, on a processor that does nothing else


def test_pictures_that_would_take_more_memory_are_refused_from_their_headers() -> None:
    data = bytearray(encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True, subsampling=0))
    frame = data.index(b"\xff\xc2")
    data[frame + 5 : frame + 9] = struct.pack(">HH", SIDE, SIDE)
    with pytest.raises(TooManyPixels, match="save it as baseline JPEG"):
        read(bytes(data))
    canvas = bytearray(encoded(Image.new("RGBA", (64, 64), (1, 2, 3, 4)), "WEBP", exif=b"Exif\x00\x00II"))
    assert canvas[12:16] == b"VP8X"
    canvas[24:30] = (3999).to_bytes(3, "little") * 2
    with pytest.raises(TooManyPixels, match="15,000,000 pixels of WebP"):
        read(bytes(canvas))


def read(data: bytes) -> None:
    with open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000) as source:
        source.read(0)


JPEG, PNG = strip_jpeg(), encoded(STRIP)
ZIPPED = zlib.compress(bytes(1 << 20))
ONE = page(np.zeros((1, 1), np.uint8)).tags
TILED: Tags = {322: (1,), 323: (1,), 324: (8,) * 4096, 325: (9_000_000,) * 4096}


def one_strip(strip: bytes, compression: int) -> bytes:
    return tiff(Page(4000, 4000, (strip,), ONE | {259: (compression,), 278: (4000,)}))


FLOODS: dict[str, Callable[[], bytes]] = {
    "empty segments": lambda: b"\xff\xd8" + b"\xff\xeb\x00\x02" * 4_900_000 + JPEG[2:],
    "comments": lambda: b"\xff\xd8" + (b"\xff\xfe\xff\xff" + bytes(65533)) * 300 + JPEG[2:],
    "fill bytes": lambda: b"\xff\xd8" + b"\xff" * 19_900_000 + JPEG[2:],
    "fill bytes in a scan": lambda: JPEG[:-2] + b"\xff" * 19_900_000 + JPEG[-2:],
    "restart markers": lambda: JPEG[:-2] + b"\xff\xd0" * 9_900_000 + JPEG[-2:],
    "zeros": lambda: b"\xff\xd8" + bytes(19_900_000) + JPEG[2:],
    "texts": lambda: PNG[:33] + chunk(b"tEXt", b"a\x00b") * 1_300_000 + PNG[33:],
    "profiles": lambda: PNG[:33] + chunk(b"iCCP", b"a\x00\x00" + ZIPPED) * 15_000 + PNG[33:],
    "empty picture data": lambda: PNG[:33] + chunk(b"IDAT", b"") * 1_600_000 + PNG[33:],
    "strips": lambda: tiff(page(np.zeros((45_000, 32), np.uint8), rows=1)),
    "tiles upon each other": lambda: tiff(page(np.zeros((64, 64), np.uint8), TILED)),
    "LZW tables": lambda: one_strip(b"\x80\x40\x20\x10\x08" * 3_900_000, 5),
    "PackBits runs": lambda: one_strip(b"\xff\x00" * 8_000_000, 32773),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_floods_cost_little_time(kind: str) -> None:
    data = FLOODS[kind]()
    start = time.process_time()
    with contextlib.suppress(SteelDefectError):
        read(data)
    assert time.process_time() - start < 6


def test_a_tile_far_wider_than_its_picture_is_refused() -> None:
    tags: Tags = {259: (8,), 322: (1 << 30,), 323: (64,), 324: (8,), 325: (100,)}
    with pytest.raises(NotAnImage, match="rows of more than"):
        read(tiff(page(np.zeros((64, 64), np.uint8), tags)))


def progressive(*scans: tuple[int, int, int]) -> bytes:
    """The markers of a gray progressive JPEG: of each scan first and last coefficient, bits before and after."""
    frame = b"\xff\xc2\x00\x0b\x08" + struct.pack(">HH", SIDE, SIDE) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + frame + b"".join(b"\xff\xda\x00\x08\x01\x01\x00" + bytes(scan) for scan in scans) + b"\xff\xd9"


def test_a_scan_that_repeats_another_is_refused_before_it_is_decoded() -> None:
    once = [(0, 0, 0), (1, 63, 1), (1, 63, 0x10)]
    assert read_markers(progressive(*once)).whole
    with pytest.raises(DamagedImage, match="scan 4 of the JPEG does not continue"):
        read_markers(progressive(*once, (1, 63, 0x10)))


def test_scans_are_limited_in_number_and_by_the_pixels_that_they_pass_over() -> None:
    every = [
        (0, 0, 0),
        *((index, index, 1) for index in range(1, 64)),
        *((index, index, 0x10) for index in range(1, 64)),
    ]
    with pytest.raises(TooManyPixels, match="pass over more than"):
        read_markers(progressive(*every))
    small = progressive(*every).replace(struct.pack(">HH", SIDE, SIDE), struct.pack(">HH", 64, 64))
    with pytest.raises(NotAnImage, match="more than 100 scans"):
        read_markers(small)
