"""The environment, read once and here only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BUNDLED_MODEL: Final = Path(__file__).parent / "bundled" / "model.onnx"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: 1,769 MB are one vCPU.
_LAMBDA_MB_PER_VCPU: Final = 1769
_CGROUP_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True)
class Settings:
    """How this process was told to run.

    Attributes:
        model_path: the ONNX file to serve (`MODEL_PATH`; default the bundled one).
        threads: ONNX Runtime's threads for one call (`MODEL_THREADS`; default the whole processors this process has,
            one below two).
    """

    model_path: Path
    threads: int


class SettingsError(ValueError):
    """A variable of the environment has a value that cannot be meant."""


@cache
def load_settings() -> Settings:
    """The settings of this process."""
    return settings_from(os.environ)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: names the variable and its value.
    """
    return Settings(
        model_path=Path(environment.get("MODEL_PATH") or BUNDLED_MODEL),
        threads=_threads(environment),
    )


def _threads(environment: Mapping[str, str]) -> int:
    stated = environment.get("MODEL_THREADS")
    if stated:
        if not stated.isascii() or not stated.isdigit() or int(stated) < 1:
            message = f"MODEL_THREADS must be a whole number from 1, not {stated!r}"
            raise SettingsError(message)
        return int(stated)
    return max(1, int(_processors(environment)))


def _processors(environment: Mapping[str, str]) -> float:
    """Processors that this process may use, in fractions where the platform gives fractions."""
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lambda_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if lambda_mb.isdigit():
        return min(visible, int(lambda_mb) / _LAMBDA_MB_PER_VCPU)
    try:
        quota, period = _CGROUP_QUOTA.read_text().split()
        return min(visible, int(quota) / int(period))
    except (OSError, ValueError):  # No such file, or no quota: "max 100000".
        return visible
