"""What a run of the benchmark works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmark.contenders import Contender


@dataclass(frozen=True)
class Plan:
    """The same for all measurements.

    Attributes:
        contenders: ours, and the seed project's stand-in; measured in turn.
        python: the interpreter that runs both, of Lambda's version.
        pictures: folder of the pictures, and of nothing else.
        rounds: how often each measurement goes round both.
        work: folder for what is written on the way.
        processors: those that may be used.
    """

    contenders: tuple[Contender, Contender]
    python: Path
    pictures: Path
    rounds: int
    work: Path
    processors: set[int]
