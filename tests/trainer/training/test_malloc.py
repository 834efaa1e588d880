"""What is freed is not asked of the system again: seen by the pages that a process gets from it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LARGE_BLOCKS = """
import resource, sys
from steel_defect_trainer.training.malloc import keep_freed_memory
assert sys.argv[1] == "no" or keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    block = bytearray(48_000_000)
    block[::4096] = b"x" * len(block[::4096])
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is Linux's")
def test_pages_of_large_blocks_are_used_again() -> None:
    asked = {
        keep: int(
            subprocess.run(  # noqa: S603 - ours
                [sys.executable, "-c", _LARGE_BLOCKS, keep], capture_output=True, text=True, check=True
            ).stdout
        )
        for keep in ("no", "yes")
    }
    assert asked["yes"] < asked["no"] / 4, asked
