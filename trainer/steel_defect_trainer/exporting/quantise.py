"""A float model file as an int8 one: the same input, outputs and contract, less time and space.

Static quantisation in the QDQ form: activations u8, weights s8 with a scale for each output channel, ranges that hold
the extremes of nine in ten training pictures. Some things are done beside ONNX Runtime's quantiser, measured on the
bundled network (MobileNetV2; error in the calibrated logit, root mean square):

- Rounded weights shift what a convolution gives on average, most of all early, where a strip is one even gray: 0.22.
  The shift is measured on the training pictures and taken out of the bias (`rounding.py`): 0.02.
- The channels of a linear output are brought to one range (`equalise.py`): 0.22 to 0.15 in all.
- What is left of a shift in the logits of a picture is taken out of the head's bias.
- Values of the first layers are rounded more coarsely than faint damage is deep. The first convolutions stay float;
  the first three cost no time, as ONNX Runtime needs as long for them in int8. So may the last ones, whose means and
  maxima say what a picture shows.

What did not help the bundled network 0.3.0, of which the first 29 convolutions and the last ones stay float (1.44 times
the time of 0.2.1's file; with the first three, 1.17, but 7 of 248 decisions differ, and 5 with the first eight and the
last): learning its last 70 and 120 steps with this rounding simulated, with and without a penalty on what it changes.
The error that is left is spread over all blocks, about 5 % of what tells pictures apart.

Nothing behind the last clipped activation is quantised: a probability of 8 bits would help nobody.

The file that comes out has ONNX Runtime's own operators in it (domain com.microsoft): it is for ONNX Runtime on a CPU.
The float file is what other programs read.
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from steel_defect_trainer.errors import QuantisationError
from steel_defect_trainer.exporting.equalise import add_biases, equalise, ranges_of
from steel_defect_trainer.exporting.rounding import round_weights
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TYPES: Final = ("Conv", "Clip", "Add")
# Share of the calibration pictures whose extremes may be cut off at either end.
_OUTSIDE: Final = 0.1
_LEAST_RANGE: Final = 1e-3
# Of a strip network and of a unified one.
_LAST_BIASES: Final = ("head.bias", "head.whole.bias")


@dataclass(frozen=True)
class Kept:
    """Which convolutions stay float.

    Attributes:
        first: how many, from the input on.
        last: those whose activations no other convolution reads that is quantised.
    """

    first: int
    last: bool = False


def quantise(source: Path, target: Path, pixels: NDArray[np.uint8], kept: Kept) -> None:
    """Write the int8 file of a float one; the same pictures give the same bytes.

    Args:
        source: a file that `steel_defect_trainer.exporting.onnx_file.export` wrote.
        target: where the int8 file goes.
        pixels: uint8 (N, H, W), some hundred of the pictures that were trained on.
        kept: which convolutions stay float.

    Raises:
        QuantisationError: the graph has no more convolutions than that, or no clipped activation.
        OSError: the file cannot be written; the file before is unchanged.
    """
    model = onnx.load(source)
    metadata = {item.key: item.value for item in model.metadata_props}
    names = nodes_to_quantise(model, kept)
    add_biases(model)
    equalise(model, pixels)
    round_weights(model, frozenset(names), pixels)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        written = Path(folder) / "model.onnx"
        quantize_static(
            model,
            written,
            _Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_TYPES),
            nodes_to_quantize=names,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"TensorQuantOverrides": _steps(model, frozenset(names), pixels)},
        )
        _centre(source, written, pixels)
        optimised = Path(folder) / "optimised.onnx"
        _optimise(written, optimised)
        quantised = onnx.load(optimised)
    used = {node.domain for node in quantised.graph.node}
    versions = [item for item in quantised.opset_import if item.domain in used]
    del quantised.opset_import[:], quantised.metadata_props[:]
    quantised.opset_import.extend(versions)
    onnx.helper.set_model_props(quantised, metadata)
    quantised.producer_name = model.producer_name
    onnx.checker.check_model(quantised, full_check=True)
    with replacing(target) as file:
        file.write(quantised.SerializeToString(deterministic=True))


def _steps(model: onnx.ModelProto, names: frozenset[str], pixels: NDArray[np.uint8]) -> dict[str, list[dict[str, Any]]]:
    """How each activation is rounded: its zero, and its step, so that the extremes of most pictures fit."""
    nodes = [node for node in model.graph.node if node.name in names]
    tensors = sorted({name for node in nodes for name in (node.input[0], *node.output)} | _added(nodes))
    found = {}
    for name, (low, high) in ranges_of(model, tensors, pixels).items():
        least = min(0.0, float(np.percentile(low.min(axis=1), 100 * _OUTSIDE)))
        most = max(0.0, float(np.percentile(high.max(axis=1), 100 * (1 - _OUTSIDE))))
        step = max(most - least, _LEAST_RANGE) / 255
        scale, zero = np.array(step, np.float32), np.array(round(-least / step), np.uint8)
        found[name] = [{"quant_type": QuantType.QUInt8, "scale": scale, "zero_point": zero}]
    return found


def _added(nodes: list[onnx.NodeProto]) -> set[str]:
    return {name for node in nodes if node.op_type == "Add" for name in node.input}


def _centre(source: Path, path: Path, pixels: NDArray[np.uint8]) -> None:
    """Take out of the last bias what rounding adds to the logits of a picture on average, if there is such a bias."""
    rounded = onnx.load(path)
    bias = next((item for item in rounded.graph.initializer if item.name in _LAST_BIASES), None)
    if bias is None:
        return
    scale = next((numpy_helper.to_array(item) for item in rounded.graph.initializer if item.name == "scale"), 1.0)
    exact, found = (_calibrated_logits(onnx.load(source), pixels), _calibrated_logits(rounded, pixels))
    moved = numpy_helper.to_array(bias) - np.mean(found - exact, axis=0) / scale
    bias.CopyFrom(numpy_helper.from_array(moved.astype(np.float32), bias.name))
    onnx.save(rounded, path)


def _calibrated_logits(model: onnx.ModelProto, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What `defect_prob` is the sigmoid of, (N,), with others beside it (N, ...): not lost at 0 and 1."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    makers = {node.output[0]: node for node in probe.graph.node}
    sigmoid = makers["defect_prob"]
    while sigmoid.op_type != "Sigmoid":
        sigmoid = makers[sigmoid.input[0]]
    logit = sigmoid.input[0]
    probe.graph.output.append(onnx.helper.make_tensor_value_info(logit, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.stack([session.run([logit], {"image": picture[None]})[0][0] for picture in pixels]).astype(np.float64)


def _optimise(source: Path, target: Path) -> None:
    """Fuse now what ONNX Runtime would fuse at every start, as far as it is the same for every processor.

    The bundled network is loaded in half the time. What depends on the processor, the layout of the weights, is still
    done where it is loaded.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # as above
    """One picture at a time, as ONNX Runtime's calibration asks for them."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pictures = iter(pixels)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self._pictures, None)
        return None if picture is None else {"image": picture[None]}


def nodes_to_quantise(model: onnx.ModelProto, kept: Kept) -> list[str]:
    """Names of the nodes from the first convolution that is quantised to the last clipped activation."""
    nodes = list(model.graph.node)
    convolutions = [index for index, node in enumerate(nodes) if node.op_type == "Conv"]
    clips = [index for index, node in enumerate(nodes) if node.op_type == "Clip"]
    if len(convolutions) <= kept.first or not clips or clips[-1] < convolutions[kept.first]:
        message = (
            f"the graph has {len(convolutions)} convolutions and {len(clips)} clipped activations: there is nothing to "
            f"quantise behind the first {kept.first} convolutions"
        )
        raise QuantisationError(message)
    chosen = [node for node in nodes[convolutions[kept.first] : clips[-1] + 1] if node.op_type in _TYPES]
    if kept.last:
        read = {name for node in chosen for name in node.input}
        ends = [node for node in chosen if node.op_type == "Clip" and node.output[0] not in read]
        last = {name for node in ends for name in (node.output[0], node.input[0])}
        chosen = [node for node in chosen if node.output[0] not in last]
    return [node.name for node in chosen]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantiser's advice to optimise the graph before, which the exporter has done."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
