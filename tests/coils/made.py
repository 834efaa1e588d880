"""Results as they are written, made without pictures."""

from __future__ import annotations

from typing import Any

from steel_defect.coils.tally import Tally
from steel_defect.place import Place

MODEL = {"name": "strip", "version": "1", "sha256": "a" * 64}


def defect(  # noqa: PLR0913 - where it is
    x: int, y: int, side: int = 8, *, name: str = "pits", mm: float | None = 0.5, along_x: bool = True, long: int = 0
) -> dict[str, Any]:
    """A defect at these pixels; `long` if it is not a square."""
    width, height = (long or side, side) if along_x else (side, long or side)
    made: dict[str, Any] = {
        "class": name,
        "prob": 0.9,
        "box": {"x": x, "y": y, "width": width, "height": height},
        "area_px": width * height,
        "area_share": 0.01,
        "center": {"x": x + width / 2, "y": y + height / 2},
        "length_px": float(width if along_x else height),
        "page": 1,
    }
    if mm is not None:
        made["mm"] = {"x": x * mm, "y": y * mm, "area": width * height * mm * mm, "length": made["length_px"] * mm}
    return made


def result(*defects: dict[str, Any], masks: bool = True, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The result of a picture of 1600 x 256."""
    found = {"defects": list(defects), "defect_count": len(defects)} if masks else {}
    return {
        "schema_version": 1,
        "status": "scored",
        "source": {"bucket": "u", "key": "k", "order": "", "version": None},
        "model": MODEL,
        "decision": "pass",
        "defect_prob": 0.1,
        "class_prob": {"pits": 0.1, "scratches": 0.05},
        "view": {"turned": 0, "pages": 1},
        "image": {"width": 1600, "height": 256, "format": "JPEG"},
        **found,
        **more,
    }


FAILED = {
    "schema_version": 1,
    "status": "failed",
    "source": {"bucket": "u", "key": "k", "order": "", "version": None},
    "model": MODEL,
    "problem": {"type": "urn:problem-type:steel-defect:not-an-image", "title": "Not an image", "status": 422},
}


def tallied(*pictures: tuple[float | None, dict[str, Any]], name: str = "{:04}.jpg") -> Tally:
    """The tally of pictures at these positions."""
    tally = Tally()
    for index, (position, content) in enumerate(pictures):
        tally.add(name.format(index), Place("4711", position), content)
    return tally
