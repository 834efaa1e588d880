"""Where a picture was taken: on which coil, and how far along its strip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# The names under which it is stated, in a query and in a direct invocation.
STATED: Final = ("coil", "position_mm")
# The last folder is the coil, and a name like 0012_128000mm.jpg says how far along. What browsers put below web/ is in
# folders that are no coils.
USUAL_PATTERN: Final = (
    r"(?!(?:.*/)?web/\d{4}-\d\d-\d\d/[^/]{22}/)(?:.*/)?(?P<coil>[^/]+)/"
    r"(?:(?:[^/]*[^/0-9.])?(?P<position_mm>[0-9]+(?:\.[0-9]+)?)mm\.[^/.]+|[^/]+)"
)
_LONGEST_COIL: Final = 128
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# A thousand kilometres: no strip is longer.
_LONGEST_MM: Final = 1e9


class PlaceError(ValueError):
    """A statement about a place that cannot be true, or a pattern that tells none."""


@dataclass(frozen=True)
class Place:
    """What is known of where a picture was taken.

    Attributes:
        coil: that the strip is of; None if nobody says.
        position_mm: of the picture's left edge along the strip, of its upper edge if the strip runs down the picture;
            None if nobody says.
    """

    coil: str | None = None
    position_mm: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What is known, as fields of an answer or a result."""
        known: dict[str, Any] = {} if self.coil is None else {"coil": self.coil}
        if self.position_mm is not None:
            whole = self.position_mm.is_integer()
            known["position_mm"] = int(self.position_mm) if whole else self.position_mm
        return known

    def stated(self) -> dict[str, str]:
        """The same, as the query of a request."""
        return {name: str(value) for name, value in self.as_json().items()}


UNKNOWN: Final = Place()


def stated_place(stated: Mapping[str, str]) -> Place:
    """Read a place from text: query parameters, options. An empty value states nothing.

    Raises:
        PlaceError: names the value and what is accepted.
    """
    coil, position = (stated.get(name) or None for name in STATED)
    if coil is not None and (len(coil) > _LONGEST_COIL or _CONTROL.search(coil)):
        message = (
            f"coil is a name of at most {_LONGEST_COIL} characters, none of them a control character, not {coil[:40]!r}"
        )
        raise PlaceError(message)
    if position is None:
        return Place(coil)
    found = _millimetres(position)
    if found is None:
        message = f"position_mm is a number from 0 to {_LONGEST_MM:.0f}, not {position[:40]!r}"
        raise PlaceError(message)
    return Place(coil, found)


def pattern_of(text: str) -> re.Pattern[str]:
    """Read the pattern that tells coil and position from the key of an upload.

    Raises:
        PlaceError: it is no regular expression, or names no group `coil`.
    """
    try:
        pattern = re.compile(text, re.DOTALL)
    except re.error as error:
        message = f"{text!r} is no regular expression: {error}"
        raise PlaceError(message) from error
    if "coil" not in pattern.groupindex:
        message = f"{text!r} has no group (?P<coil>...), which tells the coil from a key"
        raise PlaceError(message)
    return pattern


def place_of(key: str, pattern: re.Pattern[str]) -> Place:
    """What the whole key of an upload says of its place. Where the pattern does not match, nothing is known."""
    found = pattern.fullmatch(key)
    if found is None:
        return UNKNOWN
    groups = found.groupdict()
    return Place(groups["coil"] or None, _millimetres(groups.get("position_mm") or ""))


def _millimetres(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= _LONGEST_MM else None  # NaN is not between anything
