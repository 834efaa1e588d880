"""Several runs side by side: the table of experiments, and which ranks the same pictures better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.evaluation.few import few_kinds
from steel_defect_trainer.evaluation.measures import Confusion, measure_with_intervals
from steel_defect_trainer.evaluation.paired import PairedAuc, paired_auc_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steel_defect_trainer.predictions import Predictions
    from steel_defect_trainer.runs.run import Run

# Experiments are compared as they come out of training: not calibrated, no threshold tuned.
THRESHOLD: Final = 0.5


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        name: of the run.
        pictures: it was judged on.
        figures: loss, acc, precision (NaN if nothing is called a defect), recall, f1 and rocauc, in this order.
        confusion: at the threshold 0.5.
    """

    name: str
    pictures: int
    figures: dict[str, float]
    confusion: Confusion


@dataclass(frozen=True)
class Difference:
    """A run against the first one; without a comparison there is a reason."""

    name: str
    against: str
    auc: PairedAuc | None
    why_not: str = ""


@dataclass(frozen=True)
class Comparison:
    """Runs on one part, in the order given.

    Attributes:
        part: "validation" or "test".
        rows: of the runs.
        differences: of all but the first one from it.
        warnings: which of them rest on few pictures.
    """

    part: str
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]


def compare(runs: Sequence[Run], part: str) -> Comparison:
    """Measure every run at the threshold 0.5, and its ROC-AUC against the first run's if the pictures are the same.

    Raises:
        RunError: a run lacks predictions of the part.
    """
    predictions = [run.predictions(part) for run in runs]
    names = _distinct(runs)
    groups = runs[0].groups(predictions[0].names)
    return Comparison(
        part,
        tuple(_row(name, of_run) for name, of_run in zip(names, predictions, strict=True)),
        tuple(
            _difference(name, names[0], of_run, predictions[0], groups)
            for name, of_run in zip(names[1:], predictions[1:], strict=True)
        ),
        tuple(
            warning
            for name, of_run in zip(names, predictions, strict=True)
            for warning in few_kinds(of_run.truth, f"the figures of {name} rest")
        ),
    )


def _row(name: str, predictions: Predictions) -> Row:
    logits = predictions.defect_logits.astype(np.float64)
    measures = measure_with_intervals(logits, predictions.classes, THRESHOLD, resamples=1)
    labels = {
        "loss": "loss",
        "acc": "accuracy",
        "precision": "precision",
        "recall": "recall",
        "f1": "f1",
        "rocauc": "roc_auc",
    }
    figures = {label: measures.figures[figure].value for label, figure in labels.items()}
    return Row(name, len(predictions), figures, measures.confusion)


def _difference(
    name: str, against: str, predictions: Predictions, first: Predictions, groups: tuple[str, ...] | None
) -> Difference:
    index_of = {picture: index for index, picture in enumerate(predictions.names)}
    strangers = len(set(first.names) ^ set(predictions.names))
    if strangers:
        return Difference(name, against, None, f"other pictures: {strangers:,} were judged in one of the two runs only")
    order = np.array([index_of[picture] for picture in first.names])
    if not np.array_equal(predictions.truth[order], first.truth):
        return Difference(name, against, None, "other labels for the same pictures")
    auc = paired_auc_difference(predictions.defect_logits[order], first.defect_logits, first.truth, groups)
    return Difference(name, against, auc)


def _distinct(runs: Sequence[Run]) -> list[str]:
    """Names of the runs; their folders where names are alike."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else str(run.folder) for name, run in zip(names, runs, strict=True)]
