"""One policy for both clouds: how long a call waits, and how often it is tried."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, TypeVar

from steel_defect.storage.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 20
_ATTEMPTS: Final = 3
_FIRST_WAIT_SECONDS: Final = 0.2

Result = TypeVar("Result")


def retried(call: Callable[[], Result]) -> Result:
    """Call, and again if the back end was unavailable: at most three times, with growing waits of random length.

    The clients' own retries are switched off: they differ between the clouds, and repeat writes with a condition.
    """
    for attempt in range(_ATTEMPTS - 1):
        try:
            return call()
        except StorageUnavailable:
            time.sleep(_FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    return call()
