"""The report of an evaluation: one HTML file that needs no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from steel_defect_trainer.evaluation.figures import draw_figures
from steel_defect_trainer.evaluation.measures import BINS
from steel_defect_trainer.evaluation.mistakes import worst_mistakes
from steel_defect_trainer.evaluation.resampling import RESAMPLES
from steel_defect_trainer.evaluation.review_band import PASSED_DEFECTS, REJECTED_CLEAN
from steel_defect_trainer.files import replacing
from steel_defect_trainer.reporting.html import html_environment

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.evaluation.evaluation import Evaluation

FILE: Final = "report.html"
FIGURES: Final = "figures"
# Name of a figure to its heading and its meaning.
LABELS: Final = {
    "roc_auc": ("ROC-AUC", "chance that a defect scores above a clean picture"),
    "pr_auc": ("PR-AUC", "average precision over all thresholds"),
    "accuracy": ("accuracy", "share of the pictures called right"),
    "precision": ("precision", "share of defects among what is called one"),
    "recall": ("recall", "share of the defects that are called one"),
    "f1": ("F1", "harmonic mean of precision and recall"),
    "loss": ("loss", "cross-entropy of the calibrated probabilities, nats"),
    "calibration_error": ("calibration error", f"expected, {BINS} bins of equal width; partly chance in small sets"),
}
_ALT: Final = {
    "curves": "Losses and validation figures of each epoch",
    "confusion": "Confusion matrix",
    "scores": "Histogram of probabilities of clean and defect pictures",
    "roc": "Receiver operating characteristic",
    "precision_recall": "Precision over recall",
    "threshold_scan": "Precision, recall and F1 at every threshold",
    "reliability": "Share of defects against mean probability",
}


def write_report(evaluation: Evaluation) -> Path:
    """Write the figures and `report.html` into the run's folder and return the report's path."""
    figures = draw_figures(evaluation)
    folder = evaluation.run.folder
    for name, png in figures.items():
        with replacing(folder / FIGURES / f"{name}.png") as file:
            file.write(png)
    path = folder / FILE
    with replacing(path) as file:
        file.write(_render(evaluation, figures).encode())
    return path


def _render(evaluation: Evaluation, figures: dict[str, bytes]) -> str:
    environment = html_environment("steel_defect_trainer.evaluation")
    missed, alarms = worst_mistakes(evaluation)
    classes = evaluation.predictions.classes > 0
    return environment.get_template("report.html.jinja").render(
        evaluation=evaluation,
        labels=LABELS,
        figures=figures,
        alt=_ALT,
        missed=missed,
        alarms=alarms,
        defects=int(evaluation.predictions.truth.sum()),
        class_counts=[int(count) for count in classes.sum(axis=0)],
        recipe=json.dumps(evaluation.run.recipe, indent=2),
        resamples=RESAMPLES,
        passed=f"{PASSED_DEFECTS:.0%}",
        rejected=f"{REJECTED_CLEAN:.0%}",
    )
