"""Large pictures wait for each other, and one that waits for too long is told so."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from steel_defect.admission import BYTES_OF_PROCESS, Admission
from steel_defect.api import Api
from steel_defect.errors import Busy
from steel_defect.settings import settings_from
from tests.pictures import encoded
from tests.requests_table import predict

if TYPE_CHECKING:
    from steel_defect.scorer import Scorer

NEEDED = 80_000_000


def test_two_fit_and_the_third_waits() -> None:
    admission = Admission(BYTES_OF_PROCESS + 2 * NEEDED)
    inside, leave = Barrier(3, timeout=30), Event()

    def stay() -> None:
        with admission.held(NEEDED):
            inside.wait()
            leave.wait(30)

    with ThreadPoolExecutor(2) as pool:
        staying = [pool.submit(stay) for _ in range(2)]
        inside.wait()
        with pytest.raises(Busy), admission.held(NEEDED, wait_seconds=0.05):
            pass
        leave.set()
        with admission.held(NEEDED, wait_seconds=30):
            pass
        assert [one.result() for one in staying] == [None, None]


def test_one_is_let_in_alone_whatever_its_size() -> None:
    admission = Admission(1)
    with admission.held(NEEDED), pytest.raises(Busy), admission.held(1, wait_seconds=0):
        pass
    with admission.held(NEEDED):
        pass


def test_without_a_limit_all_are_let_in() -> None:
    admission = Admission(None)
    with admission.held(10**12), admission.held(10**12, wait_seconds=0):
        pass


class Full(Admission):
    """Never any room."""

    def held(self, wanted: int, wait_seconds: float = 0) -> Any:  # noqa: ANN401, ARG002 - a context manager
        message = "full"
        raise Busy(message)


def test_busy_is_503_with_a_time_to_come_again(probe: Scorer) -> None:
    response = Api(lambda: probe, admission=Full(None)).handle(predict(encoded(Image.new("L", (800, 128)))))
    assert (response.status, response.headers["retry-after"]) == (503, "2")
    assert json.loads(response.body)["type"] == "urn:problem-type:steel-defect:busy"


def test_no_memory_is_503_and_no_crash(probe: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(probe, "score", without_memory)
    response = Api(lambda: probe).handle(predict(encoded(Image.new("L", (800, 128)))))
    assert (response.status, json.loads(response.body)["title"]) == (503, "Busy")


def test_the_memory_of_a_lambda_function_is_known() -> None:
    assert settings_from({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}).memory_bytes == 1769 * 1024 * 1024
