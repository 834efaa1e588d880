"""Every error that the trainer raises on purpose: one tree, so that a command catches one class."""

from __future__ import annotations


class TrainerError(Exception):
    """Base of all of them. `str(error)` says what is wrong and what to do, in one line."""


class DataError(TrainerError):
    """The data cannot be used as it is. The message names the file, the row if there is one, and what to do."""


class BucketError(TrainerError):
    """What is in a bucket cannot be read or written. The message names the object."""


class MaskError(TrainerError):
    """The text is not a run-length mask of a picture of this size."""


class RecipeError(TrainerError):
    """A recipe that does not exist, cannot be read, or is invalid."""


class RunError(TrainerError):
    """There is no such run, it is not finished, or one of its files cannot be used. The message says what to do."""


class CheckpointError(TrainerError):
    """A run's folder lacks a file that is needed, or belongs to another run."""


class PredictionsError(TrainerError):
    """The arrays do not belong together, or the file is not one that `Predictions.save` wrote."""


class RecallFloorUnmet(TrainerError):
    """No threshold of the scan reaches the wanted recall without calling every picture a defect."""


class ExportError(TrainerError):
    """The network cannot be exported, or its file computes something else."""


class QuantisationError(TrainerError):
    """The graph cannot be quantised here."""
