"""What of the machine this process may use: processors and memory, by the platform's word or by its control group."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: 1,769 MB are one vCPU.
_LAMBDA_MB_PER_VCPU: Final = 1769
_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUPS: Final = Path("/proc/self/cgroup")


def processors(environment: Mapping[str, str]) -> float:
    """Processors that this process may use, in fractions if the platform gives fractions."""
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lambda_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if lambda_mb.isdigit():
        return min(visible, int(lambda_mb) / _LAMBDA_MB_PER_VCPU)
    try:
        quota, period = (_CGROUPS / "cpu.max").read_text().split()
        return min(visible, int(quota) / int(period))
    except (OSError, ValueError):  # No such file, or no quota: "max 100000".
        return visible


def memory_bytes(environment: Mapping[str, str]) -> int | None:
    """Bytes of memory that this process may have; None if nothing limits it."""
    lambda_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if lambda_mb.isdigit():
        return int(lambda_mb) * 1024 * 1024
    limits = []
    for file in _memory_files():
        try:
            limits.append(int(file.read_text()))
        except (OSError, ValueError):  # No such file, or no limit: "max".
            continue
    # Version 1 states a huge number if there is no limit.
    return min((limit for limit in limits if limit < 2**60), default=None)


def _memory_files() -> Iterator[Path]:
    """Where the limit may stand: in the group of this process, or in the root, which a container sees as its own."""
    try:
        groups = [line.split(":", 2) for line in _OWN_GROUPS.read_text().splitlines()]
    except OSError:
        groups = []
    for _, controllers, path in (group for group in groups if len(group) == 3):  # noqa: PLR2004 - number:controllers:path
        if not controllers:
            yield _CGROUPS / path.lstrip("/") / "memory.max"
        elif "memory" in controllers.split(","):
            yield _CGROUPS / "memory" / path.lstrip("/") / "memory.limit_in_bytes"
    yield _CGROUPS / "memory.max"
    yield _CGROUPS / "memory" / "memory.limit_in_bytes"
