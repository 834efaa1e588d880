"""Odd but good pictures become the right pixels; what cannot be read is refused before it costs anything."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from steel_defect.contract import InputSpec
from steel_defect.errors import (
    DamagedImage,
    EmptyBody,
    ImageTooSmall,
    NotAnImage,
    SteelDefectError,
    TooManyBytes,
    TooManyPixels,
)
from steel_defect.image import decode
from steel_defect.pictures.formats import FORMATS
from tests.pictures import encoded, gradient, gray, pixel_bomb, strip_jpeg

SPEC = InputSpec()
Turn = Callable[[NDArray[Any]], NDArray[Any]]
# Options with which a lossy format keeps the gradient.
FAITHFUL: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}
# What every faithful copy of the gradient must become: the mean of each 2 x 2 block.
EXPECTED = gradient().reshape(128, 2, 800, 2).mean(axis=(1, 3))


def assert_is_gradient(data: bytes, tolerance: float = 1.0) -> None:
    """Fail where a pixel is further from the gradient than `tolerance` gray levels."""
    pixels = decode(data, SPEC).pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape == (128, 800)
    difference = np.abs(pixels - EXPECTED)
    # The two rows at the edge between the halves may ring in lossy formats.
    difference[62:66] = 0
    assert difference.max() <= tolerance


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_allowed_format_scores(image_format: str) -> None:
    options = FAITHFUL.get(image_format, {})
    assert_is_gradient(encoded(gray(gradient()), image_format, **options), tolerance=3 if image_format == "JPEG" else 1)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_sixteen_bit_gray_is_scaled_by_the_sensor_range_it_uses(image_format: str, bits: int) -> None:
    deep = Image.fromarray(np.round(gradient(top=2**bits - 1)).astype(np.uint16))
    assert_is_gradient(encoded(deep, image_format))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_thirty_two_bit_tiff_is_scaled_not_clipped(mode: str) -> None:
    top = 2**20 - 1 if mode == "I" else 1.0
    deep = Image.fromarray(gradient(top=top).astype(np.int32 if mode == "I" else np.float32))
    assert deep.mode == mode
    assert_is_gradient(encoded(deep, "TIFF"))


def test_big_endian_sixteen_bit_tiff() -> None:
    deep = Image.frombytes("I;16B", (1600, 256), np.round(gradient(top=65535)).astype(">u2").tobytes())
    assert_is_gradient(encoded(deep, "TIFF"))


def test_cmyk_jpeg() -> None:
    assert_is_gradient(encoded(gray(gradient()).convert("RGB").convert("CMYK"), "JPEG", quality=95), tolerance=4)


def test_progressive_jpeg() -> None:
    assert_is_gradient(encoded(gray(gradient()).convert("RGB"), "JPEG", quality=95, progressive=True), tolerance=3)


def test_jpeg_stored_as_rgb_without_colour_transform() -> None:
    assert_is_gradient(encoded(gray(gradient()).convert("RGB"), "JPEG", quality=95, keep_rgb=True), tolerance=3)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda p: p),
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: p[::-1, ::-1]),
        (4, lambda p: p[::-1]),
        (5, lambda p: p.T),
        (6, np.rot90),
        (7, lambda p: p[::-1, ::-1].T),
        (8, lambda p: np.rot90(p, -1)),
    ],
)
def test_every_exif_orientation_is_turned_upright(image_format: str, orientation: int, stored: Turn) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = FAITHFUL.get(image_format, {})
    image = gray(np.ascontiguousarray(stored(gradient())))
    data = encoded(image, image_format, exif=exif, **options)
    assert_is_gradient(data, tolerance=3 if image_format == "JPEG" else 1)
    picture = decode(data, SPEC)
    assert (picture.width, picture.height) == (1600, 256)


def test_nonsense_in_exif_is_no_reason_to_refuse_a_picture() -> None:
    assert_is_gradient(encoded(gray(gradient()), "JPEG", quality=95, exif=b"Exif\x00\x00MM\x00*\xff\xff"), tolerance=3)


def test_palette() -> None:
    image = Image.new("P", (1600, 256))
    image.putpalette([value for index in range(256) for value in [255 - index] * 3])
    image.putdata(list(255 - np.round(gradient()).astype(int).ravel()))
    assert_is_gradient(encoded(image))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_parts_are_seen_on_black(mode: str) -> None:
    image = gray(np.full((256, 1600), 200)).convert(mode)
    alpha = np.full((256, 1600), 255, np.uint8)
    alpha[:, 800:] = 0
    image.putalpha(Image.fromarray(alpha))
    pixels = decode(encoded(image), SPEC).pixels
    assert (pixels[:, :400] == 200).all()
    assert (pixels[:, 400:] == 0).all()


def test_transparent_palette_entry_is_seen_on_black() -> None:
    image = Image.new("P", (1600, 256), 1)
    image.putpalette([9, 9, 9, 200, 200, 200])
    image.paste(0, (0, 0, 800, 256))
    pixels = decode(encoded(image, transparency=0), SPEC).pixels
    assert (pixels[:, :400] == 0).all()
    assert (pixels[:, 400:] == 200).all()


def test_one_bit() -> None:
    black_and_white = np.zeros((256, 1600), bool)
    black_and_white[:, 800:] = True
    pixels = decode(encoded(Image.fromarray(black_and_white)), SPEC).pixels
    assert (pixels[:, :400] == 0).all()
    assert (pixels[:, 400:] == 255).all()


def test_colour_becomes_luma() -> None:
    pixels = decode(encoded(Image.new("RGB", (1600, 256), (255, 0, 0))), SPEC).pixels
    assert (pixels == 76).all()  # ITU-R BT.601: 0.299 of red


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
def test_first_frame_of_animations_and_pages(image_format: str) -> None:
    options = {"lossless": True} if image_format == "WEBP" else {}
    others = [Image.new("L", (1600, 256), shade) for shade in (0, 255)]
    assert_is_gradient(encoded(gray(gradient()), image_format, save_all=True, append_images=others, **options))


@pytest.mark.parametrize(("width", "height"), [(800, 128), (3200, 512), (8192, 1311), (400, 64)])
def test_a_strip_at_another_resolution_gives_the_same_input(width: int, height: int) -> None:
    picture = decode(encoded(gray(gradient(height, width))), SPEC)
    assert (picture.width, picture.height) == (width, height)
    assert np.abs(picture.pixels - EXPECTED)[:60].mean() < 1


@pytest.mark.parametrize(
    ("width", "height", "content"), [(256, 256, (128, 128)), (3200, 256, (64, 800)), (40, 640, (128, 8))]
)
def test_another_aspect_is_kept_and_padded_with_black(width: int, height: int, content: tuple[int, int]) -> None:
    picture = decode(encoded(Image.new("L", (width, height), 100)), SPEC)
    rows, columns = content
    assert picture.content == content
    assert (picture.pixels[:rows, :columns] == 100).all()
    assert picture.pixels.sum() == 100 * rows * columns


@pytest.mark.parametrize(("width", "height"), [(1600, 256), (248, 373), (2000, 2000)])
def test_a_model_may_ask_for_pictures_that_are_stretched_over_its_input(width: int, height: int) -> None:
    ramp = np.tile(np.linspace(0, 255, width), (height, 1))
    picture = decode(encoded(gray(ramp)), InputSpec(height=384, width=384, resize="stretch"))
    assert picture.content == (384, 384)
    assert np.abs(picture.pixels - np.linspace(0, 255, 384)).max() < 4


def test_shrinking_averages_every_pixel() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (256, 1600))
    pixels = decode(encoded(gray(noise)), SPEC).pixels
    assert np.abs(pixels - noise.reshape(128, 2, 800, 2).mean(axis=(1, 3))).max() <= 1


def test_scaled_jpeg_and_lossless_copy_agree() -> None:
    """The scaled decode of libjpeg and the box filter on full pixels are the same average."""
    noise = np.random.default_rng(0).integers(60, 200, (32, 200)).repeat(8, 0).repeat(8, 1)
    lossless = decode(encoded(gray(noise)), SPEC).pixels.astype(int)
    lossy = decode(encoded(gray(noise), "JPEG", quality=100), SPEC).pixels.astype(int)
    assert np.abs(lossless - lossy).max() <= 2


# What is refused


def test_no_bytes() -> None:
    with pytest.raises(EmptyBody):
        decode(b"", SPEC)


def test_too_many_bytes() -> None:
    with pytest.raises(TooManyBytes, match="20,000,001"):
        decode(bytes(20_000_001), SPEC)


@pytest.mark.parametrize("data", [b"hello, a picture\n" * 50, b"\xff\xd8\xff", b"GIF89a" + bytes(100), b"%PDF-1.7"])
def test_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(NotAnImage, match="JPEG, PNG, WEBP, BMP, TIFF"):
        decode(data, SPEC)


def test_gif_is_not_on_the_list() -> None:
    with pytest.raises(NotAnImage):
        decode(encoded(gray(gradient()), "GIF"), SPEC)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated_pictures(image_format: str, kept: float) -> None:
    data = encoded(gray(gradient()), image_format)
    with pytest.raises((DamagedImage, NotAnImage)):
        decode(data[: int(kept * len(data))], SPEC)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (31, 256), (1600, 31), (3200, 100)])
def test_too_small_to_mean_anything(width: int, height: int) -> None:
    with pytest.raises(ImageTooSmall, match=f"{width} x {height}"):
        decode(encoded(Image.new("L", (width, height))), SPEC)


def test_a_pixel_bomb_is_refused_from_its_header() -> None:
    bomb = pixel_bomb()
    assert len(bomb) < 10_000
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(TooManyPixels, match="81,000,000"):
        decode(bomb, SPEC)
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    assert seconds < 1


@pytest.mark.parametrize("size", [(10_000, 10_000), (16_000, 16_000)])
@pytest.mark.parametrize("image_format", ["BMP", "TIFF"])
def test_pixel_bombs_beyond_the_library_limit_too(image_format: str, size: tuple[int, int]) -> None:
    header = encoded(Image.new("L", (64, 64)), image_format)
    if image_format == "BMP":
        header = header[:18] + size[0].to_bytes(4, "little") + size[1].to_bytes(4, "little") + header[26:]
    else:
        options = {"compression": "tiff_lzw"}
        header = encoded(Image.new("1", size), image_format, **options)
    with pytest.raises(TooManyPixels):
        decode(header, SPEC)


def test_no_random_damage_raises_anything_untyped() -> None:
    random = np.random.default_rng(7)
    for image_format in FORMATS:
        good = np.frombuffer(encoded(gray(gradient(128, 800)), image_format), np.uint8)
        for _ in range(60):
            damaged = good.copy()
            where = random.integers(0, len(good), random.integers(1, 20))
            damaged[where] = random.integers(0, 256, len(where))
            with contextlib.suppress(SteelDefectError):
                decode(damaged.tobytes(), SPEC)


def test_good_jpeg_is_still_good() -> None:
    assert_is_gradient(strip_jpeg(), tolerance=3)
