"""What a run says while it trains: a progress bar, one JSON object a line, and curves for TensorBoard."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support, roc_auc_score

if TYPE_CHECKING:
    from types import TracebackType

    from steel_defect_trainer.predictions import Predictions
    from steel_defect_trainer.training.checkpoint import RunFolder

_STEPS_BETWEEN_LINES = 10


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


class RunLog:
    """The log of one run. Lines of steps that will be done again, after a stop, are taken back."""

    def __init__(self, run: RunFolder, steps: int, done: int, *, talks: bool) -> None:
        """Go on after `done` of `steps` steps; where `talks` is false (all processes but one) nothing is written."""
        self._talks = talks
        self._done, self._seen, self._started, self._losses = done, 0, time.monotonic(), [0.0, 0]
        if not talks:
            return
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - takes a second that only training needs

        run.path.mkdir(parents=True, exist_ok=True)
        kept = [line for line in _lines(run) if line["step"] <= done]
        run.log.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._file = run.log.open("a", encoding="utf-8")
        self._curves = SummaryWriter(str(run.path / "tensorboard"), purge_step=done + 1)
        self._bar = Progress(
            TextColumn("[progress.description]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task(run.path.name, total=steps, completed=done, rate="")
        self._steps = steps

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._talks:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        if self._talks:
            self._bar.stop()
            self._file.close()
            self._curves.close()

    def step(self, step: int, *, loss: float, rate: float, pictures: int) -> None:
        """Take note of one step: its loss, the factor on the learning rates, and its number of pictures."""
        self._done, self._seen = step, self._seen + pictures
        if not self._talks:
            return
        self._losses[0] += loss
        self._losses[1] += 1
        speed = self._seen / max(1e-9, time.monotonic() - self._started)
        self._bar.update(self._task, completed=step, rate=f"{speed:.1f} pictures/s")
        if step % _STEPS_BETWEEN_LINES and step != self._steps:
            return
        mean = self._losses[0] / self._losses[1]
        self._losses = [0.0, 0]
        self._write({"kind": "step", "step": step, "loss": mean, "rate": rate, "pictures_per_second": round(speed, 2)})
        self._curves.add_scalar("train/loss", mean, step)
        self._curves.add_scalar("train/rate", rate, step)

    def epoch(self, epoch: int, *, train_loss: float, validation: dict[str, float] | None, best: bool) -> None:
        """Take note of one epoch, on the terminal as well."""
        if not self._talks:
            return
        line: dict[str, Any] = {"kind": "epoch", "step": self._done, "epoch": epoch, "train_loss": train_loss}
        said = f"epoch {epoch}, step {self._done}/{self._steps}: train loss {train_loss:.4f}"
        if validation is not None:
            line |= {"validation": validation, "best": best}
            said += f", validation loss {validation['loss']:.4f}, F1 {validation['f1']:.4f}"
            said += f", ROC-AUC {validation['roc_auc']:.4f}" + (" (best)" if best else "")
            for name, value in validation.items():
                self._curves.add_scalar(f"validation/{name}", value, self._done)
        self._write(line)
        self._bar.console.print(said, highlight=False, soft_wrap=True)

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _lines(run: RunFolder) -> list[dict[str, Any]]:
    """Whole lines that are there; a last line that a stop cut off is none."""
    if not run.log.exists():
        return []
    lines = []
    for text in run.log.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
