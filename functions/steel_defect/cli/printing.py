"""Standard output takes whatever is printed, on any code page, and one line says why it cannot be written any more."""

from __future__ import annotations

import csv
import errno
import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


@contextmanager
def whole_output() -> Iterator[None]:
    """Escape what the code page has no character for; end in one line where a disk is full, silently after `| head`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in {*_FULL, errno.EPIPE}:
            raise
        # What is still in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            click.echo(f"Error: what was found cannot be written: {error.strerror}", err=True)
        sys.exit(1)


def csv_writer() -> Any:  # noqa: ANN401 - the csv module names no type
    """Writes CSV to standard output: in UTF-8 where a program reads it, whatever the code page."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    return csv.writer(sys.stdout, lineterminator="\n")
