"""What the words of a user's labels mean: which say that a picture is clean, and which two mean one class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

CLEAN: Final = "clean"
# As HALCON, anomalib, MVTec AD and Lookout for Vision write it.
CLEAN_WORDS: Final = (CLEAN, "good", "ok", "normal")
DEFECT: Final = "defect"
# Names of a folder of defects whose class is not known.
DEFECT_WORDS: Final = (DEFECT, "defects", "bad", "ng", "nok", "anomaly", "anomalous", "abnormal")
# No class of damage is called so, but these are no words of ours either.
_MEANT_CLEAN: Final = frozenset(
    {"none", "nodefect", "nodefects", "defectfree", "free", "undamaged", "flawless", "negative"}
)
_PLURALS: Final = ("s", "es")


def is_clean(word: str) -> bool:
    """Whether a label or the name of a folder says that pictures are clean; capitals do not matter."""
    return word.strip().casefold() in CLEAN_WORDS


def is_defect(word: str) -> bool:
    """Whether the name of a folder says that its pictures have defects; capitals do not matter."""
    return word.strip().casefold() in DEFECT_WORDS


def check_class_names(names: Iterable[str], where: str) -> None:
    """Make sure that each name is a class of its own.

    Args:
        names: of all classes.
        where: they were found: a file or a folder.

    Raises:
        DataError: two names differ only in capitals, in spaces, or in a plural s; or a name says that there is no
            defect in words that are not known.
    """
    seen: dict[str, str] = {}
    for name in sorted(names):
        plain = re.sub(r"[\s_-]+", "", name).casefold()
        if plain in _MEANT_CLEAN:
            message = (
                f"{where}: the label {name!r} reads as if it were no defect; pictures without defect are labelled "
                f"{_listed(CLEAN_WORDS)}"
            )
            raise DataError(message)
        forms = {plain, *(plain + plural for plural in _PLURALS), *map(plain.removesuffix, _PLURALS)}
        other = next((seen[form] for form in sorted(forms) if form in seen), None)
        if other is not None:
            message = (
                f"{where}: the labels {other!r} and {name!r} differ only in capitals, spaces or a plural; "
                "give one class one name, or names that differ more"
            )
            raise DataError(message)
        seen[plain] = name


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(map(repr, words[:-1]))} or {words[-1]!r}"
