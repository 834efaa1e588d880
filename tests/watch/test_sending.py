"""Pictures of a watched folder reach a bucket once each, whatever the network does, and their outcomes come back."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Self

import pytest

from steel_defect.client.uploads import Uploads
from steel_defect.location import Location
from tests.servers.deployment import Deployment
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket
from tests.waiting import wait_for
from tests.watch.line import Line, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.watch.line import Listener

COUNT = 60


class Cable:
    """The network between the line and the cloud: a port that passes everything on, until it is cut."""

    def __init__(self, port: int) -> None:
        """Lead to this port."""
        self._to = port
        self._whole = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Nothing passes any more, not even what was under way."""
        self._whole = False

    def mend(self) -> None:
        self._whole = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._whole = False
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._to)) as far:
            while self._whole:
                for end in select.select([near, far], [], [], 0.05)[0]:
                    data = end.recv(1 << 16)
                    if not data or not self._whole:
                        return
                    (far if end is near else near).sendall(data)


@pytest.fixture
def cloud(ministack: Emulator, probe: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Buckets with the upload function between them."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    return Deployment(ministack, "watched", eventbridge=False, settings={"MODEL_URI": str(probe)})


@pytest.fixture
def cable(ministack: Emulator) -> Iterator[Cable]:
    """The way to it."""
    with Cable(int(ministack.url.rpartition(":")[2])) as found:
        yield found


def test_pictures_wait_while_the_network_is_away_and_each_is_sent_once(
    folder: Path, cloud: Deployment, cable: Cable, listener: Listener
) -> None:
    near = {**cloud.emulator.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{cable.port}"}
    options = (f"--to=s3://{cloud.uploads}/line 3", f"--results=s3://{cloud.results}", f"--webhook={listener.url}")
    with Line(folder, *options, environment=near) as line:
        for number in range(COUNT):
            (folder / f"{number}.png").write_bytes(picture(number))
            if number % 20 == 10:
                time.sleep(0.7)
                cable.cut()
                time.sleep(1)
            if number % 20 == 15:
                line.kill()
                line.start()
                cable.mend()
        wait_for(lambda: line.status()["counts"].get("scored") == COUNT)
        assert line.status()["counts"] == {"sent": COUNT, "scored": COUNT}
        wait_for(lambda: len({event["id"] for event in listener.told}) == COUNT)
    found = cloud.client("s3").list_object_versions(Bucket=cloud.uploads)
    assert len({one["Key"] for one in found["Versions"]}) == len(found["Versions"]) == COUNT
    said = {event["source"]["key"]: event["defect_prob"] for event in listener.told}
    for number in range(COUNT):
        result = cloud.result(f"line 3/{number}.png")
        assert result is not None
        assert said[f"line 3/{number}.png"] == result["defect_prob"]


def test_a_night_without_network_keeps_everything_for_the_morning(
    folder: Path, ministack: Emulator, cable: Cable
) -> None:
    bucket = make_s3_bucket(ministack, "night")
    cable.cut()
    near = {**ministack.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{cable.port}"}
    with Line(folder, f"--to=s3://{bucket}", environment=near) as line:
        for number in range(COUNT):
            (folder / f"{number}.png").write_bytes(picture(number))
        time.sleep(8)
        status = line.status()
        assert status["pictures_waiting"] == COUNT
        assert status["seconds_behind"] > 5
        assert status["error"]
        cable.mend()
        wait_for(lambda: line.status()["counts"] == {"sent": COUNT})
        assert "Traceback" not in line.output()


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_what_is_sent_again_for_safety_is_no_second_version(
    scheme: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = request.getfixturevalue({"s3": "ministack", "gs": "fake_gcs"}[scheme])
    make = {"s3": make_s3_bucket, "gs": make_gcs_bucket}[scheme]
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    uploads = Uploads(Location.parse(f"{scheme}://{make(emulator, f'again-{scheme}')}/line"), None)
    first = uploads.send_once("a.png", picture(1))
    assert uploads.send_once("a.png", picture(1)) == first
    other = uploads.send_once("a.png", picture(2))
    assert other.version != first.version
    assert (other.uri, other.result_key) == (first.uri, "scores/line/a.png.json")
