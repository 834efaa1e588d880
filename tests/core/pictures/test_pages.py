"""Every page of a file counts, but thumbnails do not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from steel_defect.errors import NotAnImage, TooManyPixels
from steel_defect.pictures import Depth, Page, PictureSource, open_picture
from tests.core.pictures.tiff_files import page, tiff
from tests.pictures import encoded

SHADES = (40, 120, 200)


def opened(data: bytes) -> PictureSource:
    return open_picture(data, max_bytes=20_000_000, max_pixels=40_000_000)


def plain(shade: int, height: int = 64, width: int = 100) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.full((height, width), shade, np.uint8)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP"])
def test_every_page_is_read_in_any_order(kind: str) -> None:
    frames = [Image.fromarray(plain(shade)) for shade in SHADES]
    options = {"lossless": True} if kind == "WEBP" else {}
    with opened(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)) as source:
        assert source.pages == (Page(100, 64),) * 3
        for index in (2, 0, 1):
            assert np.abs(source.read(index).astype(int) - SHADES[index]).max() <= 1


def test_pages_may_differ_in_size_and_depth() -> None:
    deep = np.full((32, 50), 1000, np.uint16)
    deep[:, ::2] = 0
    with opened(tiff(page(plain(40)), page(deep))) as source:
        assert source.pages == (Page(100, 64), Page(50, 32))
        assert source.read(1).shape == (32, 50)
        assert source.depth == Depth(10, "estimate")
        source.read(0)
        assert source.depth == Depth(8, "file")


@pytest.mark.parametrize("tags", [{254: (1,)}, {254: (4,)}, {255: (2,)}])
@pytest.mark.parametrize("order", [0, 1])
def test_thumbnails_and_masks_are_no_pages(tags: dict[int, tuple[int, ...] | bytes], order: int) -> None:
    pages = [page(plain(9, 16, 25), tags), page(plain(200))]
    with opened(tiff(*pages[:: -1 if order else 1])) as source:
        assert source.pages == (Page(100, 64),)
        assert (source.read(0) == 200).all()


def test_a_thumbnail_alone_is_the_picture() -> None:
    with opened(tiff(page(plain(9), {254: (1,)}))) as source:
        assert (source.read(0) == 9).all()


def test_more_pages_than_64_are_refused() -> None:
    assert len(opened(tiff(*[page(plain(1, 32, 32))] * 64)).pages) == 64
    with pytest.raises(TooManyPixels, match="more than 64 pages"):
        opened(tiff(*[page(plain(1, 32, 32))] * 65))


def test_the_pixels_of_all_pages_together_are_limited() -> None:
    data = tiff(*[page(plain(1, 100, 100))] * 3)
    with pytest.raises(TooManyPixels, match="3 pages, of 30,000 pixels; at most 29,999"):
        open_picture(data, max_bytes=20_000_000, max_pixels=29_999)


def test_a_circle_of_pages_is_refused() -> None:
    data = bytearray(tiff(page(plain(1, 32, 32))))
    data[-4:] = data[4:8]
    with pytest.raises(NotAnImage, match="circle"):
        opened(bytes(data))
