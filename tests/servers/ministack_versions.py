"""MiniStack whose EventBridge events of S3 name the version of the object. Run as a program, or `add` to one.

S3 says `version-id` in the events of a bucket with versions; MiniStack says it in its notifications alone.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

from ministack import app  # type: ignore[import-untyped]  # ships no types
from ministack.services import eventbridge, s3  # type: ignore[import-untyped]  # as above

_version: ContextVar[str | None] = ContextVar("version", default=None)


def add() -> None:
    """Have the events of this process name versions."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event  # noqa: SLF001 - it has no plug-ins

    def fire_with_version(*event: Any, version_id: str | None = None, **more: Any) -> None:  # noqa: ANN401 - MiniStack's
        # Each event is fired in a thread, and so in a context, of its own.
        _version.set(version_id)
        fire(*event, version_id=version_id, **more)

    def dispatch_with_version(event: dict[str, Any], *more: Any) -> None:  # noqa: ANN401 - as above
        if event["Source"] == "aws.s3" and (version := _version.get()) is not None:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, *more)

    s3._fire_s3_event, eventbridge._dispatch_event = fire_with_version, dispatch_with_version  # noqa: SLF001 - as above


if __name__ == "__main__":
    add()
    app.main()
