"""Waiting for a state that servers come to by themselves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS: Final = 300


def wait_for(condition: Callable[[], Any]) -> Any:  # noqa: ANN401 - gives what the condition gives
    """Wait until the condition is true, and give its value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.25)
    return value
