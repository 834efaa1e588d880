"""Figures of an evaluation, as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import precision_recall_curve, roc_curve

from steel_defect_trainer.evaluation.measures import BINS, bin_of
from steel_defect_trainer.reporting.plots import CLEAN, DEFECT, QUIET, label_axes, to_png

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.axes import Axes

    from steel_defect_trainer.evaluation.evaluation import Evaluation

_THIRD: Final = "#047857"
_SIZE: Final = (5.2, 4.2)


def draw_figures(evaluation: Evaluation) -> dict[str, bytes]:
    """All figures by name; those about defects only if there are any, `curves` only if the run's log has epochs."""
    figures = {"confusion": confusion(evaluation), "scores": scores(evaluation)}
    if evaluation.predictions.truth.any():
        figures |= {"roc": roc(evaluation), "precision_recall": precision_recall(evaluation)}
    if evaluation.chosen_by.any():
        figures["threshold_scan"] = threshold_scan(evaluation)
    if evaluation.predictions.truth.any() and evaluation.chosen_by.any():
        figures["reliability"] = reliability(evaluation)
    epochs = evaluation.run.epochs()
    if epochs:
        figures["curves"] = curves(epochs)
    return figures


def curves(epochs: list[dict[str, Any]]) -> bytes:
    """Losses and validation figures of each epoch."""
    figure = Figure(figsize=(2 * _SIZE[0], _SIZE[1]), layout="constrained")
    losses, rates = figure.subplots(1, 2)
    numbers = [line["epoch"] for line in epochs]
    losses.plot(numbers, [line["train_loss"] for line in epochs], ".-", color=QUIET, label="training")
    judged = [line for line in epochs if line.get("validation")]
    if judged:
        at = [line["epoch"] for line in judged]
        losses.plot(at, [line["validation"]["loss"] for line in judged], ".-", color=CLEAN, label="validation")
        for name, label, colour in (
            ("roc_auc", "ROC-AUC", CLEAN),
            ("f1", "F1", DEFECT),
            ("accuracy", "accuracy", _THIRD),
        ):
            rates.plot(at, [line["validation"][name] for line in judged], ".-", color=colour, label=label)
        best = max(judged, key=lambda line: (line["validation"]["roc_auc"], -line["validation"]["loss"]))["epoch"]
        for axes in (losses, rates):
            axes.axvline(best, color=QUIET, linestyle=":", label=f"best ROC-AUC, epoch {best}")
        rates.legend()
    else:
        rates.set_axis_off()
        rates.text(0.5, 0.5, "a final model has no\nvalidation part", ha="center", va="center", color=QUIET)
    losses.legend()
    for axes in (losses, rates):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_axes(losses, "Loss", "epoch", "cross-entropy, not calibrated")
    label_axes(rates, "Validation, threshold 0.5", "epoch", "")
    return to_png(figure)


def confusion(evaluation: Evaluation) -> bytes:
    """Counts, with shares of what is true."""
    found = evaluation.measures.confusion
    counts = np.array([[found.true_negatives, found.false_positives], [found.false_negatives, found.true_positives]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
    for row in range(2):
        for column in range(2):
            dark = shares[row, column] > 0.6  # noqa: PLR2004 - where dark text is hard to read
            axes.text(
                column,
                row,
                f"{('TN', 'FP', 'FN', 'TP')[2 * row + column]}\n{counts[row, column]:,}\n{shares[row, column]:.1%}",
                ha="center",
                va="center",
                fontsize=13,
                color="white" if dark else "black",
            )
    axes.set_xticks([0, 1], ["clean", "defect"])
    axes.set_yticks([0, 1], ["clean", "defect"], rotation=90, va="center")
    axes.grid(visible=False)
    axes.set_title(f"Confusion at threshold {evaluation.calibration.threshold:.4g}")
    axes.set_xlabel("called")
    axes.set_ylabel("truth")
    return to_png(figure)


def scores(evaluation: Evaluation) -> bytes:
    """Probabilities of clean and defect pictures, with the review band."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    truth, probabilities = evaluation.predictions.truth, evaluation.probabilities
    edges = np.linspace(0, 1, 41).tolist()
    for kind, label, colour in ((~truth, "clean", CLEAN), (truth, "defect", DEFECT)):
        axes.hist(probabilities[kind], edges, alpha=0.55, color=colour, label=f"{label} ({kind.sum():,})")
    calibration = evaluation.calibration
    if calibration.review_low < calibration.review_high:
        band = f"review, {calibration.review_low:.4g} to {calibration.review_high:.4g}"
        axes.axvspan(calibration.review_low, calibration.review_high, color="#fde68a", alpha=0.5, zorder=0, label=band)
    axes.axvline(calibration.threshold, color="black", label=f"threshold {calibration.threshold:.4g}")
    _count_axis(axes)
    axes.legend(loc="upper center")
    label_axes(axes, "Probabilities", "calibrated probability of a defect", "pictures")
    return to_png(figure)


def roc(evaluation: Evaluation) -> bytes:
    """Receiver operating characteristic, with the point of the threshold."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    truth, found = evaluation.predictions.truth, evaluation.measures.confusion
    alarms, hits, _ = roc_curve(truth, evaluation.predictions.defect_logits, drop_intermediate=True)
    axes.plot(alarms, hits, color=CLEAN)
    axes.plot([0, 1], [0, 1], ":", color=QUIET)
    axes.plot(
        found.false_positives / (~truth).sum(),
        found.true_positives / truth.sum(),
        "o",
        color=DEFECT,
        label=f"threshold {evaluation.calibration.threshold:.4g}",
    )
    axes.legend(loc="lower right")
    label_axes(axes, f"ROC, area {evaluation.measures.figures['roc_auc']}", "false positive rate", "recall")
    return to_png(figure)


def precision_recall(evaluation: Evaluation) -> bytes:
    """Precision over recall, with the point of the threshold."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    truth, figures = evaluation.predictions.truth, evaluation.measures.figures
    precision, recall, _ = precision_recall_curve(truth, evaluation.predictions.defect_logits)
    axes.step(recall, precision, color=CLEAN, where="post")
    axes.axhline(float(truth.mean()), color=QUIET, linestyle=":", label="share of defects")
    axes.plot(
        figures["recall"].value,
        figures["precision"].value,
        "o",
        color=DEFECT,
        label=f"threshold {evaluation.calibration.threshold:.4g}",
    )
    axes.set_ylim(0, 1.03)
    axes.legend(loc="lower left")
    label_axes(axes, f"Precision-recall, area {figures['pr_auc']}", "recall", "precision")
    return to_png(figure)


def threshold_scan(evaluation: Evaluation) -> bytes:
    """Precision, recall and F1 at every threshold, on the pictures it was chosen on."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    scan, chosen = evaluation.scan, evaluation.calibration.threshold
    axes.plot(scan.thresholds, scan.precision, color=CLEAN, label="precision")
    axes.plot(scan.thresholds, scan.recall, color=_THIRD, label="recall")
    axes.plot(scan.thresholds, scan.f1, color=DEFECT, label="F1")
    axes.axvline(chosen, color="black", label=f"threshold {chosen:.4g}")
    if evaluation.recall_floor is not None:
        axes.axhline(evaluation.recall_floor, color=_THIRD, linestyle=":", label=f"floor {evaluation.recall_floor:g}")
    axes.set_ylim(0, 1.03)
    axes.legend(loc="lower center")
    label_axes(axes, f"Thresholds, {evaluation.chosen_in_words}", "threshold", "")
    return to_png(figure)


def reliability(evaluation: Evaluation) -> bytes:
    """Share of defects against mean probability, in bins of equal width, before and after calibration."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    truth = evaluation.predictions.truth
    raw = 1 / (1 + np.exp(-evaluation.predictions.defect_logits.astype(np.float64)))
    for probabilities, label, colour, width in (
        (raw, "not calibrated", QUIET, 1.0),
        (evaluation.probabilities, "calibrated", DEFECT, 2.0),
    ):
        bins = bin_of(probabilities)
        count = np.bincount(bins, minlength=BINS)
        filled = count > 0
        mean = np.bincount(bins, probabilities, BINS)[filled] / count[filled]
        share = np.bincount(bins, truth, BINS)[filled] / count[filled]
        above.plot(mean, share, "o-", color=colour, linewidth=width, label=label)
    below.bar((np.arange(BINS) + 0.5) / BINS, count, 0.9 / BINS, color=DEFECT)
    _count_axis(below)
    above.plot([0, 1], [0, 1], ":", color=QUIET)
    above.legend(loc="upper left")
    error = evaluation.measures.figures["calibration_error"]
    label_axes(above, f"Reliability, calibration error {error}", "", "share of defects")
    label_axes(below, "", "mean probability in the bin", "pictures")
    return to_png(figure)


def _count_axis(axes: Axes) -> None:
    """Linear to 10 and logarithmic above, so that one picture is seen beside thousands."""
    top = axes.get_ylim()[1]
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(0, top)
    ticks = [0, 5, *(10**power for power in range(1, 7) if 10**power <= top)]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
