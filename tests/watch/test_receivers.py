"""Outcomes reach a webhook and a real MQTT broker, each at least once, also if these are away for a while."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from steel_defect.watch import outbox as outbox_module
from steel_defect.watch.database import Database
from steel_defect.watch.ledger import File, Ledger
from steel_defect.watch.outbox import Outbox
from steel_defect.watch.steps import Done
from steel_defect.watch.work import Work
from tests.transports import Server, free_port
from tests.waiting import wait_for
from tests.watch.line import Listener, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from paho.mqtt.client import MQTTMessage

    from tests.watch.line import Starter

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
TOPIC = "plant/line 3/outcomes"


def write(folder: Path, numbers: range) -> set[str]:
    for number in numbers:
        (folder / f"{number}.png").write_bytes(picture(number))
    return {f"{number}.png" for number in numbers}


def test_a_webhook_that_is_away_gets_everything_later_and_in_order(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    listener.answer = 503
    line = watched(f"--webhook={listener.url}", environment={"STEEL_DEFECT_WEBHOOK_TOKEN": "secret"})
    write(folder, range(30))
    line.wait_until_done(30)
    assert line.status()["outcomes_waiting"] == {"webhook": 30}
    assert listener.told == []
    line.kill()
    listener.answer = 200
    line.start()
    wait_for(lambda: len(listener.told) == 30)
    assert len(set(listener.names())) == 30
    assert {headers["Authorization"] for headers in listener.headers} == {"Bearer secret"}
    assert {event["decision"] for event in listener.told} <= {"pass", "review", "reject"}


def test_an_outcome_that_is_refused_for_good_does_not_hold_up_the_others(
    folder: Path, watched: Starter, listener: Listener
) -> None:
    listener.answer = 422
    line = watched(f"--webhook={listener.url}")
    write(folder, range(2))
    line.wait_until_done(2)
    wait_for(lambda: line.status()["outcomes_waiting"] == {"webhook": 0})
    listener.answer = 200
    write(folder, range(2, 4))
    wait_for(lambda: set(listener.names()) == {"2.png", "3.png"})
    assert "refuses an outcome with 422" in line.output()


class Broker(Server):
    """Mosquitto, with what it holds for subscribers in a file."""

    def __init__(self, folder: Path, access: str = "allow_anonymous true") -> None:
        """Keep everything in this folder; `stop` and `start` as often as you like."""
        port = free_port()
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {port} 127.0.0.1\n{access}\npersistence true\npersistence_location {folder}/\n"
            "user root\nmax_queued_messages 0\n"
        )
        super().__init__([str(MOSQUITTO), "-c", str(settings)], {}, port)

    def stop(self) -> None:
        super().stop()
        self._log.close()

    def start(self) -> None:
        self.__enter__()


class Gateway:
    """What a PLC gateway does: subscribes with QoS 1 and a session that the broker keeps."""

    def __init__(self, port: int) -> None:
        """Connect, and go on connecting."""
        self.told: list[bytes] = []
        self.subscribed = False
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(TOPIC, qos=1)
        self._client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.told.append(bytes(message.payload))

    def keys(self) -> set[str]:
        return {json.loads(event)["source"]["key"] for event in self.told}

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker."""
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    place = tmp_path / "broker"
    place.mkdir()
    with Broker(place) as found:
        yield found


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    """A gateway that has subscribed."""
    found = Gateway(broker.port)
    wait_for(lambda: found.subscribed)
    yield found
    found.close()


def test_every_outcome_reaches_a_plc_gateway_over_restarts_of_the_broker_and_kills_of_the_service(
    folder: Path, watched: Starter, broker: Broker, gateway: Gateway
) -> None:
    line = watched(f"--mqtt=mqtt://127.0.0.1:{broker.port}/{TOPIC.replace(' ', '%20')}")
    wanted = write(folder, range(40))
    wait_for(lambda: gateway.keys() == wanted)
    assert len(gateway.told) == 40, "each once, as long as nothing goes wrong"
    for turn in range(1, 4):
        wanted |= write(folder, range(turn * 100, turn * 100 + 40))
        time.sleep(1)
        broker.stop()
        wanted |= write(folder, range(turn * 100 + 40, turn * 100 + 60))
        time.sleep(1.5)
        if turn == 2:
            line.kill()
            line.start()
        broker.start()
    wait_for(lambda: gateway.keys() == wanted)
    wait_for(lambda: line.status()["outcomes_waiting"] == {"mqtt": 0})
    results = line.results()
    assert set(results) == wanted
    said = {event["source"]["key"]: event for event in map(json.loads, gateway.told)}
    assert {key: event["decision"] for key, event in said.items()} == {
        key: result["decision"] for key, result in results.items()
    }
    assert len({event["id"] for event in map(json.loads, gateway.told)}) == len(wanted)


def test_what_the_broker_did_not_acknowledge_is_told_again_after_a_kill_of_both(
    folder: Path, watched: Starter, broker: Broker, gateway: Gateway
) -> None:
    line = watched(f"--mqtt=mqtt://127.0.0.1:{broker.port}/{TOPIC.replace(' ', '%20')}")
    wanted = write(folder, range(1))
    wait_for(lambda: gateway.keys() == wanted)
    os.kill(broker.pid, signal.SIGSTOP)  # It takes what is sent, and does nothing with it.
    wanted |= write(folder, range(1, 11))
    line.wait_until_done(11)
    time.sleep(1)
    assert line.status()["outcomes_waiting"] == {"mqtt": 10}
    line.kill()
    gateway.subscribed = False
    os.kill(broker.pid, signal.SIGKILL)
    broker.stop()
    broker.start()
    # A broker that was killed has forgotten who subscribed, and takes what nobody wants as delivered.
    wait_for(lambda: gateway.subscribed)
    line.start()
    wait_for(lambda: gateway.keys() == wanted)
    wait_for(lambda: line.status()["outcomes_waiting"] == {"mqtt": 0})


def test_a_broker_that_comes_later_than_the_service(folder: Path, watched: Starter, tmp_path: Path) -> None:
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    late = Broker(tmp_path)
    line = watched(f"--mqtt=mqtt://127.0.0.1:{late.port}/{TOPIC.replace(' ', '%20')}")
    write(folder, range(3))
    line.wait_until_done(3)
    assert line.status()["outcomes_waiting"] == {"mqtt": 3}
    with late:
        wait_for(lambda: line.status()["outcomes_waiting"] == {"mqtt": 0})


def test_a_user_whom_the_broker_refuses_is_named_in_the_log_and_nothing_is_lost(
    folder: Path, watched: Starter, tmp_path: Path
) -> None:
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    strict = Broker(tmp_path, "allow_anonymous false")
    with strict:
        line = watched(f"--mqtt=mqtt://line3@127.0.0.1:{strict.port}/a")
        write(folder, range(1))
        line.wait_until_done(1)
        wait_for(lambda: "Not authorized" in line.output())
        assert line.status()["outcomes_waiting"] == {"mqtt": 1}


def test_pictures_wait_in_their_folder_while_nobody_takes_their_outcomes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "MOST_OUTCOMES", 3)
    database = Database(tmp_path)
    files = [File(f"{number}.png", 1, 1, number) for number in range(5)]
    ledger, outbox = Ledger(database, 0), Outbox(database, ["webhook"])
    ledger.note(files, 0)
    event = {"source": {"uri": "file:///a", "version": None}, "model": {"sha256": "0"}}
    work = Work(ledger, outbox, lambda key: files[int(key[0])], lambda _: Done("scored", event))
    assert [work.one() for _ in range(5)] == [True, True, True, False, False]
    outbox.delivered(outbox.oldest("webhook", 1)[0][0])
    assert [work.one() for _ in range(2)] == [True, False]
    assert outbox.backlog().waiting == 1
    database.close()
