"""Reading CSV tables of labels, with errors that name the file and the row."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from steel_defect_trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO


def header(path: Path) -> tuple[str, ...]:
    """The names of the columns of a table.

    Raises:
        DataError: the file cannot be read or is not UTF-8.
    """
    with _readable(path) as table:
        return tuple(csv.DictReader(table).fieldnames or ())


def rows(path: Path, required: Sequence[str], *, comments: bool = False) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table, each with its number as an editor or a spreadsheet counts lines: the header is row 1.

    A quoted value may run over lines; a row has the number of its last one. With `comments`, lines that start with "#"
    may stand before the header.

    Raises:
        DataError: the file cannot be read, is not UTF-8, has no header with the `required` columns, or a row has more
            or fewer values than the header.
    """
    with _readable(path) as table:
        first, above = table.readline(), 0
        while comments and first.startswith("#"):
            first, above = table.readline(), above + 1
        reader = csv.DictReader(chain([first], table))
        columns = reader.fieldnames or ()
        missing = [column for column in required if column not in columns]
        if missing:
            message = f"{path}, row {above + 1}: no column {', '.join(missing)}; found {','.join(columns) or 'nothing'}"
            raise DataError(message)
        for row in reader:
            # DictReader keeps surplus values under None, and None for values that are missing.
            if None in row or None in row.values():
                message = f"{path}, row {above + reader.line_num}: expected {len(columns)} values, as in the header"
                raise DataError(message)
            yield above + reader.line_num, row


@contextmanager
def _readable(path: Path) -> Iterator[TextIO]:
    """Open a table; whatever is wrong with the file while it is read becomes a `DataError`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            yield table
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8; save the table as UTF-8"
        raise DataError(message) from error
    except csv.Error as error:
        message = f"{path} is not a CSV table: {error}"
        raise DataError(message) from error
