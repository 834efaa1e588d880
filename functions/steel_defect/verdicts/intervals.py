"""How many of all pictures have a defect, when people looked at some of them.

Nothing is assumed of pictures that nobody looked at, since people choose: they look at what was stopped, and at what
is odd. So each of these may have a defect or none, and what is certain are two bounds. Only pictures that were drawn at
random say something of the others: the number of defects among them is hypergeometric, and its exact interval (Clopper
and Pearson's for a finite population) narrows the bounds. Those that were drawn and that nobody looked at count as the
worse of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma


@dataclass(frozen=True)
class Bounds:
    """From `low` to `high`, both in it; `likely` is the best guess, None if there is nothing to guess from."""

    low: float
    high: float
    likely: float | None


@dataclass(frozen=True)
class Part:
    """The pictures of one decision.

    Attributes:
        pictures: how many there are.
        looked: at how many people looked and agreed.
        defects: how many of these have a defect.
        drawn: how many of all were drawn at random.
        drawn_looked: at how many of the drawn people looked and agreed.
        drawn_defects: how many of these have a defect.
    """

    pictures: int = 0
    looked: int = 0
    defects: int = 0
    drawn: int = 0
    drawn_looked: int = 0
    drawn_defects: int = 0

    def all_defects(self, error: float) -> Bounds:
        """How many of the part have a defect; wrong with at most this probability."""
        least, most = self.defects, self.pictures - (self.looked - self.defects)
        low, high = least, most
        if self.drawn:
            unseen = self.drawn - self.drawn_looked
            low = max(low, defects_of(self.pictures, self.drawn, self.drawn_defects, error)[0])
            high = min(high, defects_of(self.pictures, self.drawn, self.drawn_defects + unseen, error)[1])
        return Bounds(min(low, most), max(high, least), self._likely())

    def _likely(self) -> float | None:
        rest = self.pictures - self.looked
        if not rest:
            return self.defects
        # Of the drawn that some looked at, these may be the odd ones.
        whole = self.drawn > 0 and self.drawn_looked == self.drawn
        return self.defects + rest * self.drawn_defects / self.drawn if whole else None


def defects_of(pictures: int, drawn: int, defects: int, error: float) -> tuple[int, int]:
    """The least and the largest number of defects among all pictures that fits with so many among those drawn.

    Args:
        pictures: how many there are.
        drawn: how many of them were drawn, each as likely as any other.
        defects: how many of the drawn have a defect.
        error: how likely the true number may be outside.
    """
    at_least, at_most = defects, pictures - (drawn - defects)
    low, high = at_least, at_most
    first, last = at_least, at_most
    while first < last:  # The fewer there are, the less likely are so many or more among the drawn.
        middle = (first + last) // 2
        if _reach(pictures, middle, drawn, defects) > error / 2:
            last = middle
        else:
            first = middle + 1
    low = first
    first, last = at_least, at_most
    while first < last:
        middle = (first + last + 1) // 2
        # So few with a defect are so many and more without one.
        if _reach(pictures, pictures - middle, drawn, drawn - defects) > error / 2:
            first = middle
        else:
            last = middle - 1
    high = first
    return low, high


def _reach(pictures: int, marked: int, drawn: int, found: int) -> float:
    """How likely at least `found` of the drawn are among the marked."""
    first, last = max(found, drawn - (pictures - marked)), min(drawn, marked)
    if first > last:
        return 0.0
    # From the likeliest number on: the first term of all may be too small for a float.
    middle = min(last, max(first, (drawn + 1) * (marked + 1) // (pictures + 2)))
    ways = _log_ways(marked, middle) + _log_ways(pictures - marked, drawn - middle) - _log_ways(pictures, drawn)
    total = term = exp(ways)
    for count in range(middle, last):
        term *= (marked - count) * (drawn - count) / ((count + 1) * (pictures - marked - drawn + count + 1))
        total += term
    term = exp(ways)
    for count in range(middle, first, -1):
        term *= count * (pictures - marked - drawn + count) / ((marked - count + 1) * (drawn - count + 1))
        total += term
    return total


def _log_ways(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
