"""Kappas are those of other libraries, rates are counted by hand, and a table that is not clear is refused."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from steel_defect.cli import main
from steel_defect_trainer.data.inspectors import read_verdicts
from steel_defect_trainer.errors import DataError
from steel_defect_trainer.evaluation.agreement import MODEL, Judged, agree, fleiss_kappa
from tests.trainer.evaluation.runs import made_up_predictions, write_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# Four inspectors on forty pictures; statsmodels 0.15.0 (`inter_rater.fleiss_kappa`) has 0.4408804047358264 for them.
SAID = np.array(
    [
        [int(digit) for digit in row]
        for row in (
            "0001110100110000100101010010010100110110",
            "0001110100010001110001110011010011110110",
            "0001110111101111100101010010110100101110",
            "1001110110010000100011010000010100110110",
        )
    ],
    np.int8,
).T
NAMES = ("anna", "ben", "carl", "dora")
FLEISS = 0.4408804047358264


def judged(defect: np.ndarray, groups: Sequence[str] | None = None) -> Judged:
    return Judged(defect.astype(bool), ~defect.astype(bool), groups)


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_kappas_are_those_of_other_libraries() -> None:
    found = agree(NAMES, SAID, judged(SAID[:, 0]))
    assert found.fleiss is not None
    assert found.fleiss.value == pytest.approx(FLEISS, abs=1e-12)
    assert len(found.pairs) == 10
    for pair in found.pairs:
        one, other = (SAID[:, 0 if name == MODEL else NAMES.index(name)] for name in (pair.one, pair.other))
        assert pair.kappa.value == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)
        assert pair.kappa.low <= pair.kappa.value <= pair.kappa.high
        exact = binomtest(int((one == other).sum()), 40).proportion_ci()
        assert (pair.agreement.low, pair.agreement.high) == pytest.approx((exact.low, exact.high))


def test_a_resample_has_the_kappa_of_its_pictures() -> None:
    times = np.random.default_rng(0).integers(0, 4, 40)
    repeated = np.repeat(SAID, times, axis=0)
    weighted = fleiss_kappa(SAID, times[None].astype(np.float64))[0]
    assert weighted == pytest.approx(fleiss_kappa(repeated, np.ones((1, len(repeated))))[0], abs=1e-12)


def test_pictures_of_one_coil_widen_the_interval() -> None:
    def width(groups: Sequence[str] | None) -> float:
        kappa = agree(NAMES[:2], SAID[:, :2], judged(SAID[:, 0], groups)).pairs[0].kappa
        return kappa.high - kappa.low

    # Those on which the two differ come from one coil.
    coils = ["differ" if one != other else f"coil {row}" for row, (one, other) in enumerate(SAID[:, :2].tolist())]
    assert width(coils) > 1.2 * width(None)


def test_rates_of_pictures_of_few_coils_are_those_of_as_many_pictures() -> None:
    # 40 pictures that all call defects, of four coils: no more is known than of four pictures.
    said = np.ones((40, 2), np.int8)
    found = agree(NAMES[:2], said, judged(said[:, 0], [f"coil {number % 4}" for number in range(40)]))
    of_four = binomtest(4, 4).proportion_ci()
    for share in (found.pairs[0].agreement, found.rates[0].found, found.rates[-1].found):
        assert (share.low, share.high) == pytest.approx((of_four.low, of_four.high))
    assert (found.passed.low, found.passed.high) == pytest.approx((1 - of_four.high, 1 - of_four.low))


def test_rates_are_against_the_majority_of_the_others() -> None:
    said = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, -1], [-1, 1, 1]], np.int8)
    model = np.array([1, 1, 1, 0, 1, 0])
    found = agree(NAMES[:3], said, judged(model), left_out=2)
    anna, ben, carl, of_model = found.rates
    # Ben and Carl: defect, tied, clean, clean, clean (Ben alone), defect (Anna did not see it).
    assert (anna.name, anna.defects, anna.clean) == ("anna", 1, 3)
    assert [anna.found.value, anna.false_alarms.value] == pytest.approx([1, 2 / 3])
    assert (ben.defects, ben.clean, carl.defects, carl.clean) == (3, 1, 3, 1)
    # All three: defect, defect, clean, clean, tied, defect.
    assert (of_model.defects, of_model.clean) == (3, 2)
    assert of_model.found.value == pytest.approx(2 / 3)
    assert of_model.false_alarms.value == pytest.approx(1 / 2)
    assert found.passed.value == pytest.approx(1 / 3)
    assert (found.passed.low, found.passed.high) == pytest.approx((0.0084, 0.9057), abs=1e-4)
    assert (found.pictures, found.left_out) == (6, 2)


def test_verdicts_that_never_differ_have_no_kappa() -> None:
    clean = np.zeros((5, 2), np.int8)
    found = agree(NAMES[:2], clean, judged(clean[:, 0]))
    assert all(np.isnan(pair.kappa.value) for pair in found.pairs)
    assert found.fleiss is None
    assert np.isnan(found.passed.value)


def test_a_table_has_words_for_verdicts(tmp_path: Path) -> None:
    rows = [("a.png", "ok", "Scratch"), ("b.png", "", "NG"), ("c.png", "defect", "good")]
    read = read_verdicts(table(tmp_path / "t.csv", ("file", "anna", "ben"), rows), ["scratch"])
    assert read.names == ("a.png", "b.png", "c.png")
    assert read.inspectors == ("anna", "ben")
    assert read.said.tolist() == [[0, 1], [-1, 1], [1, 0]]


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (("file", "anna"), [("a.png", "ok")], "has the inspectors anna; agreement needs two"),
        (("picture", "anna", "ben"), [("a.png", "ok", "ok")], "no column file"),
        (("file", "anna", "ben"), [("a.png", "ok", "1")], "row 2, ben: the verdict '1' is neither clean"),
        (("file", "anna", "ben"), [("a.png", "ok", "ok")] * 2, "row 3: the picture 'a.png' is named twice"),
        (("file", "anna", "ben"), [], "has no pictures"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(
    tmp_path: Path, header: Sequence[str], rows: list[tuple[str, ...]], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read_verdicts(table(tmp_path / "t.csv", header, rows), ["scratch"])


def test_evaluate_prints_and_writes_the_agreement(tmp_path: Path) -> None:
    predictions = made_up_predictions(seed=1)
    run = write_run(tmp_path / "strip", predictions)
    chance = np.random.default_rng(3)
    rows = []
    for name, truth in zip(predictions.names[:80], predictions.truth[:80], strict=True):
        words = ["defect" if truth != (chance.random() < wrong) else "ok" for wrong in (0.05, 0.1, 0.15)]
        rows.append((name, *words))
    rows.append(("elsewhere.png", "ok", "ok", "ok"))
    path = table(tmp_path / "inspectors.csv", ("file", "anna", "ben", "carl"), rows)
    result = CliRunner().invoke(main, ["evaluate", str(run), "--inspectors", str(path)])
    assert result.exit_code == 0, result.output
    assert "beside inspectors on 80 pictures, 1 more are not in this part" in result.output
    content = json.loads((run / "evaluation.json").read_text())["inspectors"]
    assert content["pictures"] == 80
    assert f"Fleiss' kappa of all inspectors: {content['fleiss_kappa']['value']:.3f}" in result.output
    assert {pair["other"] for pair in content["pairs"]} == {"ben", "carl", MODEL}
    assert "Beside inspectors" in (run / "report.html").read_text()
    without = CliRunner().invoke(main, ["evaluate", str(run)])
    assert "inspectors" not in without.output
    assert json.loads((run / "evaluation.json").read_text())["inspectors"] is None


def test_a_table_of_other_pictures_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "strip", made_up_predictions(seed=1))
    path = table(tmp_path / "inspectors.csv", ("file", "anna", "ben"), [("x.png", "ok", "ok")])
    result = CliRunner().invoke(main, ["evaluate", str(run), "--inspectors", str(path)])
    assert result.exit_code == 1
    assert "anna and ben judged 0 pictures of this part in common" in result.output
