"""Writes a trained network as one ONNX file that says everything about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import onnx
import torch

from steel_defect.contract import to_metadata
from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from steel_defect.contract import ModelContract

# A network gives the first of these, or all.
OUTPUTS: Final = ("defect_prob", "class_prob", "defect_map")


def export(deployed: nn.Module, contract: ModelContract, path: Path) -> None:
    """Write the model file: input `image` uint8 (N, H, W) with N free, outputs of `OUTPUTS`, and the contract inside.

    The same weights and contract give the same bytes.

    Raises:
        ExportError: the exporter gave nothing.
        OSError: the file cannot be written; the file before is unchanged.
    """
    example = torch.zeros((2, contract.input.height, contract.input.width), dtype=torch.uint8)
    with torch.inference_mode():
        names = OUTPUTS[: len(deployed(example))]
    program = torch.onnx.export(
        deployed,
        (example,),
        dynamo=True,
        input_names=["image"],
        output_names=list(names),
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    if program is None:
        message = "the exporter returned no program"
        raise ExportError(message)
    model = program.model_proto
    del model.metadata_props[:]
    for parts in (model.graph.node, model.graph.value_info, model.graph.input, model.graph.output, [model.graph]):
        for part in parts:
            del part.metadata_props[:]
    onnx.helper.set_model_props(model, to_metadata(contract))
    model.producer_name = "steel-defect trainer"
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))
