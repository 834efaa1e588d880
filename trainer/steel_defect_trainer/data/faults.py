"""Faults of pictures and masks, all of them at once: who corrects them one by one waits for each try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from steel_defect_trainer.data.parallel import with_progress
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")
_SHOWN: Final = 20


def with_all_faults(what: str, items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """The result of `work` for each item in order, as `with_progress` gives it, up to the first fault; then look on.

    Raises:
        DataError: names every item that `work` raised one for, once all have been looked at.
    """

    def one(item: Item) -> Result | DataError:
        try:
            return work(item)
        except DataError as error:
            return error

    faults: list[str] = []
    for result in with_progress(what, items, one):
        if isinstance(result, DataError):
            faults.append(str(result))
        elif not faults:
            yield result
    if faults:
        raise DataError(listed(faults, "pictures"))


def listed(faults: Sequence[str], what: str) -> str:
    """One fault as it is; several one a line, with their number."""
    if len(faults) == 1:
        return faults[0]
    rest = [f"and {len(faults) - _SHOWN:,} more"] if len(faults) > _SHOWN else []
    return "\n  ".join([f"{len(faults):,} {what} have faults:", *faults[:_SHOWN], *rest])
