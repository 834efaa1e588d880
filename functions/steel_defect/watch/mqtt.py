"""Outcomes to an MQTT broker, with QoS 1: each until the broker acknowledges it."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.enums import CallbackAPIVersion

from steel_defect.watch.delivering import NotDelivered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

_log = logging.getLogger(__name__)
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_KEEPALIVE_SECONDS: Final = 15
_LONGEST_PAUSE_SECONDS: Final = 30
_QOS: Final = 1


class Mqtt:
    """A topic of a broker."""

    name: Final = "mqtt"
    at_once: Final = 20

    def __init__(self, client: Client, topic: str) -> None:
        """Take a client that connects by itself, and the topic."""
        self._client = client
        self._topic = topic
        client.loop_start()

    @classmethod
    def at(cls, url: str, password: str | None) -> Self:
        """The topic `mqtt://[user@]host[:port]/topic`; `mqtts://` for TLS by the machine's certificates.

        Raises:
            ValueError: the URL is none of a topic.
        """
        parts = urlsplit(url)
        topic = unquote(parts.path[1:])
        if parts.scheme not in _PORTS or not parts.hostname or not topic or set(url + topic) & set("?#+\0"):
            message = f"{url!r} is not a topic; write mqtt://[user@]host[:port]/topic, or mqtts:// for TLS"
            raise ValueError(message)
        client = Client(CallbackAPIVersion.VERSION2)
        if parts.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        if parts.username:
            client.username_pw_set(unquote(parts.username), password)
        client.reconnect_delay_set(1, _LONGEST_PAUSE_SECONDS)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: _log.log(
            logging.ERROR if reason.is_failure else logging.INFO, "%s: %s", parts.hostname, reason
        )
        client.connect_async(parts.hostname, parts.port or _PORTS[parts.scheme], _KEEPALIVE_SECONDS)
        return cls(client, topic)

    def tell(self, events: Sequence[str], stop: Event) -> int:
        """See `Receiver`. What was begun is waited for: the client sends it again after the broker was away."""
        if not self._client.is_connected():
            message = "there is no connection to the broker"
            raise NotDelivered(message)
        begun = [self._client.publish(self._topic, event, _QOS) for event in events]
        for count, publication in enumerate(begun):
            if publication.rc != MQTT_ERR_SUCCESS:  # The connection was lost meanwhile.
                return count
            while not publication.is_published():
                if stop.is_set():
                    return count
                publication.wait_for_publish(1)
        return len(begun)

    def close(self) -> None:
        """See `Receiver`."""
        self._client.disconnect()
        self._client.loop_stop()
