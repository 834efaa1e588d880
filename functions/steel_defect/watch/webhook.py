"""Outcomes to a URL: one POST each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import requests

from steel_defect.watch.delivering import NotDelivered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

_log = logging.getLogger(__name__)
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20
# The receiver says that it will never take this one. Others may be about a token, a path or a load that is mended.
REFUSED: Final = frozenset({400, 410, 413, 415, 422})


class Webhook:
    """A URL that takes outcomes. An answer of 2xx means that it has it."""

    name: Final = "webhook"
    at_once: Final = 1

    def __init__(self, url: str, token: str | None) -> None:
        """Take the URL, and what to show as a bearer token."""
        self._url = url
        self._session = requests.Session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def tell(self, events: Sequence[str], stop: Event) -> int:  # noqa: ARG002 - as the port
        """See `Receiver`."""
        for event in events:
            self._post(event)
        return len(events)

    def _post(self, event: str) -> None:
        try:
            answer = self._session.post(
                self._url,
                data=event.encode(),
                headers={"Content-Type": "application/json"},
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,  # A body and a token are for the one they were made for.
            )
        except requests.RequestException as error:
            message = f"{self._url}: {error}"
            raise NotDelivered(message) from error
        if answer.status_code in REFUSED:
            _log.error("%s refuses an outcome with %d: %s", self._url, answer.status_code, event)
        elif not answer.ok or answer.is_redirect:
            message = f"{self._url} answers {answer.status_code}"
            raise NotDelivered(message)

    def close(self) -> None:
        """See `Receiver`."""
        self._session.close()
