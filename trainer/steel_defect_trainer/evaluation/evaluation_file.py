"""`evaluation.json`: what an evaluation found, kept in the run's folder."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from steel_defect_trainer.errors import RunError
from steel_defect_trainer.evaluation.calibration import Calibration
from steel_defect_trainer.evaluation.resampling import RESAMPLES, Interval
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect_trainer.evaluation.agreement import Agreement
    from steel_defect_trainer.evaluation.evaluation import Evaluation
    from steel_defect_trainer.evaluation.masks import MaskMeasures
    from steel_defect_trainer.runs.run import Run

SCHEMA_VERSION: Final = 1


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
        "decision": asdict(evaluation.calibration),
        "rule": evaluation.rule,
        "chosen_on": f"validation part of {evaluation.chosen_on}",
        "warnings": evaluation.warnings,
        "metrics": {name: _interval(value) for name, value in evaluation.measures.figures.items()},
        "rest_on": evaluation.measures.pictures,
        "uncalibrated": {name: _interval(uncalibrated[name]) for name in ("loss", "calibration_error")},
        "recall_of_classes": {
            name: {"pictures": int((classes[:, index] > 0).sum()), **_interval(recall)}
            for index, (name, recall) in enumerate(
                zip(evaluation.class_names, evaluation.measures.class_recalls, strict=True)
            )
        },
        "confusion_matrix": asdict(evaluation.measures.confusion),
        "band": evaluation.band,
        "intervals": {
            "level": 0.95,
            "method": "percentile bootstrap; of shares exact (Clopper-Pearson)",
            "resamples": RESAMPLES,
            "groups": evaluation.groups,
        },
        "masks": None if evaluation.masks is None else _masks(evaluation.masks, evaluation.class_names),
        "inspectors": None if evaluation.agreement is None else _agreement(evaluation.agreement),
        "scan": {name: [_number(value) for value in values] for name, values in vars(evaluation.scan).items()},
    }


def write_json(evaluation: Evaluation) -> Path:
    """Write `evaluation.json` into the run's folder and return its path."""
    path = evaluation.run.files.evaluation
    with replacing(path) as file:
        file.write((json.dumps(to_json(evaluation), indent=2, allow_nan=False) + "\n").encode())
    return path


def read_evaluation(run: Run) -> dict[str, Any]:
    """Read what `write_json` wrote for a run, which its model card shows.

    Raises:
        RunError: the run was not evaluated yet, or the file cannot be used.
    """
    path = run.files.evaluation
    again = f"run `steel-defect evaluate {run.folder}`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except FileNotFoundError as error:
        message = f"{run.folder} has no {path.name}: {again} first"
        raise RunError(message) from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} cannot be read: {error}; {again} again"
        raise RunError(message) from error
    if version != SCHEMA_VERSION:
        message = f"{path} has schema version {version}, this program reads {SCHEMA_VERSION}: {again} again"
        raise RunError(message)
    return dict(content)


def stored_calibration(run: Run, content: dict[str, Any]) -> Calibration:
    """The calibration in what `read_evaluation` gave for a run; its model file will hold it.

    Raises:
        RunError: there is none, or it is incomplete.
    """
    try:
        return Calibration(**{name: float(value) for name, value in content["decision"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{run.files.evaluation} holds no decision: {error}; run `steel-defect evaluate {run.folder}` again"
        raise RunError(message) from error


def _masks(masks: MaskMeasures, class_names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "rule": asdict(masks.rule),
        "pictures": masks.pictures,
        "dice": _interval(masks.dice),
        "iou": _interval(masks.iou),
        "kaggle_dice": _interval(masks.kaggle_dice),
        "classes": {
            name: {"dice": _interval(dice), "iou": _interval(iou)}
            for name, dice, iou in zip(class_names, masks.class_dice, masks.class_iou, strict=True)
        },
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    return {
        "pictures": agreement.pictures,
        "left_out": agreement.left_out,
        "pairs": [
            {
                "one": pair.one,
                "other": pair.other,
                "pictures": pair.pictures,
                "agreement": _interval(pair.agreement),
                "cohen_kappa": _interval(pair.kappa),
            }
            for pair in agreement.pairs
        ],
        "fleiss_kappa": None if agreement.fleiss is None else _interval(agreement.fleiss),
        "against_the_majority_of_the_others": {
            rates.name: {
                "defects": rates.defects,
                "clean": rates.clean,
                "found": _interval(rates.found),
                "false_alarms": _interval(rates.false_alarms),
            }
            for rates in agreement.rates
        },
        "passed_defects": _interval(agreement.passed),
    }


def _interval(found: Interval) -> dict[str, float | None]:
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
