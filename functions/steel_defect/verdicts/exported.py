"""What an operator decided on the page, from the JSON that the page exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from steel_defect.verdicts.verdict import Verdict, VerdictError

if TYPE_CHECKING:
    from pathlib import Path


def read_export(path: Path) -> list[Verdict]:
    """A verdict for each picture that was decided, by whoever the file is named after: the page knows no names.

    Raises:
        VerdictError: the file is no export of the page, or what it says of a picture is no verdict.
        OSError: it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        pictures = [dict(picture) for picture in content["pictures"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{path} is not what the page exports as JSON"
        raise VerdictError(message) from error
    now = datetime.now(UTC)
    found = []
    for number, picture in enumerate(pictures):
        if picture.get("operator_decision"):
            try:
                found.append(Verdict.read(_stated(picture, path.stem), now, str(number)))
            except VerdictError as error:
                message = f"{path}, {picture.get('file')}: {error}"
                raise VerdictError(message) from error
    return found


def _stated(picture: dict[str, Any], who: str) -> dict[str, Any]:
    return {
        "picture": picture.get("file"),
        "verdict": picture["operator_decision"],
        "class": picture.get("operator_class") or None,
        "when": picture.get("operator_time") or None,
        "who": who[:50],
    }
