"""One run judged on one part, by a decision chosen on validation pictures: what `evaluation.json` holds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from steel_defect_trainer.evaluation.decision import Decision, decide
from steel_defect_trainer.evaluation.measures import Measures, measure_with_intervals
from steel_defect_trainer.evaluation.resampling import RESAMPLES, Interval
from steel_defect_trainer.evaluation.run import RunError
from steel_defect_trainer.evaluation.scan import Scan, scan_thresholds
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect_trainer.evaluation.run import Run
    from steel_defect_trainer.predictions import Predictions

SCHEMA_VERSION: Final = 1
FILE: Final = "evaluation.json"


@dataclass(frozen=True)
class Evaluation:
    """How good a run is on one part.

    Attributes:
        run: the run.
        part: "validation" or "test".
        predictions: of the part.
        class_names: of the data set.
        groups: the number of groups that pictures were drawn by, None where they were drawn one by one.
        decision: how a logit becomes an answer.
        chosen_on: the run on whose validation part it was chosen.
        rule: how its threshold was chosen, in words.
        scan: thresholds on that validation part.
        measures: of the calibrated answers.
        uncalibrated: of the same answers without calibration, at the threshold 0.5.
        recall_floor: that the threshold had to keep on validation, if any.
    """

    run: Run
    part: str
    predictions: Predictions
    class_names: tuple[str, ...]
    groups: int | None
    decision: Decision
    chosen_on: str
    rule: str
    scan: Scan
    measures: Measures
    uncalibrated: Measures
    recall_floor: float | None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Calibrated, of the part, (N,)."""
        return self.decision.probabilities(self.predictions.defect_logits)

    @property
    def band(self) -> dict[str, dict[str, int]]:
        """How many defects and clean pictures pass, go to a person, and are rejected."""
        probabilities, truth = self.probabilities, self.predictions.truth
        passed = probabilities < self.decision.review_low
        rejected = ~passed & (probabilities >= self.decision.review_high)
        places = {"pass": passed, "review": ~passed & ~rejected, "reject": rejected}
        return {
            name: {"defect": int((place & truth).sum()), "clean": int((place & ~truth).sum())}
            for name, place in places.items()
        }


def evaluate(
    run: Run,
    part: str,
    *,
    chosen_by: Run | None = None,
    recall_floor: float | None = None,
    threshold: float | None = None,
) -> Evaluation:
    """Judge a run.

    Args:
        run: to judge.
        part: to judge it on.
        chosen_by: the run on whose validation part calibration, threshold and band are chosen; None for `run` itself.
        recall_floor: the threshold is to find this share of the validation part's defects.
        threshold: to take, instead of choosing one.

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
    predictions, held_out = run.predictions(part), chooser.predictions("validation")
    decision = decide(held_out.defect_logits, held_out.truth, recall_floor=recall_floor, threshold=threshold)
    groups = run.groups(predictions.names)
    return Evaluation(
        run=run,
        part=part,
        predictions=predictions,
        class_names=run.class_names(predictions.classes.shape[1]),
        groups=None if groups is None else len(set(groups)),
        decision=decision,
        chosen_on=chooser.name,
        rule=_rule(recall_floor, threshold),
        scan=scan_thresholds(decision.probabilities(held_out.defect_logits), held_out.truth),
        measures=measure_with_intervals(
            decision.log_odds(predictions.defect_logits), predictions.classes, decision.threshold, groups
        ),
        uncalibrated=measure_with_intervals(
            predictions.defect_logits.astype(np.float64), predictions.classes, 0.5, groups
        ),
        recall_floor=recall_floor if threshold is None else None,
    )


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """What `evaluation.json` holds; a figure without a value is null."""
    classes, truth = evaluation.predictions.classes, evaluation.predictions.truth
    uncalibrated = evaluation.uncalibrated.figures
    return {
        "schema_version": SCHEMA_VERSION,
        "run": evaluation.run.name,
        "part": evaluation.part,
        "pictures": len(evaluation.predictions),
        "defects": int(truth.sum()),
        "decision": asdict(evaluation.decision),
        "rule": evaluation.rule,
        "chosen_on": f"validation part of {evaluation.chosen_on}",
        "metrics": {name: _interval(value) for name, value in evaluation.measures.figures.items()},
        "uncalibrated": {name: _interval(uncalibrated[name]) for name in ("loss", "calibration_error")},
        "recall_of_classes": {
            name: {"pictures": int((classes[:, place] > 0).sum()), **_interval(recall)}
            for place, (name, recall) in enumerate(
                zip(evaluation.class_names, evaluation.measures.class_recalls, strict=True)
            )
        },
        "confusion_matrix": asdict(evaluation.measures.confusion),
        "band": evaluation.band,
        "intervals": {
            "level": 0.95,
            "method": "percentile bootstrap",
            "resamples": RESAMPLES,
            "groups": evaluation.groups,
        },
        "scan": {name: [_number(value) for value in values] for name, values in vars(evaluation.scan).items()},
    }


def write_json(evaluation: Evaluation) -> Path:
    """Write `evaluation.json` into the run's folder and return its path."""
    path = evaluation.run.folder / FILE
    with replacing(path) as file:
        file.write((json.dumps(to_json(evaluation), indent=2, allow_nan=False) + "\n").encode())
    return path


def read_evaluation(run: Run) -> dict[str, Any]:
    """Read what `write_json` wrote for a run, which its model card shows.

    Raises:
        RunError: the run was not evaluated yet, or the file cannot be used.
    """
    path = run.folder / FILE
    again = f"run `steel-defect evaluate {run.folder}`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except FileNotFoundError as error:
        message = f"{run.folder} has no {FILE}: {again} first"
        raise RunError(message) from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} cannot be read: {error}; {again} again"
        raise RunError(message) from error
    if version != SCHEMA_VERSION:
        message = f"{path} has schema version {version}, this program reads {SCHEMA_VERSION}: {again} again"
        raise RunError(message)
    return dict(content)


def read_decision(run: Run) -> Decision:
    """Read the decision that `evaluate` chose for a run, which its model file is to hold.

    Raises:
        RunError: as of `read_evaluation`.
    """
    content = read_evaluation(run)
    try:
        return Decision(**{name: float(value) for name, value in content["decision"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{run.folder / FILE} holds no decision: {error}; run `steel-defect evaluate {run.folder}` again"
        raise RunError(message) from error


def _rule(recall_floor: float | None, threshold: float | None) -> str:
    if threshold is not None:
        return "given"
    return "best F1" if recall_floor is None else f"best precision with a recall of at least {recall_floor:g}"


def _interval(found: Interval) -> dict[str, float | None]:
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
