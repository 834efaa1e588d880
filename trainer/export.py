"""The trained network as one ONNX file that says everything about itself, and the proof that it computes the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from steel_defect.contract import to_metadata
from trainer.model import DeployedStripNet, StripNet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract

OUTPUTS: Final = ("defect_prob", "class_prob", "defect_map")
# The largest difference in any probability between the network and its exported file.
PARITY: Final = 1e-4


def export(deployed: DeployedStripNet, contract: ModelContract, path: Path) -> None:
    """Write the model file: input `image` uint8 (N, H, W) with N free, `OUTPUTS`, and the contract inside."""
    height, width = contract.input.height, contract.input.width
    program = torch.onnx.export(
        deployed,
        (torch.zeros((2, height, width), dtype=torch.uint8),),
        dynamo=True,
        input_names=["image"],
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        verbose=False,
    )
    if program is None:
        message = "the exporter returned no program"
        raise RuntimeError(message)
    model = program.model_proto
    del model.metadata_props[:]
    for function in (model.graph.node, model.graph.value_info, model.graph.input, model.graph.output, [model.graph]):
        for part in function:
            del part.metadata_props[:]
    onnx.helper.set_model_props(model, to_metadata(contract))
    model.producer_name = "steel-defect trainer"
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save_model(model, path)


def restore(path: Path) -> DeployedStripNet:
    """Rebuild the torch module from a model file that `export` wrote: its initialisers bear the parameters' names.

    Raises:
        RuntimeError: the file lacks a parameter, or one has another shape.
    """
    initialisers: dict[str, Tensor] = {
        item.name: torch.from_numpy(onnx.numpy_helper.to_array(item).copy())
        for item in onnx.load(path).graph.initializer
    }
    deployed = DeployedStripNet(StripNet().eval(), scale=1.0, offset=0.0)
    names = deployed.state_dict().keys()
    deployed.load_state_dict({name: value for name, value in initialisers.items() if name in names})
    return deployed


def run_onnx(path: Path, pixels: NDArray[np.uint8], batch: int = 8) -> dict[str, NDArray[np.float32]]:
    """All outputs of a model file for uint8 pictures (N, H, W), by name."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    parts = [
        session.run(list(OUTPUTS), {"image": pixels[start : start + batch]}) for start in range(0, len(pixels), batch)
    ]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(OUTPUTS)}


def run_torch(deployed: DeployedStripNet, pixels: NDArray[np.uint8], batch: int = 8) -> dict[str, NDArray[np.float32]]:
    """The same outputs from the torch module."""
    with torch.inference_mode():
        parts = [deployed(torch.from_numpy(pixels[start : start + batch])) for start in range(0, len(pixels), batch)]
    return {name: torch.cat([part[place] for part in parts]).numpy() for place, name in enumerate(OUTPUTS)}


def largest_difference(one: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]) -> float:
    """The largest difference of any probability between two runs over the same pictures."""
    return max(float(np.abs(one[name] - other[name]).max()) for name in OUTPUTS)
