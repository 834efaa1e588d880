"""Outcome events on EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from steel_defect.storage.retries import require_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE: Final = "steel-defect"
PICTURE: Final = "Picture Scored"
COIL: Final = "Coil Judged"
# Two tries, each with its time to connect and to read, and the wait between them.
_MOST_SECONDS: Final = 11


class NotPublished(RuntimeError):
    """The bus did not take the event; the upload is tried again."""


def publisher(bus: str | None, detail_type: str = PICTURE) -> Callable[[dict[str, Any]], None] | None:
    """A function that puts one outcome event on the bus (a name or an ARN); None if there is no bus."""
    if bus is None:
        return None
    from botocore.config import Config  # slow to import, and only needed with a bus
    from botocore.session import Session

    config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
    client = Session().create_client("events", config=config)

    def publish(outcome: dict[str, Any]) -> None:
        require_seconds(_MOST_SECONDS)
        entry = {"EventBusName": bus, "Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(outcome)}
        answer = client.put_events(Entries=[entry])
        # EventBridge answers 200 for an event that it refused, too.
        if answer["FailedEntryCount"]:
            message = f"EventBridge did not take the outcome: {answer['Entries'][0].get('ErrorMessage')}"
            raise NotPublished(message)

    return publish
