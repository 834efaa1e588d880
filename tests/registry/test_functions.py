"""The deployed functions follow a registry: Google's framework and Lambda's runtime, each as the platform runs it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from steel_defect.http import Request
from steel_defect.registry import promote, rollback
from steel_defect.registry.objects import Production, encoded
from tests.adapters.test_http_contract import assert_in_contract
from tests.pictures import strip_jpeg
from tests.requests_table import predict
from tests.transports import CloudRun, Lambda

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.registry.conftest import Registry

PICTURE = strip_jpeg()
WITHIN_SECONDS = 120


@pytest.mark.parametrize("server", [CloudRun, Lambda])
def test_promotion_failure_and_roll_back_without_a_restart(
    local_registry: Registry, server: Callable[..., CloudRun | Lambda]
) -> None:
    store, first, second = local_registry.store, local_registry.first, local_registry.second
    promote(store, "probe", first, who="test")
    environment = {"MODEL_URI": f"{local_registry.uri}/models/probe", "MODEL_REFRESH_SECONDS": "0.2"}
    with server(environment=environment) as function:
        assert serves(function) == first
        promote(store, "probe", second, who="test")
        until(lambda: serves(function) == second)
        assert model(function)["registry"]["state"] == "current"
        store.put("models/probe/production.json", encoded(Production("0" * 64, (second, first), "now", "by hand")))
        until(lambda: model(function)["registry"]["state"] == "stale")
        assert "there is no model" in model(function)["registry"]["error"]
        assert serves(function) == second
        rollback(store, "probe", who="test")
        until(lambda: model(function)["registry"]["state"] == "current")
        assert serves(function) == second
        if isinstance(function, Lambda):
            lines = [json.loads(line) for line in function.output().splitlines() if line.startswith("{")]
            counted = [line["ModelNotCurrent"][0] for line in lines if "ModelNotCurrent" in line]
            assert set(counted) == {0.0, 1.0}
        else:
            assert '"severity": "ERROR"' in function.output()
            assert "cannot be served; what serves stays" in function.output()


@pytest.mark.parametrize("server", [CloudRun, Lambda])
def test_a_start_without_the_registry(local_registry: Registry, server: Callable[..., CloudRun | Lambda]) -> None:
    with server(environment={"MODEL_URI": f"{local_registry.uri}/models/probe"}) as function:
        assert function.send(predict(PICTURE)).status == 200
        assert model(function)["registry"]["state"] == "bundled"


def test_s3_from_inside_lambda(registry: Registry, request: pytest.FixtureRequest) -> None:
    if not registry.uri.startswith("s3:"):
        pytest.skip("the other back ends need no credentials")
    promote(registry.store, "probe", registry.second, who="test")
    environment = request.getfixturevalue("ministack").environment
    with Lambda(environment={**environment, "MODEL_URI": f"{registry.uri}/models/probe"}) as function:
        assert serves(function) == registry.second


def serves(function: CloudRun | Lambda) -> str:
    answer = function.send(predict(PICTURE))
    assert answer.status == 200, answer.body
    return str(json.loads(answer.body)["model"]["sha256"])


def model(function: CloudRun | Lambda) -> Any:  # noqa: ANN401 - JSON
    request = Request("GET", "/model")
    return assert_in_contract(function, request, function.send(request))


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)
