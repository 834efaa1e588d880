r"""Keys as paths below a folder, both ways.

A key is its path, readable and the same for files that others put into the folder - if the file system lets it. A
segment between slashes is escaped if it is empty, `.` or `..`, has a control character or a backslash, is longer
than a file name may be, or starts with the escape itself: percent-encoded and cut into pieces, `~=piece` for each
but the last and `~.piece` for the last. Other names that start with `~` are the store's own.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

ESCAPE: Final = "~"
_MORE: Final = "~="
_LAST: Final = "~."
_NAME_BYTES: Final = 255
_PIECE: Final = 240


def path_of(key: str) -> str:
    """The path below the folder, relative."""
    return "/".join(part for segment in key.split("/") for part in _parts(segment))


def _parts(segment: str) -> list[str]:
    plain = (
        segment not in {"", ".", ".."}
        and not segment.startswith(ESCAPE)
        and "\\" not in segment
        and min(segment) >= " "
        and len(segment.encode()) <= _NAME_BYTES
    )
    if plain:
        return [segment]
    escaped = quote(segment, safe="")
    cuts = range(0, max(1, len(escaped)), _PIECE)
    return [(_LAST if cut == cuts[-1] else _MORE) + escaped[cut : cut + _PIECE] for cut in cuts]


def key_of(path: str) -> str | None:
    """The key of a path below the folder; None for a file that is none of the objects."""
    segments, pieces = [], []
    for part in path.split("/"):
        if part.startswith(_MORE):
            pieces.append(part.removeprefix(_MORE))
        elif part.startswith(_LAST):
            segments.append(unquote("".join([*pieces, part.removeprefix(_LAST)])))
            pieces = []
        elif part.startswith(ESCAPE) or pieces:
            return None
        else:
            segments.append(part)
    key = "/".join(segments)
    return key if not pieces and path_of(key) == path else None
