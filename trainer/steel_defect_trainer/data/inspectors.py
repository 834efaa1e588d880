"""What several inspectors said of the same pictures: a table with a column for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.data.label_words import CLEAN_WORDS, DEFECT, is_clean, is_defect
from steel_defect_trainer.data.tables import header, rows
from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

NOT_SEEN: Final = -1
_FILE: Final = "file"


@dataclass(frozen=True)
class Verdicts:
    """Verdicts of I inspectors on N pictures.

    Attributes:
        names: of the pictures, none twice.
        inspectors: their names.
        said: int8 (N, I): 1 a defect, 0 clean, `NOT_SEEN`.
    """

    names: tuple[str, ...]
    inspectors: tuple[str, ...]
    said: NDArray[np.int8]


def read_verdicts(path: Path, class_names: Collection[str]) -> Verdicts:
    """Read a table of `file` and a column for each inspector; an empty value is a picture that one did not see.

    Args:
        path: of the table.
        class_names: words for a defect, beside "defect" and the like.

    Raises:
        DataError: it cannot be read, has fewer than two inspectors, names a picture twice, or has another word.
    """
    inspectors = tuple(name for name in header(path) if name != _FILE)
    if len(inspectors) < 2:  # noqa: PLR2004 - agreement is between two
        message = f"{path} has the inspectors {', '.join(inspectors) or 'nobody'}; agreement needs two columns or more"
        raise DataError(message)
    defects = {name.casefold() for name in class_names}
    said: dict[str, list[int]] = {}
    for row, values in rows(path, (_FILE,)):
        name = values[_FILE].strip()
        if not name or name in said:
            message = f"{path}, row {row}: the picture {name!r} is {'named twice' if name else 'not named'}"
            raise DataError(message)
        said[name] = [
            _verdict(values[inspector], defects, f"{path}, row {row}, {inspector}") for inspector in inspectors
        ]
    if not said:
        message = f"{path} has no pictures"
        raise DataError(message)
    return Verdicts(tuple(said), inspectors, np.array(list(said.values()), np.int8))


def _verdict(text: str, defects: Collection[str], where: str) -> int:
    word = text.strip()
    if not word:
        return NOT_SEEN
    if is_clean(word):
        return 0
    if is_defect(word) or word.casefold() in defects:
        return 1
    message = (
        f"{where}: the verdict {word!r} is neither {' nor '.join(CLEAN_WORDS)}, nor {DEFECT!r} or a class of the run"
    )
    raise DataError(message)
