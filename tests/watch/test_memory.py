"""Memory stays flat however many pictures come; `night.py` is the long run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.watch.night import feed

if TYPE_CHECKING:
    from tests.watch.line import Starter


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc on this machine")
def test_memory_is_flat(watched: Starter) -> None:
    line = watched()
    after = feed(line, 1500, 300)
    assert len(after) == 5
    (first, _), (last, _) = after[0], after[-1]
    assert last - first < 8_000, f"kB, of the largest resident memory: {after}"
