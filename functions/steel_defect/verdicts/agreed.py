"""What is known of a picture by everything that was said of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steel_defect.verdicts.verdict import Verdict, Word

if TYPE_CHECKING:
    from collections.abc import Iterable

# Name of the picture's object, and the version of it that was stated.
Looked = tuple[str, str | None]


@dataclass(frozen=True)
class Agreed:
    """The last words of those who looked at one picture; none was withdrawn.

    Attributes:
        verdicts: one of each person, the oldest first.
    """

    verdicts: tuple[Verdict, ...]

    @property
    def word(self) -> Word | None:
        """What all of them say; None if they differ."""
        words = {verdict.word for verdict in self.verdicts}
        return words.pop() if len(words) == 1 else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that they name, each once, the oldest first."""
        return tuple(dict.fromkeys(verdict.class_name for verdict in self.verdicts if verdict.class_name))


def agreed(verdicts: Iterable[Verdict]) -> dict[Looked, Agreed]:
    """By picture and version, what stands of what was said. In the order of the pictures' names."""
    last: dict[Looked, dict[str, Verdict]] = defaultdict(dict)
    for verdict in sorted(verdicts, key=lambda said: (said.when, said.received, said.identity)):
        last[verdict.picture, verdict.version][verdict.who.casefold()] = verdict
    found = {}
    for looked in sorted(last, key=lambda of: (of[0], of[1] or "")):
        standing = tuple(verdict for verdict in last[looked].values() if verdict.word is not Word.WITHDRAWN)
        if standing:
            found[looked] = Agreed(standing)
    return found
