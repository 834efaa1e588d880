"""The trained network as one ONNX file that says everything about itself, and the proof that it computes the same."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from steel_defect.contract import to_metadata
from steel_defect.scorer import Scorer
from steel_defect_trainer.files import replacing
from steel_defect_trainer.networks.classifier import ClassifierNet
from steel_defect_trainer.networks.model import DeployedStripNet, StripNet, fold_batch_norm, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from steel_defect.contract import ModelContract
    from steel_defect_trainer.evaluation.decision import Decision
    from steel_defect_trainer.networks.model import GrayMobileNet

# A network gives the first of these, or all.
OUTPUTS: Final = ("defect_prob", "class_prob", "defect_map")
# The largest difference in any probability between the network and its exported file.
PARITY: Final = 1e-4
# What ONNX Runtime's quantiser puts behind the name of a weight that it rounded.
_ROUNDED: Final = "_quantized"


class ExportError(RuntimeError):
    """The network cannot be exported, or its file computes something else."""


class DeployedClassifier(nn.Module):
    """A plain classifier as it is exported: batch normalisation folded away, calibration inside."""

    scale: Tensor
    offset: Tensor

    def __init__(self, network: ClassifierNet, scale: float, offset: float) -> None:
        """Copy a trained network; probability = sigmoid(scale * logit + offset)."""
        super().__init__()
        copied = copy.deepcopy(network).cpu().eval()
        self.features = fold_batch_norm(copied.features)
        self.head = copied.head
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("offset", torch.tensor(offset))
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Gray uint8 (N, H, W) to defect_prob (N,), 0..1."""
        logits = self.head(self.features(normalise(image))).squeeze(1)
        return (torch.sigmoid(self.scale * logits + self.offset),)


def deploy(network: GrayMobileNet, decision: Decision) -> nn.Module:
    """What is exported of a trained network.

    Raises:
        ExportError: a network of another kind.
    """
    if isinstance(network, StripNet):
        return DeployedStripNet(network, decision.scale, decision.offset)
    if isinstance(network, ClassifierNet):
        return DeployedClassifier(network, decision.scale, decision.offset)
    message = f"a {type(network).__name__} cannot be exported"
    raise ExportError(message)


def export(deployed: nn.Module, contract: ModelContract, path: Path) -> None:
    """Write the model file: input `image` uint8 (N, H, W) with N free, outputs of `OUTPUTS`, and the contract inside.

    The same weights and contract give the same bytes.

    Raises:
        ExportError: the exporter gave nothing.
        OSError: the file cannot be written; what was there before is as it was.
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


def restore(path: Path) -> DeployedStripNet:
    """Rebuild the torch module from a strip network's file: its initialisers bear the parameters' names.

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
    head = initialisers.get("head.weight")
    network = StripNet(1 if head is None else len(head))
    network.head.whole.data = initialisers.get("head.whole", network.head.whole.data)
    deployed = DeployedStripNet(network, scale=1.0, offset=0.0)
    names = deployed.state_dict().keys()
    # The exporter leaves out a factor of 1 and a term of 0.
    neutral = {"scale": torch.tensor(1.0), "offset": torch.tensor(0.0)}
    deployed.load_state_dict(neutral | {name: value for name, value in initialisers.items() if name in names})
    return deployed


def run_onnx(path: Path, pixels: NDArray[np.uint8], batch: int = 8) -> dict[str, NDArray[np.float32]]:
    """All outputs of a model file for uint8 pictures (N, H, W), by name."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    parts = [session.run(names, {"image": pixels[start : start + batch]}) for start in range(0, len(pixels), batch)]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)}


def run_torch(deployed: nn.Module, pixels: NDArray[np.uint8], batch: int = 8) -> dict[str, NDArray[np.float32]]:
    """The same outputs from the torch module."""
    with torch.inference_mode():
        parts = [
            deployed(torch.from_numpy(np.array(pixels[start : start + batch])))
            for start in range(0, len(pixels), batch)
        ]
    count = len(parts[0])
    return {name: torch.cat([part[place] for part in parts]).numpy() for place, name in enumerate(OUTPUTS[:count])}


def largest_difference(one: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]) -> float:
    """The largest difference of any probability between two runs over the same pictures.

    Raises:
        ExportError: one has an output that the other lacks.
    """
    if one.keys() != other.keys():
        message = f"one gives {', '.join(one)}, the other {', '.join(other)}"
        raise ExportError(message)
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def check_parity(deployed: nn.Module, path: Path, files: Sequence[Path]) -> float:
    """Hold a model file to the network on real bytes: the scorer's whole way against decoding and torch.

    Args:
        deployed: what was exported.
        path: the file that was written.
        files: pictures.

    Returns:
        The largest difference of any probability.

    Raises:
        ExportError: it is not below `PARITY`.
    """
    scorer = Scorer(path)
    largest = 0.0
    for file in files:
        data = file.read_bytes()
        said, (picture, _) = scorer.score(data), scorer.decode(data)
        expected = {name: values[0] for name, values in run_torch(deployed, picture.pixels[None]).items()}
        found = {"defect_prob": np.float32(said.defect_prob), "class_prob": np.array(list(said.class_prob.values()))}
        if said.defect_map is not None:
            found["defect_map"] = said.defect_map
            rows, columns = said.defect_map.shape[1:]
            expected["defect_map"] = expected["defect_map"][:, :rows, :columns]
        difference = max(float(np.abs(found[name] - values).max()) for name, values in expected.items())
        if not difference < PARITY:
            message = f"{path} differs from the network by {difference:.2e} on {file}; {PARITY:.0e} is allowed"
            raise ExportError(message)
        largest = max(largest, difference)
    return largest
