"""One run judged on one part, by a calibration chosen on validation pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from steel_defect_trainer.errors import RunError
from steel_defect_trainer.evaluation.agreement import Agreement, Judged, agree
from steel_defect_trainer.evaluation.calibration import (
    Calibration,
    calibrate,
    calibrate_by_clean,
    count_decisions,
)
from steel_defect_trainer.evaluation.few import (
    FEW,
    counted,
    few_kinds,
    few_of_classes,
    hollow_floor,
    passes_little,
    without_defects,
)
from steel_defect_trainer.evaluation.masks import MaskMeasures, choose_rule, measure_masks
from steel_defect_trainer.evaluation.measures import Measures, measure_with_intervals
from steel_defect_trainer.evaluation.paired import PairedAuc, paired_auc_difference
from steel_defect_trainer.evaluation.scan import Scan, scan_thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steel_defect_trainer.predictions import Predictions
    from steel_defect_trainer.runs.run import Run

# The share of new clean pictures that may not pass where no defect is known, if the user states no other.
FALSE_ALARMS: Final = 0.05


@dataclass(frozen=True)
class Evaluation:
    """How good a run is on one part.

    Attributes:
        run: the run.
        part: "validation" or "test".
        predictions: of the part.
        class_names: of the data set.
        groups: the number of groups that pictures were drawn by, None if they were drawn one by one.
        calibration: how a logit becomes an answer.
        chosen_on: the run on whose validation part it was chosen.
        chosen_folds: the number of its folds, if it is a cross-validation, else 0.
        chosen_by: whether each picture of that part has a defect, (M,).
        rule: how its threshold was chosen, in words.
        scan: thresholds on that validation part.
        measures: of the calibrated answers.
        uncalibrated: of the same answers without calibration, at the threshold 0.5.
        recall_floor: that the threshold had to keep on validation, if any.
        baseline: the run's ranking (A) beside that of the frozen-features baseline (B) on the same pictures; None
            without ImageNet weights.
        masks: of the masks; None for a network without them, or without true masks to choose a threshold by.
        agreement: with inspectors, if their verdicts are given.
    """

    run: Run
    part: str
    predictions: Predictions
    class_names: tuple[str, ...]
    groups: int | None
    calibration: Calibration
    chosen_on: str
    chosen_folds: int
    chosen_by: NDArray[np.bool_]
    rule: str
    scan: Scan
    measures: Measures
    uncalibrated: Measures
    recall_floor: float | None
    baseline: PairedAuc | None
    masks: MaskMeasures | None
    agreement: Agreement | None = None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated, of the part, (N,)."""
        return self.calibration.probabilities(self.predictions.defect_logits)

    @property
    def band(self) -> dict[str, dict[str, int]]:
        """How many defects and clean pictures pass, go to a person, and are rejected."""
        calibration = self.calibration
        return count_decisions(
            self.probabilities, self.predictions.truth, calibration.review_low, calibration.review_high
        )

    @property
    def judged_on(self) -> str:
        """The pictures, in words."""
        return f"{self.run.folds} folds" if self.run.folds else f"the {self.part} part"

    @property
    def chosen_in_words(self) -> str:
        """The pictures by which was chosen, in words."""
        return (
            f"{self.chosen_folds} folds of {self.chosen_on}"
            if self.chosen_folds
            else (f"validation part of {self.chosen_on}")
        )

    @property
    def warnings(self) -> list[str]:
        """Which figures and choices rest on few pictures, with their numbers."""
        same = self.part == "validation" and self.chosen_on == self.run.name
        what = f"the figures of {self.judged_on}{', threshold and review band' if same else ''} rest"
        found = without_defects(self.predictions.truth, self.judged_on)
        found += few_kinds(self.predictions.truth, what)
        if not same:
            found += without_defects(self.chosen_by, f"the {self.chosen_in_words}")
            found += few_kinds(self.chosen_by, f"threshold and review band rest, in {self.chosen_on},")
        if self.groups is not None and self.groups < FEW:
            found.append(f"the figures rest on {counted(self.groups, 'group')} of pictures only")
        if self.baseline is not None and not self.baseline.difference.low > 0:
            does, ahead = ("does", "ahead") if self.baseline.difference.value <= 0 else ("may do", "surely ahead")
            frozen = f"logistic regression on a frozen ImageNet network {does} as well"
            found.append(f"{frozen}: {self.run.name} is not {ahead} of it")
        found += hollow_floor(self.recall_floor, int(self.chosen_by.sum()))
        found += passes_little(self.band)
        return [*found, *few_of_classes(self.class_names, self.predictions.classes)]

    def beside(self, names: Sequence[str], inspectors: Sequence[str], said: NDArray[np.int8]) -> Evaluation:
        """The same with the agreement with inspectors.

        Args:
            names: of the pictures that they saw; those of other parts are left out.
            inspectors: their names.
            said: int8 (pictures, inspectors): 1 a defect, 0 clean, -1 not seen.

        Raises:
            DataError: too few of the pictures are of this part.
        """
        rows = {name: row for row, name in enumerate(self.predictions.names)}
        here = np.array([name in rows for name in names], np.bool_)
        chosen = [rows[name] for name in names if name in rows]
        probabilities, groups = self.probabilities[chosen], self.run.groups(self.predictions.names)
        model = Judged(
            probabilities >= self.calibration.threshold,
            probabilities < self.calibration.review_low,
            None if groups is None else [groups[row] for row in chosen],
        )
        return replace(self, agreement=agree(inspectors, said[here], model, left_out=int((~here).sum())))


def evaluate(  # noqa: PLR0913 - each a way to choose the threshold
    run: Run,
    part: str,
    *,
    chosen_by: Run | None = None,
    recall_floor: float | None = None,
    false_alarms: float | None = None,
    threshold: float | None = None,
) -> Evaluation:
    """Judge a run.

    Args:
        run: to judge.
        part: to judge it on.
        chosen_by: the run on whose validation part calibration, threshold and band are chosen; None for `run` itself.
        recall_floor: the threshold is to find this share of the validation part's defects.
        false_alarms: no more than this share of new clean pictures are expected to reach the threshold; where no defect
            is known, 0.05 if None.
        threshold: this one instead of a chosen one.

    Raises:
        RunError: a run lacks what is needed, or would be judged by pictures it learned from.
        RecallFloorUnmet: no threshold finds that share.
    """
    chooser = run if chosen_by is None else chosen_by
    if part == "validation" and run.final:
        message = f"{run.folder} learned from its validation pictures too (data.final), so they say nothing about it"
        raise RunError(message)
    if chooser.final:
        message = (
            f"{chooser.folder} learned from its validation pictures too (data.final), so no threshold can be chosen on "
            "them: name the run that the recipe was tried with, --decision-from RUN"
        )
        raise RunError(message)
    predictions = run.predictions(part, defects=not run.learns_from_clean)
    held_out = chooser.predictions("validation", defects=not chooser.learns_from_clean)
    if not held_out.truth.any() and false_alarms is None and threshold is None:
        false_alarms = FALSE_ALARMS
    calibration = _calibrate(chooser, held_out, recall_floor, false_alarms, threshold)
    groups = run.groups(predictions.names)
    return Evaluation(
        run=run,
        part=part,
        predictions=predictions,
        class_names=run.class_names(predictions.classes.shape[1]),
        groups=None if groups is None else len(set(groups)),
        calibration=calibration,
        chosen_on=chooser.name,
        chosen_folds=chooser.folds,
        chosen_by=held_out.truth,
        rule=_rule(recall_floor, false_alarms, threshold),
        scan=scan_thresholds(calibration.probabilities(held_out.defect_logits), held_out.truth),
        measures=measure_with_intervals(
            calibration.log_odds(predictions.defect_logits), predictions.classes, calibration.threshold, groups
        ),
        uncalibrated=measure_with_intervals(
            predictions.defect_logits.astype(np.float64), predictions.classes, 0.5, groups
        ),
        recall_floor=recall_floor if threshold is None else None,
        baseline=_baseline(run, predictions, part, groups),
        masks=_masks(run, part, chooser, calibration),
    )


def _baseline(run: Run, predictions: Predictions, part: str, groups: tuple[str, ...] | None) -> PairedAuc | None:
    baseline = run.baseline(part)
    if baseline is None:
        return None
    return paired_auc_difference(predictions.defect_logits, baseline.defect_logits, predictions.truth, groups)


def _masks(run: Run, part: str, chooser: Run, calibration: Calibration) -> MaskMeasures | None:
    """The masks of a part, by a rule that is chosen on the validation part of `chooser`."""
    counts, held_out = run.mask_counts(part), chooser.mask_counts("validation")
    if counts is None or held_out is None:
        return None
    rule = choose_rule(held_out, _class_probabilities(chooser, "validation", calibration))
    if rule is None:
        return None
    return measure_masks(counts, _class_probabilities(run, part, calibration), rule, run.groups(counts.names))


def _class_probabilities(run: Run, part: str, calibration: Calibration) -> NDArray[np.float64]:
    logits = run.predictions(part).class_logits
    assert logits is not None  # noqa: S101 - a network with masks has them
    return calibration.probabilities(logits)


def _calibrate(
    chooser: Run,
    held_out: Predictions,
    recall_floor: float | None,
    false_alarms: float | None,
    threshold: float | None,
) -> Calibration:
    logits, truth = held_out.defect_logits, held_out.truth
    if not truth.any():
        if recall_floor is not None:
            message = f"no validation picture of {chooser.folder} has a defect, so no threshold can be chosen by recall"
            raise RunError(message)
        return calibrate_by_clean(logits, FALSE_ALARMS if false_alarms is None else false_alarms, threshold)
    return calibrate(
        logits,
        truth,
        recall_floor=recall_floor,
        false_alarms=false_alarms,
        threshold=threshold,
        # Nothing taught it where the odds are even: that is an offset.
        weights=np.ones(len(truth)) if chooser.learns_from_clean else None,
    )


def _rule(recall_floor: float | None, false_alarms: float | None, threshold: float | None) -> str:
    if threshold is not None:
        return "given"
    if false_alarms is not None:
        return f"at most {false_alarms:.2%} of new clean pictures expected from it on"
    return "best F1" if recall_floor is None else f"best precision with a recall of at least {recall_floor:g}"
