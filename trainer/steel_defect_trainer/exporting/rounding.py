"""Weights on the grid of int8, and biases that make up for what the rounding shifts.

Rounded weights shift what a convolution gives on average. The shift is measured on pictures and taken out of the bias
(Nagel et al., 2019, section 4.2).

Weights have seven bits of the eight. On processors without VNNI (AVX2 alone), ONNX Runtime adds pairs of u8 x s8
products in 16 bits, which full weights overflow: the bundled network then lost 0.05 of its ROC-AUC and decided 19 % of
450 pictures otherwise. With seven bits a file gives the same on every processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 255 x 64 x 2 fits into 16 bits. It is what `reduce_range` makes of weights.
_LARGEST: Final = 64


def round_weights(model: onnx.ModelProto, names: frozenset[str], pixels: NDArray[np.uint8]) -> None:
    """Put the weights of these convolutions on the grid of int8, and what that shifts on average into their biases.

    Changes `model`. What the rounding takes from each output is itself a convolution of the same input, with the
    weights' errors; so a copy of the graph with these beside the others measures all shifts in one go.
    """
    initialisers = {item.name: item for item in model.graph.initializer}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "probe/axes"))
    biases = []
    for node in model.graph.node:
        if node.op_type != "Conv" or node.name not in names:
            continue
        weight = initialisers[node.input[1]]
        exact = numpy_helper.to_array(weight)
        rounded = _on_grid(exact)
        weight.CopyFrom(numpy_helper.from_array(rounded, weight.name))
        biases.append(initialisers[node.input[2]])
        lost, shift = f"probe/{node.name}/lost", f"probe/{node.name}/shift"
        probe.graph.initializer.append(numpy_helper.from_array(exact - rounded, f"{lost}/weight"))
        beside = onnx.NodeProto()
        beside.CopyFrom(node)
        beside.name = beside.output[0] = lost
        del beside.input[2], beside.input[1]
        beside.input.append(f"{lost}/weight")
        mean = onnx.helper.make_node("ReduceMean", [lost, "probe/axes"], [shift], name=shift, keepdims=0)
        probe.graph.node.extend([beside, mean])
        probe.graph.output.append(onnx.helper.make_tensor_value_info(shift, onnx.TensorProto.FLOAT, [len(exact)]))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run(None, {"image": picture[None]}) for picture in pixels]
    for bias, shifts in zip(biases, zip(*found, strict=True), strict=True):
        moved = numpy_helper.to_array(bias) + np.mean(shifts, axis=0, dtype=np.float64)
        bias.CopyFrom(numpy_helper.from_array(moved.astype(np.float32), bias.name))


def _on_grid(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights (O, I, h, w) rounded as the quantiser rounds them: 129 values from -largest to largest of each output."""
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    step = np.where(largest > 0, largest, 1) / np.float32(_LARGEST)
    return np.asarray(np.rint(weights / step) * step, np.float32)
