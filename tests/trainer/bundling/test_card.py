"""The card says what it is given: files with digests, bounds, the verdict on int8; and the text of the bundle."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steel_defect.contract import InputSpec, ModelContract
from steel_defect_trainer.bundling.card import CardFacts, card_of_bundle
from steel_defect_trainer.bundling.fits import HeldOut
from steel_defect_trainer.bundling.shown import Shown
from steel_defect_trainer.evaluation.calibration import Calibration
from steel_defect_trainer.evaluation.masks import MaskMeasures, MaskRule
from steel_defect_trainer.evaluation.paired import PairedAuc
from steel_defect_trainer.evaluation.resampling import Interval
from steel_defect_trainer.exporting.agreement import Agreement
from steel_defect_trainer.exporting.card import Int8, write_card
from steel_defect_trainer.exporting.timing import Cost
from steel_defect_trainer.recipe import read_recipe
from steel_defect_trainer.reporting.markdown import table
from steel_defect_trainer.strips import StripSet

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = ModelContract("bundle", "3", ("pits", "cracks"), 0.5, 0.25, 0.75, "d1gest", "c0mmit", "free", InputSpec())
AGREEMENT = Agreement(300, (0.911, 0.9105), 0.04, 0.004, 0.995, 1.0, (("worst.jpg", 0.51, 0.47),))
INT8 = Int8(AGREEMENT, "drawn strips", (Cost(8_900_000, 14.0, 15.0), Cost(2_600_000, 7.0, 7.5)))
INTERVAL = Interval(0.9, 0.8, 0.95)
MASKS = MaskMeasures(MaskRule(0.1, 400, 0.9), 3, INTERVAL, INTERVAL, (INTERVAL,) * 2, (INTERVAL,) * 2, INTERVAL)


def _strips(defect: int, clean: int) -> StripSet:
    count = defect + clean
    classes = np.zeros((count, 2), np.float32)
    classes[:defect, 1] = 1
    names = tuple(str(place) for place in range(count))
    cells, masks = (np.zeros((count, 2, side, side), np.int8) for side in (1, 8))
    return StripSet(np.zeros((count, 32, 32), np.uint8), classes, cells, masks, names, names, "-")


@pytest.fixture
def facts(tmp_path: Path) -> CardFacts:
    """Three defects and two clean pictures: one defect is missed for certain, one clean picture is in the band."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"a model")
    logits = np.array([2, 1.5, -2, -3, 0.1], np.float32)
    return CardFacts(
        contract=CONTRACT,
        files=(path,),
        calibration=Calibration(1.0, 0.0, 0.5, 0.25, 0.75),
        real=_strips(3, 2),
        parts=np.array([0, 1, 0, 1, 0]),
        out_of_fold=HeldOut(logits, np.zeros((5, 2), np.float32), np.zeros((5, 2, 8, 8), np.uint8)),
        against=PairedAuc((0.9,), (0.8,), INTERVAL, INTERVAL, Interval(0.1, 0.0, 0.2)),
        shown=Shown(MASKS, 0.51, 1, (7, 5)),
        drawn=_strips(6, 6),
        recipe=read_recipe("unified"),
        parity=1.2e-5,
        parity_pictures=9,
        minutes=23,
    )


def _written(facts: CardFacts, folder: Path) -> str:
    write_card(card_of_bundle(facts), folder / "MODEL_CARD.md")
    return (folder / "MODEL_CARD.md").read_text()


def test_the_bundles_card_counts_its_pictures_and_answers(facts: CardFacts, tmp_path: Path) -> None:
    card = _written(facts, tmp_path)
    assert card.startswith("# bundle 3\n")
    assert hashlib.sha256(b"a model").hexdigest() in card
    assert "| 5 real strips, from 5 public repositories | true classes; true masks" in card
    assert "2 of 3 defects found" in card
    assert "1 of 2 clean ones called defect" in card
    assert "| cracks | 3 | 2 | 0.667 (0.094 to 0.992) | 0.900 (0.800 to 0.950) |" in card
    assert "the difference is 0.100 (0.000 to 0.200)" in card
    assert "show damage on 1 of 2 clean pictures, and of 7 pairs" in card
    assert "| defect | 1 | 0 | 2 |" in card
    assert "| clean | 1 | 1 | 0 |" in card
    assert "at most 1.2e-05 in any output over 9 pictures" in card
    assert "d1gest" in card
    assert "int8 against float" not in card


def test_an_int8_file_gets_its_own_part_and_verdict(facts: CardFacts, tmp_path: Path) -> None:
    kept = _written(replace(facts, int8=INT8), tmp_path)
    assert "the int8 file keeps its bounds" in kept
    assert "| ROC-AUC | 0.9110 | 0.9105 |" in kept
    assert "| size | 8.90 MB | 2.60 MB |" in kept
    assert "| `worst.jpg` | 0.5100 | 0.4700 |" in kept
    assert "equal on 99.5% of the pictures" in kept
    far = replace(INT8, agreement=replace(AGREEMENT, equal_decisions=0.98))
    assert "**does not keep its bounds: serve the float file**" in _written(replace(facts, int8=far), tmp_path)


def test_no_line_of_prose_ends_in_a_continuation(facts: CardFacts, tmp_path: Path) -> None:
    card = _written(replace(facts, int8=INT8), tmp_path)
    assert "\\" not in card
    assert "\n\n\n" not in card


def test_figures_of_a_table_are_right_aligned() -> None:
    assert table(("", "a"), [("x", 1)]) == "|  | a |\n|---|---:|\n| x | 1 |"
