"""The output of a run while it trains: a progress bar, one JSON object a line, and curves for TensorBoard."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from steel_defect_trainer.errors import RunError

if TYPE_CHECKING:
    from types import TracebackType

    from steel_defect_trainer.runs.folder import RunFolder

_STEPS_BETWEEN_LINES = 10
# Off a terminal there is no bar: a line on how far the run is, so often.
_SECONDS_BETWEEN_WORDS = 60.0


def in_words(seconds: float) -> str:
    """A duration to two places of its unit at most: "45 s", "12 min", "3.5 h"."""
    if seconds < 100:  # noqa: PLR2004 - seconds that are still easily read
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - as above


class RunLog:
    """The log of one run. Lines of steps that will be repeated, after a stop, are removed."""

    def __init__(self, run: RunFolder, steps: int, done: int, *, talks: bool) -> None:
        """Start after `done` of `steps` steps; with `talks` false (all processes but one) nothing is written."""
        self._talks = talks
        self._done, self._seen, self._started, self._losses = done, 0, time.monotonic(), [0.0, 0]
        self._first, self._steps, self._said = done, steps, self._started
        if not talks:
            return
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - takes a second that only training needs

        run.path.mkdir(parents=True, exist_ok=True)
        kept = []
        with suppress(RunError):  # lines from a damaged one on are dropped
            for line in run.log_lines():
                if line["step"] <= done:
                    kept.append(line)  # noqa: PERF401 - a list that raises half way keeps nothing
        run.log.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._file = run.log.open("a", encoding="utf-8")
        self._curves = SummaryWriter(str(run.curves), purge_step=done + 1)
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
        """Record one step: its loss, the factor on the learning rates, and its number of pictures."""
        self._done, self._seen = step, self._seen + pictures
        if not self._talks:
            return
        self._losses[0] += loss
        self._losses[1] += 1
        speed = self._seen / max(1e-9, time.monotonic() - self._started)
        self._bar.update(self._task, completed=step, rate=f"{speed:.1f} pictures/s")
        if self._bar.disable and time.monotonic() - self._said > _SECONDS_BETWEEN_WORDS:
            self._said = time.monotonic()
            self._say(f"step {step}/{self._steps}, {speed:.1f} pictures/s{self._left()}")
        if step % _STEPS_BETWEEN_LINES and step != self._steps:
            return
        mean = self._losses[0] / self._losses[1]
        self._losses = [0.0, 0]
        self._write({"kind": "step", "step": step, "loss": mean, "rate": rate, "pictures_per_second": round(speed, 2)})
        self._curves.add_scalar("train/loss", mean, step)
        self._curves.add_scalar("train/rate", rate, step)

    def epoch(self, epoch: int, *, train_loss: float, validation: dict[str, float] | None, best: bool) -> None:
        """Record one epoch, on the terminal as well."""
        if not self._talks:
            return
        line: dict[str, Any] = {"kind": "epoch", "step": self._done, "epoch": epoch, "train_loss": train_loss}
        text = f"epoch {epoch}, step {self._done}/{self._steps}: train loss {train_loss:.4f}"
        if validation is not None:
            line |= {"validation": validation, "best": best}
            text += f", validation loss {validation['loss']:.4f}, F1 {validation['f1']:.4f}"
            text += f", ROC-AUC {validation['roc_auc']:.4f}" + (" (best)" if best else "")
            for name, value in validation.items():
                self._curves.add_scalar(f"validation/{name}", value, self._done)
        self._write(line)
        self._said = time.monotonic()
        self._say(text + self._left())

    def _left(self) -> str:
        """The time that the steps to come will take, by those of this process; nothing at the end."""
        left, done = self._steps - self._done, self._done - self._first
        return f", {in_words((time.monotonic() - self._started) * left / done)} left" if left and done else ""

    def _say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, soft_wrap=True)

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
