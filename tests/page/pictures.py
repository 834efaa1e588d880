"""Pictures of one gray, which the probe model's answer is known of, as the browser takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypedDict
from zlib import crc32

import numpy as np

from tests.pictures import encoded, gray

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Over 255, the probe model's answer; its review band is from 0.25 to 0.75, its threshold 0.5.
PASS, DOUBTFUL_PASS, DOUBTFUL_REJECT, REJECT = 26, 115, 140, 230


class Upload(TypedDict):
    """A file as Playwright gives it to a browser."""

    name: str
    mimeType: str
    buffer: bytes


def upload(name: str, shade: int, image_format: str = "PNG") -> Upload:
    """A strip of one gray, and some bytes that no other name has: the page takes the same bytes once."""
    pixels = np.full((64, 400), float(shade))
    if image_format == "JPEG":
        return {"name": name, "mimeType": "image/jpeg", "buffer": encoded(gray(pixels), "JPEG", comment=name)}
    specks = np.unpackbits(np.array([crc32(name.encode())], ">u4").view(np.uint8))
    pixels[32, 8:264:8] += 20 * specks
    pixels[40, 8:264:8] -= 20 * specks  # Of the same mean.
    return {"name": name, "mimeType": f"image/{image_format.lower()}", "buffer": encoded(gray(pixels), image_format)}


def twelve() -> list[Upload]:
    """Four to pass, four to review, two to reject, and two that are no good pictures."""
    good = [upload(f"clean-{number}.png", PASS) for number in range(3)]
    good += [upload("clean-tiff.tif", PASS, "TIFF")]
    good += [upload(f"leans-reject-{number}.png", DOUBTFUL_REJECT) for number in range(2)]
    good += [upload(f"leans-pass-{number}.png", DOUBTFUL_PASS) for number in range(2)]
    good += [upload(f"scratched-{number}.jpg", REJECT, "JPEG") for number in range(2)]
    cut = upload("cut-off.png", PASS)
    cut["buffer"] = cut["buffer"][:-40]
    notes: Upload = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are my notes\n" * 100}
    return [*good[:5], cut, *good[5:], notes]


def add(page: Page, *pictures: Upload) -> None:
    """Choose the pictures as a person does, and wait until all that was ever added is done."""
    from playwright.sync_api import expect  # noqa: PLC0415 - installed where there is a page

    before = int(page.locator("#total-all b").inner_text())
    page.set_input_files("#files", list(pictures))
    expect(page.locator("#total-all b")).to_have_text(str(before + len(pictures)))
    done = re.compile(rf"^{len(pictures)} of {len(pictures)} done$")
    expect(page.locator("#progress span")).to_have_text(done)


def totals(page: Page) -> dict[str, int]:
    """The figures at the top."""
    kinds = ("all", "pass", "review", "reject", "failed")
    return {kind: int(page.locator(f"#total-{kind} b").inner_text()) for kind in kinds}
