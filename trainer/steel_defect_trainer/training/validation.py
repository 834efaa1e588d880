"""The figures that are watched while a network is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support, roc_auc_score

if TYPE_CHECKING:
    from steel_defect_trainer.predictions import Predictions


def figures(predictions: Predictions) -> dict[str, float]:
    """What is watched while training, at the threshold 0.5: loss, accuracy, precision, recall, F1, ROC-AUC."""
    truth = predictions.truth
    probabilities = 1 / (1 + np.exp(-predictions.defect_logits.astype(np.float64)))
    called = probabilities >= 0.5  # noqa: PLR2004 - not tuned while training
    precision, recall, f1, _ = precision_recall_fscore_support(truth, called, average="binary", zero_division=0.0)
    return {
        "loss": float(log_loss(truth, probabilities, labels=[False, True])),
        "accuracy": float(accuracy_score(truth, called)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "roc_auc": float(roc_auc_score(truth, probabilities)),
    }
