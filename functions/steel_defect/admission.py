"""As many pictures at a time as fit into memory: a large one takes hundreds of megabytes while it is decoded."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, Final

from steel_defect.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the process takes before any picture: interpreter, libraries, model.
BYTES_OF_PROCESS: Final = 250_000_000
# Longer than a large picture takes, shorter than any client waits.
_LONGEST_WAIT_SECONDS: Final = 10.0


class Admission:
    """Lets pictures in while there is room, and makes others wait. Safe to use from several threads."""

    def __init__(self, memory: int | None) -> None:
        """Take the bytes of memory that this process may have; None for no limit.

        One picture is always let in when no other is, whatever its size.
        """
        self._room = None if memory is None else max(0, memory - BYTES_OF_PROCESS)
        self._held = 0
        self._changed = Condition()

    @contextmanager
    def held(self, wanted: int, wait_seconds: float = _LONGEST_WAIT_SECONDS) -> Iterator[None]:
        """Hold so many bytes while a picture is read and scored.

        Raises:
            Busy: there was none for `wait_seconds`.
        """
        if self._room is None:
            yield
            return
        self._take(wanted, time.monotonic() + wait_seconds)
        try:
            yield
        finally:
            with self._changed:
                self._held -= wanted
                self._changed.notify_all()

    def _take(self, wanted: int, deadline: float) -> None:
        assert self._room is not None  # noqa: S101 - else nothing is taken
        with self._changed:
            while self._held and self._held + wanted > self._room:
                if not self._changed.wait(deadline - time.monotonic()):
                    message = "other pictures are being scored, and there is no memory beside them now: send it again"
                    raise Busy(message)
            self._held += wanted


UNLIMITED: Final = Admission(None)
