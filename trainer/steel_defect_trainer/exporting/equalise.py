"""Brings all channels of a linear activation to one range, before it is rounded with one step for all of them.

The narrow outputs of MobileNetV2's blocks are not clipped; some of their channels swing a hundred times as far as
others, and 8 bits with one step leave the small ones two or three values. What lies between such an output and the
convolutions that read it is linear. So each channel can be centred and stretched where it is made, and the inverse be
put into the weights and biases of what reads it: the network computes the same (cross-layer equalisation, Nagel et al.,
2019, section 4.1, without its clipped activations, and with the shift that unpadded 1 x 1 readers allow).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # For each tensor, the least and the largest value of each channel in each picture, float64 (N, C).
    Ranges = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


# How far channels go towards one range: 1 is all the way, which makes rows of weights uneven. Tried on the bundled
# network, root mean square error of the calibrated logit: 0.22 without, 0.15 at 0.5 and at 0.75, 0.14 at 1.
_POWER: Final = 0.75
# No channel is stretched further than this: one that hardly varies carries hardly any information.
_MOST: Final = 1e4


def add_biases(model: onnx.ModelProto) -> None:
    """Give each convolution that has no bias one of zeros: what rounding does to a network is put right in biases."""
    weights = {item.name: item for item in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv" and len(node.input) == 2:  # noqa: PLR2004 - the third is the bias
            bias = np.zeros(weights[node.input[1]].dims[0], np.float32)
            node.input.append(f"{node.name}/bias")
            model.graph.initializer.append(numpy_helper.from_array(bias, node.input[2]))


def equalise(model: onnx.ModelProto, pixels: NDArray[np.uint8]) -> None:
    """Change the weights in place; the outputs stay the same but for rounding.

    Args:
        model: float; its convolutions have a bias.
        pixels: uint8 (N, H, W), pictures that were trained on.
    """
    nodes = list(model.graph.node)
    groups = [group for group in _groups(nodes) if all(_reads_every_cell(reader) for reader in _readers(nodes, group))]
    ranges = ranges_of(model, sorted({name for group in groups for name in group}), pixels)
    weights = {item.name: item for item in model.graph.initializer}
    for group in groups:
        _equalise_linear(nodes, weights, group, ranges)


def _equalise_linear(
    nodes: list[onnx.NodeProto], weights: dict[str, onnx.TensorProto], group: set[str], ranges: Ranges
) -> None:
    """What is added to each other is stretched alike; each is centred by itself."""
    bounds = {name: (ranges[name][0].mean(axis=0), ranges[name][1].mean(axis=0)) for name in group}
    shift: dict[str, NDArray[np.float64]] = {}
    makers = []
    for node in nodes:  # in the order of computation
        name = node.output[0]
        if name in group and node.op_type == "Conv":
            makers.append(node)
            shift[name] = (bounds[name][0] + bounds[name][1]) / 2
        elif name in group:
            shift[name] = shift[node.input[0]] + shift[node.input[1]]
    reach = np.max([np.maximum(high - shift[name], shift[name] - low) for name, (low, high) in bounds.items()], axis=0)
    stretch = (reach.max() / np.maximum(reach, reach.max() / _MOST)) ** _POWER if reach.any() else np.ones_like(reach)
    for node in makers:
        _change_outputs(weights, node, stretch, -shift[node.output[0]] * stretch)
    for reader in _readers(nodes, group):
        _change_inputs(weights, reader, 1 / stretch, shift[reader.input[0]])


def _groups(nodes: list[onnx.NodeProto]) -> list[set[str]]:
    """Outputs of convolutions that convolutions and additions alone read; what is added to each other is together."""
    read_by: dict[str, set[str]] = {}
    for node in nodes:
        for name in node.input:
            read_by.setdefault(name, set()).add(node.op_type)
    made = {node.output[0] for node in nodes if node.op_type in {"Conv", "Add"}}
    groups: list[set[str]] = []
    for node in nodes:
        if node.op_type not in {"Conv", "Add"}:
            continue
        group = {node.output[0]} | (set(node.input) if node.op_type == "Add" else set())
        joined = [other for other in groups if other & group]
        groups = [other for other in groups if not other & group] + [group.union(*joined)]
    return [group for group in groups if group <= made and all(read_by.get(n, {"-"}) <= {"Conv", "Add"} for n in group)]


def _readers(nodes: list[onnx.NodeProto], group: set[str]) -> list[onnx.NodeProto]:
    return [node for node in nodes if node.op_type == "Conv" and node.input[0] in group]


def _reads_every_cell(node: onnx.NodeProto) -> bool:
    """Whether a convolution sees nothing but what was made: a padded one would see unshifted zeros."""
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return not any(attributes.get("pads", [])) and attributes.get("group", 1) == 1


def ranges_of(model: onnx.ModelProto, names: list[str], pixels: NDArray[np.uint8]) -> Ranges:
    """Run the pictures through the model, and measure these tensors of four axes."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "probe/axes"))
    for name in names:
        for kind in ("Min", "Max"):
            output = f"probe/{name}/{kind}"
            probe.graph.node.append(
                onnx.helper.make_node(f"Reduce{kind}", [name, "probe/axes"], [output], name=output, keepdims=0)
            )
            probe.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run(None, {"image": picture[None]}) for picture in pixels]
    each = [np.array(values, np.float64) for values in zip(*found, strict=True)]
    return {name: (each[2 * index], each[2 * index + 1]) for index, name in enumerate(names)}


def _change_outputs(
    weights: dict[str, onnx.TensorProto], node: onnx.NodeProto, factor: NDArray[np.float64], offset: NDArray[np.float64]
) -> None:
    """Make a convolution give factor * x + offset instead of x; both of shape (C,)."""
    weight, bias = (weights[name] for name in node.input[1:3])
    _set(weight, _values(weight) * factor[:, None, None, None])
    _set(bias, _values(bias) * factor + offset)


def _change_inputs(
    weights: dict[str, onnx.TensorProto],
    node: onnx.NodeProto,
    factor: NDArray[np.float64],
    offset: NDArray[np.float64],
) -> None:
    """Make a convolution give for x what it gave for factor * x + offset; both of shape (C,)."""
    weight, bias = (weights[name] for name in node.input[1:3])
    values = _values(weight)
    _set(bias, _values(bias) + values.sum(axis=(2, 3)) @ offset)
    _set(weight, values * factor[None, :, None, None])


def _values(item: onnx.TensorProto) -> NDArray[np.float64]:
    return numpy_helper.to_array(item).astype(np.float64)


def _set(item: onnx.TensorProto, values: NDArray[np.float64]) -> None:
    item.CopyFrom(numpy_helper.from_array(values.astype(np.float32), item.name))
