"""The small JPEG of a page, which people see where their browser shows no TIFF."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from steel_defect.answer import answer
from steel_defect.pictures import open_picture
from steel_defect.pictures.preview import MAX_PIXELS, preview_of
from tests.pictures import encoded, gradient, gray

if TYPE_CHECKING:
    from steel_defect.pictures.preview import Preview
    from steel_defect.scorer import Scorer


def previewed(data: bytes, index: int = 0) -> tuple[Preview, np.ndarray]:
    with open_picture(data, max_bytes=50_000_000, max_pixels=40_000_000) as source:
        found = preview_of(source, index)
    with Image.open(BytesIO(found.jpeg)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (found.width, found.height))
        return found, np.asarray(image)


def test_a_strip_is_shown_to_its_pixel() -> None:
    found, pixels = previewed(encoded(gray(gradient()), "TIFF"))
    assert (found.width, found.height) == (1600, 256)
    assert np.abs(pixels - gradient()).max() < 8


def test_sixteen_bits_are_seen_as_the_model_sees_them() -> None:
    wide = Image.fromarray((gradient() * 257).astype(np.uint16))
    _, pixels = previewed(encoded(wide, "TIFF"))
    assert np.abs(pixels - gradient()).max() < 8


@pytest.mark.parametrize("size", [(2048, 12800), (6000, 3000), (32, 30000)])
def test_what_is_large_is_scaled_down_and_its_bytes_are_bounded(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    found, _ = previewed(encoded(Image.fromarray(noise), "TIFF"))
    assert found.width * found.height <= MAX_PIXELS
    assert len(found.jpeg) < MAX_PIXELS
    assert found.width / found.height == pytest.approx(size[1] / size[0], rel=0.05)


def test_the_answer_has_the_page_that_decided_and_only_if_asked(probe: Scorer) -> None:
    first, second = (gray(np.full((64, 400), float(shade))) for shade in (20, 230))
    data = encoded(first, "TIFF", save_all=True, append_images=[second])
    prediction = probe.score(data, with_preview=True)
    content = answer(prediction, probe)["preview"]
    assert prediction.view.page == 2
    assert prediction.preview is not None
    with Image.open(BytesIO(prediction.preview.jpeg)) as image:
        assert np.asarray(image).mean() == pytest.approx(230, abs=2)
    assert (content["width"], content["height"]) == (400, 64)
    assert "preview" not in answer(probe.score(data), probe)
