"""The table of `studies.equal_terms`: what its runs found, with intervals, as JSON to keep and Markdown to read.

python -m steel_defect_trainer.studies.report runs/study/results -o equal-terms.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from steel_defect_trainer.evaluation.paired import paired_auc_difference
from steel_defect_trainer.provenance import machine
from steel_defect_trainer.reporting.markdown import table

OURS: Final = "strip"
THEIRS: Final = "e1-15b"
TITLES: Final = {
    "drawn": "drawn strips, faint damage",
    "tiles": "magnetic tiles",
    "real": "Severstal's loose pictures",
    "agreed": "further Severstal pictures, pseudo-labels",
}


def summarise(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Bring all runs together: for each set, both recipes over their seeds, and their difference.

    Args:
        results: as `steel_defect_trainer.studies.equal_terms.run` gave them.

    Returns:
        By set: `pictures`, `defects`, `groups`, `minutes` of processor time and `steps` of each training, `seeds`,
        `auc` of both recipes and of each seed, and `difference`.

    Raises:
        ValueError: runs of one set judged other pictures.
    """
    summary: dict[str, Any] = {}
    for name in TITLES:
        ours, theirs = ([result for result in results if (result["set"], result["recipe"]) == (name, recipe)]
                        for recipe in (OURS, THEIRS))  # fmt: skip
        if not ours or not theirs:
            continue
        first = ours[0]
        if any(run["names"] != first["names"] or run["truth"] != first["truth"] for run in (*ours, *theirs)):
            message = f"the runs on {name} were not judged on the same pictures"
            raise ValueError(message)
        our_scores, their_scores = (np.array([run["scores"] for run in runs]) for runs in (ours, theirs))
        paired = paired_auc_difference(our_scores, their_scores, np.array(first["truth"]), first["groups"])
        summary[name] = {
            "pictures": len(first["truth"]),
            "defects": sum(first["truth"]),
            "groups": len(set(first["groups"])),
            "parts": max(first["parts"]) + 1,
            "seeds": len(ours),
            "steps": {recipe: [run["steps"] for run in runs] for recipe, runs in ((OURS, ours), (THEIRS, theirs))},
            "cpu_seconds": {
                recipe: [run["cpu_seconds"] for run in runs] for recipe, runs in ((OURS, ours), (THEIRS, theirs))
            },
            "roc_auc": {
                OURS: paired.auc_a.rounded() | {"seeds": [round(value, 4) for value in paired.seeds_a]},
                THEIRS: paired.auc_b.rounded() | {"seeds": [round(value, 4) for value in paired.seeds_b]},
            },
            "difference": paired.difference.rounded(),
        }
    return summary


def markdown(summary: dict[str, Any]) -> str:
    """One row a set."""
    head = ("judged on", "pictures", f"`{OURS}`", f"`{THEIRS}`", "difference")
    rows = [
        (
            TITLES[name],
            f"{found['pictures']:,}",
            interval_text(found["roc_auc"][OURS]),
            interval_text(found["roc_auc"][THEIRS]),
            interval_text(found["difference"], signed=True),
        )
        for name, found in summary.items()
    ]
    return table(head, rows)


def interval_text(figures: dict[str, float], *, signed: bool = False) -> str:
    """The text of `value`, `low` and `high`."""
    sign = "+" if signed else ""
    return f"{figures['value']:{sign}.3f} ({figures['low']:{sign}.3f} to {figures['high']:{sign}.3f})"


def main() -> None:
    """Entry point of `python -m steel_defect_trainer.studies.report`."""
    parser = argparse.ArgumentParser(
        prog="python -m steel_defect_trainer.studies.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", type=Path, help="folder of the results of steel_defect_trainer.studies.equal_terms")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file to write")
    options = parser.parse_args()
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(options.results.glob("*.json"))]
    summary = summarise(results)
    kept = {"machine": machine(), "threads": 1, "sets": summary}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(markdown(summary) + "\n")


if __name__ == "__main__":
    main()
