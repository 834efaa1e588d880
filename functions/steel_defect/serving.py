"""The model that this process serves: loaded once, shared by all threads."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.scorer import Scorer
    from steel_defect.settings import Settings


def model_source(settings: Callable[[], Settings]) -> Callable[[], Scorer]:
    """A function that gives the model, loading it at its first call. A failed load is tried again at the next one.

    Raises, when called:
        ModelUnavailable: the model file is missing, damaged, or not of the contract.
    """
    lock = Lock()
    loaded: list[Scorer] = []

    def current() -> Scorer:
        # ONNX Runtime starts threads when it is imported, and they do not survive a fork: a server that forks its
        # workers after loading this code would hang when they stop.
        from steel_defect.scorer import Scorer  # noqa: PLC0415

        with lock:
            if not loaded:
                chosen = settings()
                loaded.append(Scorer.from_file(chosen.model_path, threads=chosen.threads))
            return loaded[0]

    return current
