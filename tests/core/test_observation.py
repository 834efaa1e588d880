"""What is noted, by whom it is seen, and how often a success gets its line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from steel_defect import observation
from steel_defect.log_line import Line, sampled
from steel_defect.metrics import DESCRIPTIONS, Metric
from steel_defect.observation import note, observed, part
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def line(**fields: object) -> Line:
    return Line("INFO", "POST /predict 200", fields, {Metric.RESPONSES_2XX: 1})


@pytest.mark.parametrize(("chance", "kept"), [(0.0, True), (0.09, True), (0.11, False), (0.99, False)])
def test_a_success_gets_its_line_as_often_as_asked(chance: float, *, kept: bool) -> None:
    found = sampled(line(decision="pass"), 0.1, cold_start=False, chance=chance)
    assert found.fields == ({"decision": "pass", "sample_rate": 0.1} if kept else None)
    assert found.metrics == {Metric.RESPONSES_2XX: 1}


@pytest.mark.parametrize(
    "always",
    [line(decision="review"), line(problem="not-an-image"), Line("ERROR", "POST /predict 500", {}, {})],
)
def test_what_somebody_will_ask_for_always_gets_its_line(always: Line) -> None:
    found = sampled(always, 0, cold_start=False)
    assert found.fields is not None
    assert found.fields["sample_rate"] == 1
    assert sampled(line(decision="pass"), 0, cold_start=True).fields is not None


def test_a_client_that_waits_for_a_result_does_not_fill_the_log() -> None:
    assert sampled(line(problem="result-not-ready"), 0, cold_start=False).fields is None


def test_the_share_over_many_calls_is_the_rate() -> None:
    kept = sum(sampled(line(), 0.25, cold_start=False).fields is not None for _ in range(4000))
    assert 800 < kept < 1200


def test_each_thread_notes_for_its_own_request() -> None:
    def work(number: int) -> object:
        with observed() as seen:
            for step in range(50):
                observation.note(number=number, step=step)
            return seen.facts

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [{"number": number, "step": 49} for number in range(40)]


def test_nothing_is_noted_where_nobody_observes() -> None:
    observation.note(lost=True)
    with observation.stage("lost"), observed() as seen:
        pass
    assert (seen.facts, seen.ms) == ({}, {})


def test_a_stage_that_comes_twice_adds_up_and_ends_with_an_error() -> None:
    with observed() as seen:
        for _ in range(2):
            with pytest.raises(ValueError, match="on purpose"), observation.stage("read"):
                raise ValueError("on purpose")
    assert list(seen.ms) == ["read"]


def test_every_metric_is_described() -> None:
    assert list(DESCRIPTIONS) == list(Metric)


@pytest.mark.skipif("| metric |" not in README, reason="the README has no table of metrics")
def test_the_readme_has_the_list_of_metrics() -> None:
    table = README.partition("| metric |")[2].partition("\n\n")[0].splitlines()[2:]
    said = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    assert said == [
        [f"`{metric.value}`", described.unit.lower(), described.meaning] for metric, described in DESCRIPTIONS.items()
    ]


def test_the_clock_of_one_picture_of_several_stops_with_it() -> None:
    with observed() as whole:
        for _ in range(2):
            with part():
                note(decision="pass")
        first, second = (one.total_ms() for one in whole.parts)
        began = whole.total_ms()
        while whole.total_ms() == began:
            pass
        assert (whole.parts[0].total_ms(), whole.parts[1].total_ms()) == (first, second)
    assert "decision" not in whole.facts
