"""Which pictures are kept for people to look at. A leaf, so that the settings can state it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capturing:
    """How many pictures are kept, and which.

    Attributes:
        daily: at most so many of each kind a day; none at all if it is 0.
        random: the share of all pictures that is drawn, whatever the model says of them.
        near: how far from the threshold a probability may be to count as near it.
    """

    daily: int = 0
    random: float = 0.01
    near: float = 0.1
