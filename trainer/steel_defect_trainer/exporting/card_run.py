"""What a run's own files say, as a model card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.exporting.card import Card, DataRow, Int8
from steel_defect_trainer.provenance import machine, versions
from steel_defect_trainer.reporting.markdown import table

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.runs.run import Run

_USE: Final = (
    "Sorting photographs like those it was trained on into pass, review and reject. Do not let it pass or scrap steel\n"
    "on its own: see the limits below."
)
_NETWORKS: Final = {
    "strip": (
        "MobileNetV2 1.0 with one gray input channel and a map of the classes, one cell for 32 x 32 pixels: the odds\n"
        "of all cells add up to those of the picture. It answers `defect_prob`, `class_prob` and `defect_map`."
    ),
    "unified": (
        "MobileNetV2 1.0 with one gray input channel, a linear layer on the means and maxima of its features, and a\n"
        "pyramid to a mask of each class, one field for 4 x 4 pixels. It answers `defect_prob`, `class_prob`,\n"
        "`mask_prob`, and `defect_map` with the most of each 32 x 32 pixels of the masks."
    ),
    "clean": (
        "The first blocks of MobileNetV2 1.0 with ImageNet weights and one gray input channel, and a memory of 1,000\n"
        "features of clean pictures: a picture is as far as its farthest cells are from the nearest of them.\n"
        "It answers `defect_prob` and `defect_map`, one cell for 32 x 32 pixels; it tells no classes apart."
    ),
    "classifier": (
        "MobileNetV2 1.0 with one gray input channel and fully connected layers behind it. It answers `defect_prob`\n"
        "alone: not which defect, and not where."
    ),
}


def card_of_run(  # noqa: PLR0913 - what a card is made of
    run: Run,
    contract: ModelContract,
    files: tuple[Path, ...],
    evaluation: dict[str, Any],
    *,
    parity: str,
    int8: Int8 | None,
) -> Card:
    """Make the card of a run.

    Args:
        run: finished.
        contract: in its files.
        files: the model files, the float one first.
        evaluation: what its evaluation.json holds.
        parity: how far the float file is from the network, in words.
        int8: the int8 file beside the float one, None without.
    """
    calibration = evaluation["decision"]
    return Card(
        contract=contract,
        files=files,
        network=f"{_NETWORKS[run.recipe['network']['kind']]}\nClasses: {', '.join(contract.class_names)}.",
        use=_USE,
        data=_rows(run),
        data_notes=(f"Folder `{run.pictures.name if run.pictures else '?'}`; the split is in the run's `split.csv`.",),
        quality=_quality(evaluation),
        calibration=(
            f"`defect_prob` = sigmoid({calibration['scale']:.3f} x logit {calibration['offset']:+.3f}). Calibration,\n"
            f"threshold ({evaluation['rule']}) and review band were chosen on the {evaluation['chosen_on']}."
        ),
        band=evaluation["band"],
        int8=int8,
        limits=_limits(run, evaluation),
        making=_making(run, contract),
        parity=parity,
    )


def _rows(run: Run) -> tuple[DataRow, ...]:
    learned = ("train", "validation") if run.final else ("train",)
    rows = []
    for part, count in run.data["pictures"].items():
        defects = run.data["defects"][part]
        use = "learned from" if part in learned else "judged on" if part == "test" and run.final else "held out"
        rows.append(DataRow(part, defects, count - defects, use))
    return tuple(rows)


def _quality(evaluation: dict[str, Any]) -> str:
    intervals = evaluation["intervals"]
    drawn_by = "pictures" if intervals["groups"] is None else f"{intervals['groups']:,} groups of pictures"
    figures = [(name.replace("_", " "), *_interval(found)) for name, found in evaluation["metrics"].items()]
    recalls = [
        (name, f"{found['pictures']:,}", *_interval(found)) for name, found in evaluation["recall_of_classes"].items()
    ]
    counts = evaluation["confusion_matrix"]
    part = (
        f"out-of-fold pictures ({evaluation['folds']} folds)"
        if evaluation.get("folds")
        else f"{evaluation['part']} pictures"
    )
    return f"""On {evaluation["pictures"]:,} {part}, {evaluation["defects"]:,} with a defect; \
{intervals["level"]:.0%} intervals by {intervals["method"]} over {drawn_by},
{intervals["resamples"]:,} resamples.

{table(("", "value", "from", "to"), figures)}

At the threshold {counts["true_positives"]:,} defects are found and {counts["false_negatives"]:,} missed, \
{counts["true_negatives"]:,} clean pictures are called clean and {counts["false_positives"]:,} a defect.

{table(("found, of pictures with", "pictures", "recall", "from", "to"), recalls)}"""


def _interval(found: dict[str, float | None]) -> tuple[str, str, str]:
    value, low, high = (found[name] for name in ("value", "low", "high"))
    return _figure(value), _figure(low), _figure(high)


def _figure(value: float | None) -> str:
    return "no value" if value is None else f"{value:.4f}"


def _limits(run: Run, evaluation: dict[str, Any]) -> tuple[str, ...]:
    lines = [
        "Cameras, light, steel grades and resolutions other than those of the training pictures were not tested.",
        "The review band keeps its promise on the pictures it was chosen on; on others, watch it.",
    ]
    lines[:0] = [f"{warning[0].upper()}{warning[1:]}." for warning in evaluation.get("warnings", [])]
    if run.judged_by:
        lines.insert(
            0,
            f"These figures are of {evaluation['folds']} networks that were trained like this one, each judged on "
            "pictures that it had not seen; this one learned from all pictures, and was not judged itself.",
        )
    elif evaluation["part"] == "validation":
        what = "threshold" if run.learns_from_clean else "best epoch"
        lines.insert(0, f"These figures are of the validation part, by which the {what} was chosen too: they flatter.")
    if run.learns_from_clean:
        lines.append(
            "What clean training pictures did not show is called a defect, be it harmless: new light, new marks."
        )
    elif run.recipe["network"]["kind"] != "classifier":
        lines.append("Only `defect_prob` is calibrated.")
    return tuple(lines)


def _making(run: Run, contract: ModelContract) -> str:
    return f"""Recipe `{run.recipe["name"]}`, resolved:

```json
{json.dumps(run.recipe, indent=2)}
```

{versions()}.
Exported on: {machine()}. Code at `{contract.git_commit}`."""
