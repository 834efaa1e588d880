"""A model file's weights back in the torch module, to compute with both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import onnx
import torch
from onnx import numpy_helper

from steel_defect_trainer.networks.deployed import Deployed, DeployedStripNet, DeployedUnifiedNet
from steel_defect_trainer.networks.strip import StripNet
from steel_defect_trainer.networks.unified import UnifiedNet

if TYPE_CHECKING:
    from pathlib import Path

# What ONNX Runtime's quantiser puts behind the name of a weight that it rounded.
_ROUNDED: Final = "_quantized"


def restore(path: Path) -> Deployed:
    """Rebuild the torch module from a network's file: its initialisers bear the parameters' names.

    The weights of an int8 file are those on its grid; what it rounds while it computes is not.

    Raises:
        RuntimeError: the file lacks a parameter, or one has another shape.
    """
    graph = onnx.load(path).graph
    initialisers = {item.name: torch.from_numpy(numpy_helper.to_array(item).copy()) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "QLinearConv":
            _, scale, _, weight, weight_scale, _, _, _, bias = node.input
            step = initialisers[weight_scale]
            for name, unit in ((weight, step.reshape(-1, 1, 1, 1)), (bias, initialisers[scale] * step)):
                initialisers[name.removesuffix(_ROUNDED)] = unit * initialisers[name]
    deployed: Deployed
    if "head.whole.weight" in initialisers:
        deployed = DeployedUnifiedNet(UnifiedNet(len(initialisers["head.whole.weight"]) - 1), scale=1.0, offset=0.0)
    else:
        head = initialisers.get("head.weight")
        network = StripNet(1 if head is None else len(head))
        network.head.whole.data = initialisers.get("head.whole", network.head.whole.data)
        deployed = DeployedStripNet(network, scale=1.0, offset=0.0)
    names = deployed.state_dict().keys()
    # The exporter leaves out a factor of 1 and a term of 0.
    neutral = {"scale": torch.tensor(1.0), "offset": torch.tensor(0.0)}
    deployed.load_state_dict(neutral | {name: value for name, value in initialisers.items() if name in names})
    return deployed
