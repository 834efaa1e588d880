"""ONNX Runtime's session of a model, as it is made here; it can be opened ahead, while the program starts."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What `open_ahead` began, by the file and the threads: waits for the session, or raises what went wrong.
_ahead: dict[tuple[Path, int], Callable[[], Any]] = {}


def open_session(model: bytes | Path, threads: int) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """The session of an ONNX file, or of its bytes.

    Args:
        model: a path if there is one: the bytes need not be in memory beside what is made of them.
        threads: of ONNX Runtime for one call.

    Raises:
        Exception: ONNX Runtime's own, which share no base class of theirs: the file cannot be loaded.
    """
    begun = None if isinstance(model, bytes) else _ahead.pop((model, threads), None)
    return _opened(model, threads) if begun is None else begun()


def open_ahead(model: Path, threads: int) -> None:
    """Begin to open a session in a thread; the next `open_session` with the same arguments waits for it, and has it.

    ONNX Runtime needs no Python meanwhile, so all that a program imports at its start goes on on another processor.
    """
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(_opened(model, threads))
        except Exception as error:  # noqa: BLE001 - raised where the session is wanted
            found.append(error)

    def wait() -> Any:  # noqa: ANN401 - as above
        thread.join()
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    thread = Thread(target=run, name="open-session", daemon=True)
    thread.start()
    _ahead[model, threads] = wait


def _opened(model: bytes | Path, threads: int) -> Any:  # noqa: ANN401 - as above
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # One size of input at a time needs no plan for its memory: 4 MB less, and no slower.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
