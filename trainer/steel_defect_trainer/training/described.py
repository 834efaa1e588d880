"""What a run's folder says about it before it begins; a folder that says something else is left alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from steel_defect_trainer.errors import CheckpointError
from steel_defect_trainer.files import replacing
from steel_defect_trainer.recipe import Recipe, from_table, to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steel_defect_trainer.data.dataset import DataSet
    from steel_defect_trainer.runs.folder import RunFolder
    from steel_defect_trainer.strips import StripSet


def describe(
    run: RunFolder,
    recipe: Recipe,
    dataset: DataSet,
    parts: dict[str, NDArray[np.bool_]],
    strips: StripSet,
    **more: Any,  # noqa: ANN401 - whatever JSON holds
) -> None:
    """Write `recipe.json` and `data.json`.

    Args:
        run: where.
        recipe: how it is trained.
        dataset: the pictures.
        parts: which of them are in each part, (N,).
        strips: the same pictures, decoded.
        more: further keys of `data.json`.

    Raises:
        CheckpointError: the folder is of another recipe, or of other pictures.
        OSError: a file cannot be written.
    """
    described = {
        "folder": str(dataset.folder.resolve()),
        "class_names": dataset.class_names,
        "digest": strips.digest,
        "pictures": {part: int(chosen.sum()) for part, chosen in parts.items()},
        "defects": {part: int((chosen & strips.defect).sum()) for part, chosen in parts.items()},
        **more,
    }
    if run.recipe.exists() and from_table(json.loads(run.recipe.read_text(encoding="utf-8"))) != recipe:
        message = f"{run.path} holds a run of another recipe: name another folder with --output"
        raise CheckpointError(message)
    if run.data.exists():
        before = json.loads(run.data.read_text(encoding="utf-8"))
        if before["digest"] != strips.digest:
            message = f"{run.path} holds a run on other pictures: name another folder with --output"
            raise CheckpointError(message)
        if {key: before.get(key) for key in ("folds", "judged_by")} != {
            key: more.get(key) for key in ("folds", "judged_by")
        }:
            message = f"{run.path} holds a run of another kind: name another folder with --output"
            raise CheckpointError(message)
    for path, text in ((run.recipe, to_json(recipe)), (run.data, json.dumps(described, indent=2) + "\n")):
        with replacing(path) as file:
            file.write(text.encode())
