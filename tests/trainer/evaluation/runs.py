"""Made-up runs: folders as training leaves them, of logits whose quality is chosen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from steel_defect_trainer.predictions import Predictions

if TYPE_CHECKING:
    from pathlib import Path


def made_up_predictions(*, seed: int = 0, count: int = 300, distance: float = 2.5, part: str = "v") -> Predictions:
    """Two classes, at times both; logits of defects and clean pictures lie `distance` apart on average."""
    rng = np.random.default_rng(seed)
    classes = (rng.random((count, 2)) < [0.4, 0.1]).astype(np.float32)
    truth = classes.any(axis=1)
    logits = distance * (truth - 0.5) + rng.normal(0, 1, count)
    return Predictions(
        tuple(f"{part}-{number:04}.png" for number in range(count)),
        classes,
        logits.astype(np.float32),
        (logits[:, None] + rng.normal(0, 1, (count, 2))).astype(np.float32),
    )


def write_run(
    folder: Path,
    validation: Predictions | None,
    test: Predictions | None = None,
    *,
    final: bool = False,
    pictures: Path | None = None,
) -> Path:
    """Write what training leaves: recipe, data, log, predictions; no split."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {"name": "made-up", "about": "Drawn by a test & <nothing> else.", "data": {"final": final}}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    data = {"folder": str(pictures or "nowhere"), "class_names": ["pits", "cracks"]}
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    lines = []
    for epoch in range(1, 6):
        lines.append({"kind": "step", "step": 10 * epoch, "epoch": epoch, "loss": 1 / epoch, "rate": 1e-3})
        figures = {"loss": 0.3 + 0.5 / epoch, "accuracy": 1 - 0.3 / epoch, "f1": 1 - 0.4 / epoch}
        figures["roc_auc"] = 1 - 0.2 / epoch
        line = {"kind": "epoch", "step": 10 * epoch, "epoch": epoch, "train_loss": 1 / epoch}
        lines.append(line if final else {**line, "validation": figures})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    if validation is not None:
        validation.save(folder / "validation.npz")
    if test is not None:
        test.save(folder / "test.npz")
    return folder
