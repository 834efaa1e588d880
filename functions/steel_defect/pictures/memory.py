"""Memory of a large picture goes back to the system: glibc would keep it for the process."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# A trim takes milliseconds, and strips of steel are smaller.
_LARGE: Final = 4_000_000


def give_back(pixels: int) -> None:
    """After a picture of so many pixels: ask the allocator to return what is free, if it was a large one."""
    if pixels >= _LARGE and (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """The function of glibc; None where the C library has none."""
    try:
        function: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return function
