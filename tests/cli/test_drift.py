"""`steel-defect drift` over stores of results: a known index, a real shift, and what cannot be told."""

from __future__ import annotations

import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.contract import Distribution, Reference
from steel_defect.drift import psi
from steel_defect.place import UNKNOWN
from steel_defect.scorer import Scorer
from steel_defect.storage import open_store
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import encode, result_key, scored
from steel_defect_trainer.exporting.reference import reference_of
from tests.pictures import encoded, gray
from tests.probe_model import CONTRACT, probe_model
from tests.servers.emulators import Emulator, make_gcs_bucket, make_s3_bucket

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from steel_defect.statistics import Statistics


HALVES = Distribution((100.0,), (0.5, 0.5))
NAMES = ("mean", "contrast", "dark_share", "defect_prob")
REFERENCE = Reference(10_000, dict.fromkeys(NAMES, HALVES))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file whose reference has one half of everything below 100."""
    path = tmp_path / "model.onnx"
    path.write_bytes(probe_model(replace(CONTRACT, reference=REFERENCE)))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for results."""
    (tmp_path / "results" / "scores" / "line 3").mkdir(parents=True)
    return tmp_path / "results"


def result(model: Path, key: str, **values: float) -> dict[str, Any]:
    """A result as it is in a store, with these statistics."""
    sha256 = Scorer(model).sha256
    found = {**dict.fromkeys(NAMES, 0.0), **values}
    probability = found.pop("defect_prob")
    return {
        "schema_version": 1, "status": "scored", "model": {"name": "probe", "version": "1", "sha256": sha256},
        "source": {"uri": f"s3://uploads/{key}", "bucket": "uploads", "key": key, "version": None, "order": ""},
        "defect_prob": probability, "decision": "pass", "statistics": found,
    }  # fmt: skip


def results(model: Path, count: int, high: dict[str, int]) -> dict[str, bytes]:
    """By key, results of which so many are in the upper half, for each statistic; of the others, half of them."""
    template = result(model, "k")
    found = {}
    for index in range(count):
        above = {name: 150.0 if index < high.get(name, count // 2) else 50.0 for name in NAMES}
        probability = above.pop("defect_prob")
        content = {**template, "defect_prob": probability, "statistics": above}
        found[result_key(f"line 3/{index}.jpg")] = encode(content)
    return found


def fill(folder: Path, found: dict[str, bytes]) -> None:
    """Write results as they are after a bucket was copied."""
    for key, data in found.items():
        (folder / key).write_bytes(data)


def drift(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["drift", *map(str, arguments)])


def test_the_index_is_what_one_computes_by_hand(folder: Path, model: Path) -> None:
    fill(folder, results(model, 200, {"mean": 150, "contrast": 120}))
    run = drift(folder, "--model", model, "--json")
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert (told["pictures"], told["reference_pictures"], told["left_out"]) == (200, 10_000, {})
    found = {one["name"]: one for one in told["drift"]}
    # (1/4 - 1/2) ln(1/2) + (3/4 - 1/2) ln(3/2), and 0.1 ln(0.6/0.4)
    assert found["mean"]["psi"] == pytest.approx(0.25 * (math.log(2) + math.log(1.5)))
    assert found["contrast"]["psi"] == pytest.approx(0.1 * math.log(1.5))
    assert found["dark_share"]["psi"] == found["defect_prob"]["psi"] == 0
    assert {name: one["level"] for name, one in found.items()} == {
        "mean": "large", "contrast": "stable", "dark_share": "stable", "defect_prob": "stable",
    }  # fmt: skip
    assert found["mean"]["now"] == [0.25, 0.75]
    # The 95 % quantile of chi-squared with one degree of freedom is 3.841; the approximation is within 3 % of it.
    assert found["mean"]["chance"] == pytest.approx(3.841 * (1 / 200 + 1 / 10_000), rel=0.03)


def test_an_empty_bin_counts_as_nearly_empty() -> None:
    assert psi((0.5, 0.5), (1.0, 0.0)) == pytest.approx(0.5 * math.log(2) + (1e-4 - 0.5) * math.log(2e-4))


@pytest.mark.parametrize(("high", "moderate", "large"), [(150, 3, 3), (135, 3, 0), (100, 0, 0)])
def test_fail_on(folder: Path, model: Path, high: int, moderate: int, large: int) -> None:
    fill(folder, results(model, 200, {"dark_share": high}))
    assert drift(folder, "--model", model, "--fail-on", "moderate").exit_code == moderate
    assert drift(folder, "--model", model, "--fail-on", "large").exit_code == large


def test_an_index_that_chance_explains_is_no_drift(folder: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.onnx"
    few.write_bytes(probe_model(replace(CONTRACT, reference=replace(REFERENCE, pictures=10))))
    fill(folder, results(few, 200, {"mean": 150}))
    run = drift(folder, "--model", few, "--json")
    found = {one["name"]: one for one in json.loads(run.stdout)["drift"]}["mean"]
    assert (found["psi"] > 0.25, found["chance"] > found["psi"], found["level"]) == (True, True, "stable")


def test_a_table_for_people_and_a_plot(folder: Path, model: Path, tmp_path: Path) -> None:
    fill(folder, results(model, 200, {"mean": 150}))
    run = drift(folder, "--model", model, "--plot", tmp_path / "drift.svg")
    lines = run.stdout.splitlines()
    assert lines[0].split() == ["statistic", "PSI", "by", "chance", "drift", "largest", "change"]
    assert lines[4].split()[:5] == ["mean", "0.275", "<", "0.019", "large"]
    assert "below 100: 50% then, 25% now" in lines[4]
    assert "200 pictures, against 10,000 of the reference" in run.stdout
    root = ET.fromstring((tmp_path / "drift.svg").read_text())  # noqa: S314 - our own file
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "large: PSI 0.275" in texts
    bars = [bar for bar in root.iter("{http://www.w3.org/2000/svg}rect") if bar.get("class") in {"then", "now"}]
    assert len(bars) == 2 + 4 * 2 * 2, "two of the legend, then a pair for each bin"


def answers_of(scorer: Scorer, pictures: list[bytes]) -> list[tuple[Statistics, float]]:
    return [(found.statistics, found.defect_prob) for found in map(scorer.score, pictures)]


def test_pictures_that_became_brighter_are_told_from_those_that_did_not(tmp_path: Path) -> None:
    """The whole way: pictures, the reference of their model, results, the command."""
    rng = np.random.default_rng(0)
    probe = Scorer(probe_model())

    def pictures(count: int, brighter: float) -> list[bytes]:
        levels = rng.normal(100 + brighter, 15, (count, 1, 1)) + rng.normal(0, 20, (count, 32, 200))
        return [encoded(gray(np.clip(picture, 0, 255))) for picture in levels]

    model = tmp_path / "model.onnx"
    contract = replace(CONTRACT, reference=reference_of(answers_of(probe, pictures(300, 0))))
    model.write_bytes(probe_model(contract))
    scorer = Scorer(model)
    for name, brighter in (("same", 0), ("brighter", 20)):
        (tmp_path / name / "scores").mkdir(parents=True)
        for index, data in enumerate(pictures(200, brighter)):
            ref = ObjectRef("s3", "uploads", f"{index}.png", order="")
            fill(tmp_path / name, {result_key(ref.key): encode(scored(ref, scorer.score(data), scorer, UNKNOWN))})
    assert drift(tmp_path / "same", "--model", model, "--fail-on", "moderate").exit_code == 0
    run = drift(tmp_path / "brighter", "--model", model, "--fail-on", "large", "--json")
    assert run.exit_code == 3
    levels = {one["name"]: one["level"] for one in json.loads(run.stdout)["drift"]}
    assert (levels["mean"], levels["defect_prob"], levels["contrast"]) == ("large", "large", "stable")


def test_a_period_takes_what_was_written_in_it(folder: Path, model: Path) -> None:
    fill(folder, results(model, 240, {}))
    files = sorted((folder / "scores").rglob("*.json"))
    for place, file in enumerate(files):
        written = datetime(2026, 3, 1 if place < 100 else 2 if place < 220 else 3, 12, tzinfo=UTC).timestamp()
        os.utime(file, (written, written))
    for options, count in (
        (("--since", "2026-03-02", "--until", "2026-03-03"), 120),
        (("--until", "2026-03-02T12:00"), 100),
        (("--since", "2026-03-02T12:00:00"), 140),
        ((), 240),
    ):
        run = drift(folder, "--model", model, "--json", *options)
        assert json.loads(run.stdout)["pictures"] == count


def test_what_is_left_out_is_said(folder: Path, model: Path) -> None:
    fill(folder, results(model, 100, {}))
    good = result(model, "k")
    other = {**good, "model": {"name": "probe", "version": "0", "sha256": "0" * 64}}
    old = {name: value for name, value in good.items() if name != "statistics"}
    failed = {**old, "status": "failed", "problem": {}}
    more = {"other": encode(other), "old": encode(old), "failed": encode(failed), "broken": b"{"}
    fill(folder, {result_key(key): data for key, data in more.items()})
    run = drift(folder, "--model", model)
    assert run.exit_code == 0, run.output
    for said in (
        "100 pictures", "left out: 1 of another model: probe 0", "left out: 1 without statistics",
        "left out: 1 of what could not be scored", "left out: 1 no results",
    ):  # fmt: skip
        assert said in run.stdout


@pytest.mark.parametrize(("count", "said"), [(0, "has no results of this model"), (99, "has 99 results of this model")])
def test_too_few_results_tell_nothing(folder: Path, model: Path, count: int, said: str) -> None:
    fill(folder, results(model, count, {}))
    run = drift(folder, "--model", model)
    assert run.exit_code == 1
    assert said in run.output


def test_a_model_without_a_reference_is_said(folder: Path, probe_file: Path) -> None:
    run = drift(folder, "--model", probe_file)
    assert run.exit_code == 1
    assert "has no reference to compare with" in run.output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("/no/such/folder",), 2, "is no folder, and no URI"),
        (("ftp://results",), 1, "is not the URI of a store"),
        ((".", "--model", "missing.onnx"), 1, "cannot be read"),
        ((".", "--model", "s3://bucket/nothing"), 2, "names no model"),
        ((".", "--since", "yesterday"), 2, "does not match"),
    ],
)
def test_what_cannot_be_meant_is_said(model: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    given = arguments if "--model" in arguments else (*arguments, "--model", str(model))
    run = drift(*given)
    assert run.exit_code == status, run.output
    assert said in " ".join(run.output.split())
    assert "Traceback" not in run.output


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_bucket_is_read(
    model: Path, scheme: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator: Emulator = request.getfixturevalue("ministack" if scheme == "s3" else "fake_gcs")
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    make_bucket = make_s3_bucket if scheme == "s3" else make_gcs_bucket
    uri = f"{scheme}://{make_bucket(emulator, 'drift-results')}"
    store = open_store(uri)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: store.put(*item), results(model, 110, {}).items()))
    now = ("--since", "2020-01-01")
    assert "110 pictures" in drift(uri, "--model", model, *now).stdout
    assert "no results" in drift(uri, "--model", model, "--until", "2020-01-01").output
