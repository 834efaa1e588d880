"""Writes a trained network as one ONNX file that says everything about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
import torch

from steel_defect.contract import to_metadata
from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.networks.deployed import Deployed


def export(deployed: Deployed, contract: ModelContract, path: Path) -> None:
    """Write the model file: input `image` uint8 (N, H, W) with N free, the outputs it names, and the contract inside.

    The same weights and contract give the same bytes.

    Raises:
        ExportError: the exporter gave nothing.
        OSError: the file cannot be written; the file before is unchanged.
    """
    example = torch.zeros((2, contract.input.height, contract.input.width), dtype=torch.uint8)
    program = torch.onnx.export(
        deployed,
        (example,),
        dynamo=True,
        input_names=["image"],
        output_names=list(deployed.outputs),
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
