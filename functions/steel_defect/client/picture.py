"""A picture as callers have it: the bytes of its file, or the path of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

Picture: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str]


def bytes_of(picture: Picture) -> bytes:
    """The bytes of the file.

    Raises:
        OSError: the file cannot be read.
        TypeError: it is neither bytes nor a path.
    """
    return bytes(picture) if isinstance(picture, bytes | bytearray | memoryview) else Path(picture).read_bytes()
