"""One policy for both clouds: how long a call waits, how often it is tried, and that it ends before the caller must."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from steel_defect.storage.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CONNECT_SECONDS: Final = 3
# A read waits so long for the next bytes, not for all of them.
READ_SECONDS: Final = 10
_ATTEMPTS: Final = 3
_FIRST_WAIT_SECONDS: Final = 0.2

Result = TypeVar("Result")
_end: ContextVar[float] = ContextVar("end", default=float("inf"))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let the calls that this thread makes meanwhile end in this time: none begins that might take longer."""
    token = _end.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def require_seconds(seconds: float) -> None:
    """Refuse to begin what may take so long, if the time of `within` ends before.

    Raises:
        StorageUnavailable: too little time is left. Another try, with more of it, may do.
    """
    left = _end.get() - time.monotonic()
    if left < seconds:
        message = f"{max(left, 0):.0f} s are left, and a call may take {seconds:.0f} s"
        raise StorageUnavailable(message)


def in_time(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a body, as long as the time of `within` lasts: a slow sender may keep each single wait short.

    Raises:
        StorageUnavailable: the time is over.
    """
    for chunk in chunks:
        require_seconds(0)
        yield chunk


def retried(call: Callable[[], Result]) -> Result:
    """Call, and again if the back end was unavailable: at most three times, with growing waits of random length.

    The clients' own retries are switched off: they differ between the clouds, and repeat writes with a condition.

    Raises:
        StorageUnavailable: the last try failed, or the time of `within` is too short for the next one.
    """
    for attempt in range(_ATTEMPTS):
        require_seconds(CONNECT_SECONDS + READ_SECONDS)
        try:
            return call()
        except StorageUnavailable:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    raise AssertionError
