"""The contract inside a model file that is written already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

from steel_defect.contract import from_metadata, to_metadata
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from steel_defect.contract import ModelContract


def read_contract(path: Path) -> ModelContract:
    """The contract of a model file.

    Raises:
        ContractError: the file has none.
        OSError: the file cannot be read.
    """
    return from_metadata({item.key: item.value for item in onnx.load(path).metadata_props})


def change_contract(path: Path, change: Callable[[ModelContract], ModelContract]) -> None:
    """Put another contract into a model file; the graph does not change.

    Raises:
        ContractError: the file has none.
        OSError: the file cannot be written; the file before is unchanged.
    """
    model = onnx.load(path)
    contract = from_metadata({item.key: item.value for item in model.metadata_props})
    onnx.helper.set_model_props(model, to_metadata(change(contract)))
    with replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))
