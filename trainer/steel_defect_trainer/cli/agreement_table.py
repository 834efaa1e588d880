"""Prints how far inspectors and a model agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steel_defect_trainer.evaluation.agreement import Agreement
    from steel_defect_trainer.evaluation.resampling import Interval


def print_agreement(agreement: Agreement) -> None:
    """Two tables: of each two, and of each against the majority of the others."""
    from rich.table import Table  # noqa: PLC0415 - heavy, and --help does without

    from steel_defect.cli.console import table_console  # noqa: PLC0415 - as above

    console = table_console()
    left_out = f", {agreement.left_out:,} more are not in this part" if agreement.left_out else ""
    console.print(f"\nbeside inspectors on {agreement.pictures:,} pictures{left_out}\n", style="bold", markup=False)
    pairs = Table("", "pictures", "same verdict", "Cohen's kappa", header_style="bold", box=None, pad_edge=False)
    for pair in agreement.pairs:
        pairs.add_row(f"{pair.one}, {pair.other}", str(pair.pictures), _shown(pair.agreement), _shown(pair.kappa))
    console.print(pairs)
    if agreement.fleiss is not None:
        console.print(f"Fleiss' kappa of all inspectors: {_shown(agreement.fleiss)}", markup=False)
    console.print()
    rates = Table(
        "against the majority",
        "defects",
        "found",
        "clean",
        "false alarms",
        header_style="bold",
        box=None,
        pad_edge=False,
    )
    for one in agreement.rates:
        rates.add_row(one.name, str(one.defects), _shown(one.found), str(one.clean), _shown(one.false_alarms))
    console.print(rates)
    console.print(f"defects of the majority that the model passes: {_shown(agreement.passed)}", markup=False)


def _shown(found: Interval) -> str:
    return "no value" if math.isnan(found.value) else str(found)
