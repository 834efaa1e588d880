"""What the README says of pictures: its reasons, limits and settings are those of the code."""

from __future__ import annotations

import re
from typing import Final

from steel_defect.camera import STATED
from steel_defect.decision import Reason
from steel_defect.pictures.frames import MAX_PAGES
from steel_defect.pictures.framing import MOST_TILES
from steel_defect.pictures.jpeg import MAX_COEFFICIENT_BYTES
from steel_defect.pictures.jpeg_markers import MAX_SCANS, MAX_SEGMENTS
from steel_defect.pictures.png_chunks import MAX_CHUNKS as PNG_CHUNKS
from steel_defect.pictures.tiff_layout import MAX_CHUNKS as TIFF_CHUNKS
from steel_defect.pictures.webp import MAX_FRAME_PIXELS
from steel_defect.scorer import Scorer
from steel_defect.settings import BUNDLED_MODEL
from tests.conftest import REPOSITORY

README: Final = (REPOSITORY / "README.md").read_text(encoding="utf-8")
JUDGED: Final = README.partition("## What is judged, and how\n")[2].partition("\n## ")[0]
WORDS: Final = " ".join(JUDGED.split())


def test_each_reason_has_a_row_and_no_other_has() -> None:
    table = JUDGED.partition("| reason | means | to do |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Reason)


def test_limits_are_those_that_are_kept() -> None:
    spec = Scorer(BUNDLED_MODEL).contract.input
    for limit in (
        f"{spec.max_bytes // 10**6} MB, {spec.max_pixels // 10**6} megapixels in all pages",
        f"at least {spec.min_side} pixels",
        f"{MOST_TILES} tiles a page, {MAX_PAGES} pages",
        f"{MAX_FRAME_PIXELS // 10**6} megapixels of WebP",
        f"{MAX_SCANS} scans and {MAX_SEGMENTS:,} segments of JPEG",
        # Two bytes a sample, three samples a pixel.
        f"{MAX_COEFFICIENT_BYTES // 6 // 10**6} megapixels of progressive JPEG",
        f"{PNG_CHUNKS:,} chunks of PNG; {TIFF_CHUNKS:,} strips or tiles of TIFF",
    ):
        assert limit in WORDS


def test_the_rules_are_of_the_bundled_model() -> None:
    frame = Scorer(BUNDLED_MODEL).contract.frame
    assert frame is not None
    assert f"{frame.smallest:g} to {frame.largest:g} times its size" in WORDS
    assert f"outside {frame.smallest:g} to {1 / frame.smallest:g} times the training scale" in WORDS
    assert frame.mm_per_pixel is None, "the README says that it states none"


def test_what_can_be_stated_of_the_camera_has_a_row_of_the_settings_and_is_named_with_the_requests() -> None:
    assert all(f"\n| `{name.upper()}` |" in README for name in STATED)
    assert ", ".join(f"`{name}`" for name in STATED) in README
