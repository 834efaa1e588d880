"""The console that tables are printed on."""

from __future__ import annotations

from typing import Final

from rich.console import Console

_PIPE_WIDTH: Final = 160


def table_console() -> Console:
    """Standard output; as wide as the terminal, and wide enough for whole names if there is none."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console
