"""The int8 file beside a float one: as many convolutions in int8 as keep it close enough."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.exporting.agreement import Agreement, compare
from steel_defect_trainer.exporting.card import Int8
from steel_defect_trainer.exporting.metadata import change_contract
from steel_defect_trainer.exporting.quantise import Kept, quantise
from steel_defect_trainer.exporting.timing import costs

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.strips import StripSet

# Which convolutions of the int8 file stay float: the first choice costs no time, the others some.
CHOICES: Final = (Kept(3), Kept(5), Kept(8, last=True), Kept(29, last=True))


def write_int8(path: Path, target: Path, learned: StripSet, judged: StripSet, pictures: str) -> Int8:
    """Write the int8 file with the fewest float convolutions that keeps the bounds, or else the one with the most.

    Its agreement with the float file is also written into it.

    Args:
        path: the float file.
        target: where the int8 file goes.
        learned: some hundred pictures that were trained on, to calibrate on.
        judged: pictures to compare both files on.
        pictures: what these are, in words.

    Raises:
        QuantisationError: the graph cannot be quantised.
        OSError: the file cannot be written.
    """
    for kept in CHOICES:
        which = f"the first {kept.first}{' and the last' if kept.last else ''} convolutions float"
        _say(f"{target}: calibrating on {len(learned)} training pictures, {which}")
        quantise(path, target, learned.pixels, kept)
        _say(f"{target}: comparing on {len(judged)} {pictures}")
        agreement = compare(path, target, judged)
        if agreement.holds:
            break
    _note(target, agreement)
    one, other = costs((path, target), judged.pixels[0])
    return Int8(agreement, pictures, (one, other))


def _note(path: Path, agreement: Agreement) -> None:
    """Write the agreement with the float file into the int8 file."""
    figures: dict[str, Any] = {
        "pictures": agreement.pictures,
        "largest_difference": round(agreement.largest_difference, 4),
        "equal_decisions": round(agreement.equal_decisions, 4),
        "holds": agreement.holds,
    }
    if not math.isnan(agreement.roc_auc[0]):
        figures["roc_auc_difference"] = round(agreement.roc_auc[1] - agreement.roc_auc[0], 6)
    if not math.isnan(agreement.dice[0]):
        figures["dice_difference"] = round(agreement.dice[1] - agreement.dice[0], 4)
    change_contract(
        path, lambda contract: replace(contract, metrics={**contract.metrics, "int8_against_float": figures})
    )


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
