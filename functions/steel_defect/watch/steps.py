"""What may come of working on a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Done:
    """It is done.

    Attributes:
        outcome: in one word, for the counts.
        event: what receivers are told; None for nothing.
    """

    outcome: str
    event: dict[str, Any] | None = None


@dataclass(frozen=True)
class Sent:
    """It is in its bucket; `sent` is what its result is found by."""

    sent: dict[str, Any]


@dataclass(frozen=True)
class Later:
    """It can be done at `due`, in seconds since 1970, but not now."""

    due: float
    reason: str | None


@dataclass(frozen=True)
class Gone:
    """Its file was removed or renamed."""


Step = Done | Sent | Later | Gone
