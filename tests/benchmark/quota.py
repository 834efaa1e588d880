"""A share of the processors, as Lambda gives it: by a control group of Linux, of either version."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TWO: Final = Path("/sys/fs/cgroup")
_ONE: Final = Path("/sys/fs/cgroup/cpu")
# Lambda's own period is not stated; this is the kernel's default.
_PERIOD_US: Final = 100_000
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: 1,769 MB are one vCPU.
MB_PER_VCPU: Final = 1769


class NoQuota(RuntimeError):
    """This machine, or this user, cannot limit the processor time of a process."""


@contextmanager
def quota(processors: float) -> Iterator[Path]:
    """A control group whose processes get so many processors together; gives the file that takes their ids.

    Raises:
        NoQuota: not Linux, or no right to make control groups.
    """
    second = (_TWO / "cgroup.controllers").is_file()
    group = (_TWO if second else _ONE) / f"steel-defect-{uuid.uuid4().hex[:8]}"
    limit = round(processors * _PERIOD_US)
    try:
        group.mkdir()
        if second:
            (group / "cpu.max").write_text(f"{limit} {_PERIOD_US}", encoding="ascii")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US), encoding="ascii")
            (group / "cpu.cfs_quota_us").write_text(str(limit), encoding="ascii")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        message = f"no control group with a share of the processor can be made: {error}; run as root on Linux"
        raise NoQuota(message) from error
    try:
        yield group / "cgroup.procs"
    finally:
        for process in (group / "cgroup.procs").read_text(encoding="ascii").split():
            os.kill(int(process), 9)
        _remove(group)


def _remove(group: Path) -> None:
    for _ in range(100):
        try:
            group.rmdir()
        except OSError:  # A process takes a moment to end.
            os.sched_yield()
        else:
            return
