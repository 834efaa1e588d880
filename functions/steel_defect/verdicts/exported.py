"""What an operator decided on the page, from the JSON that the page exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from steel_defect.verdicts.verdict import Verdict, VerdictError

if TYPE_CHECKING:
    from pathlib import Path

# Of the name of a file, in characters; a verdict's name has a limit in bytes.
_LONGEST_NAME: Final = 25
# By the names of a verdict, how the page ends those of its columns.
_MODEL: Final = {"name": "", "version": "_version", "sha256": "_sha256"}


def read_export(path: Path) -> list[Verdict]:
    """A verdict for each picture that was decided, by the operator that it names; without one, by the file's name.

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
                who = picture.get("operator_name") or path.stem[:_LONGEST_NAME]
                found.append(Verdict.read(_stated(picture, who), now, str(number)))
            except VerdictError as error:
                message = f"{path}, {picture.get('file')}: {error}"
                raise VerdictError(message) from error
    return found


def _stated(picture: dict[str, Any], who: str) -> dict[str, Any]:
    model = {name: picture.get(f"model{part}") for name, part in _MODEL.items()}
    return {
        "picture": picture.get("file"),
        "model": model if all(model.values()) else None,
        "verdict": picture["operator_decision"],
        "class": picture.get("operator_class") or None,
        "note": picture.get("operator_note") or None,
        "when": picture.get("operator_time") or None,
        "who": who,
    }
