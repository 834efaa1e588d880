"""One state of the state machine that closes a coil: `{"step": "look" or "report", "key": "line-3/4711/coil.json"}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steel_defect.coils.closing import closing_of
from steel_defect.uploads.refs import UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.settings import Settings


def step(event: object, settings: Settings, publish: Callable[[dict[str, Any]], None] | None) -> dict[str, Any]:
    """Look, or write the report and publish its outcome.

    Args:
        event: see the module; the key is that of the marker.
        settings: of the deployment.
        publish: takes the outcome; None if nobody listens.

    Returns:
        `{"finished": true or false}` of a look, the outcome of a report.

    Raises:
        UnknownEvent: the event is none of the two.
        MarkerError, AcceptanceError: what people have to mend.
        StorageError: worth another try.
    """
    match event:
        case {"step": "look", "key": str(key)}:
            return {"finished": closing_of(settings, key).is_finished()}
        case {"step": "report", "key": str(key)}:
            outcome = closing_of(settings, key).report()
            if publish is not None:
                publish(outcome)
            return outcome
        case _:
            message = 'the event is no step of closing a coil: {"step": "look" or "report", "key": "..."}'
            raise UnknownEvent(message)
