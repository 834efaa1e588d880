"""The output `novelty`: how far a picture's features are from those of the training pictures, inside the same graph.

How much each feature varies over the picture, in the middle of the body: the last features have learned to tell defects
and no longer tell a chessboard from steel, and means alone take a lens cap for a dull strip. Of these deviations, the
distance to a Gaussian, of which the directions with the most variance are known one by one and the rest share one
variance: Moghaddam and Pentland, "Probabilistic visual learning for object representation", 1997. Square roots make
their long tails shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from steel_defect_trainer.errors import ExportError
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

OUTPUT: Final = "novelty"
# The first layer of block 7 of MobileNetV2, at an eighth of the input's size. Of 13 tensors of the bundled network, it
# told most of the blurred, noisy, dark and burnt-out photographs from those that it called familiar.
_LAYER: Final = "features.7.conv.0.0.weight"
# Fewer pictures say too little about what is familiar.
LEAST_PICTURES: Final = 40
_DIRECTIONS: Final = 16
_FOLDS: Final = 5
_BATCH: Final = 8
# Of familiar pictures that nobody learned from, about this share is called unfamiliar; never one nearer than the second
# figure, in standard deviations of the logarithm of the distance.
_FALSE_ALARMS: Final = 0.015
_LEAST_DEVIATIONS: Final = 2.5


@dataclass(frozen=True)
class Gaussian:
    """What is familiar.

    Attributes:
        mean: of the features, float64 (F,).
        directions: of the most variance, orthonormal rows (K, F).
        variances: along them (K,).
        rest: variance along any other direction.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    variances: NDArray[np.float64]
    rest: float

    def log_distance(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the squared Mahalanobis distance (N,) of features (N, F)."""
        centred = features - self.mean
        along = centred @ self.directions.T
        rest = (centred**2).sum(axis=1) - (along**2).sum(axis=1)
        found: NDArray[np.float64] = np.log((along**2 / self.variances).sum(axis=1) + rest / self.rest)
        return found


@dataclass(frozen=True)
class Novelty:
    """The output and its limit.

    Attributes:
        gaussian: fitted to all pictures.
        mean: of the logarithms of the distances of pictures that the Gaussian was not fitted to.
        deviation: their standard deviation.
        limit: the novelty above which a picture is unfamiliar, 0..1.
    """

    gaussian: Gaussian
    mean: float
    deviation: float
    limit: float


def fit_gaussian(features: NDArray[np.float64]) -> Gaussian:
    """Fit to features (N, F)."""
    mean = features.mean(axis=0)
    _, spread, directions = np.linalg.svd(features - mean, full_matrices=False)
    variances = spread**2 / (len(features) - 1)
    known = min(_DIRECTIONS, len(features) // 4)
    rest = float(variances[known:].sum()) / (features.shape[1] - known)
    return Gaussian(mean, directions[:known], variances[:known], max(rest, 1e-9))


def fit_novelty(features: NDArray[np.float64], groups: Sequence[str]) -> Novelty:
    """Fit to features (N, F) of familiar pictures, and set the limit by cross-validation over their groups."""
    names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    numbers = np.array([names[group] for group in groups]) if len(names) >= _FOLDS else np.arange(len(features))
    distances = np.empty(len(features))
    for fold in range(_FOLDS):
        held_out = numbers % _FOLDS == fold
        distances[held_out] = fit_gaussian(features[~held_out]).log_distance(features[held_out])
    mean, deviation = float(distances.mean()), max(float(distances.std()), 1e-6)
    farthest = (float(np.quantile(distances, 1 - _FALSE_ALARMS)) - mean) / deviation
    limit = NormalDist().cdf(max(farthest, _LEAST_DEVIATIONS))
    return Novelty(fit_gaussian(features), mean, deviation, limit)


def features_of(path: Path, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Square roots of the deviations of a model file's features, (N, F), for its inputs uint8 (N, height, width).

    Raises:
        ExportError: the graph has no such features.
    """
    model = onnx.load(path)
    nodes, name = _features(model.graph)
    model.graph.node.extend(nodes)
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    batches = (pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH))
    deviations = [session.run([name], {"image": batch})[0].std(axis=(2, 3), dtype=np.float64) for batch in batches]
    return np.sqrt(np.concatenate(deviations))


def add_novelty(path: Path, novelty: Novelty) -> None:
    """Give a model file the output, float32 (N,), 0..1, in place of the one that it may have.

    Args:
        path: of the file.
        novelty: what was fitted to `features_of` this file.

    Raises:
        ExportError: the graph has no such features.
        OSError: the file cannot be written; the file before is unchanged.
    """
    model = onnx.load(path)
    graph, fitted = model.graph, novelty.gaussian
    for kept in (graph.node, graph.initializer, graph.output):
        ours = [item for item in kept if item.name.startswith(OUTPUT)]
        for item in ours:
            kept.remove(item)
    nodes, features = _features(graph)
    graph.node.extend(nodes)
    values = {
        "axes": np.array([2, 3], np.int64),
        "last": np.array([1], np.int64),
        "mean": fitted.mean.astype(np.float32),
        "directions": fitted.directions.T.astype(np.float32),
        "weights": (1 / fitted.variances - 1 / fitted.rest).astype(np.float32),
        "rest": np.float32(1 / fitted.rest),
        "centre": np.float32(novelty.mean),
        "slope": np.float32(1 / (novelty.deviation * np.sqrt(2))),
        "least": np.float32(1e-12),
        "one": np.float32(1),
        "half": np.float32(0.5),
        "none": np.float32(0),
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), f"{OUTPUT}_{key}") for key, value in values.items()
    )
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, int]], ...] = (
        ("ReduceMean", (features, "axes"), "average", {"keepdims": 0}),
        ("Mul", (features, features), "features_squared", {}),
        ("ReduceMean", ("features_squared", "axes"), "average_squared", {"keepdims": 0}),
        ("Mul", ("average", "average"), "squared_average", {}),
        ("Sub", ("average_squared", "squared_average"), "variance", {}),
        ("Max", ("variance", "none"), "not_negative", {}),
        ("Sqrt", ("not_negative",), "deviation", {}),
        ("Sqrt", ("deviation",), "rooted", {}),
        ("Sub", ("rooted", "mean"), "centred", {}),
        ("MatMul", ("centred", "directions"), "along", {}),
        ("Mul", ("along", "along"), "along_squared", {}),
        ("Mul", ("along_squared", "weights"), "along_weighted", {}),
        ("ReduceSum", ("along_weighted", "last"), "along_sum", {"keepdims": 0}),
        ("Mul", ("centred", "centred"), "squared", {}),
        ("ReduceSum", ("squared", "last"), "sum", {"keepdims": 0}),
        ("Mul", ("sum", "rest"), "rest_sum", {}),
        ("Add", ("along_sum", "rest_sum"), "distance", {}),
        ("Max", ("distance", "least"), "positive", {}),
        ("Log", ("positive",), "log", {}),
        ("Sub", ("log", "centre"), "off", {}),
        ("Mul", ("off", "slope"), "scaled", {}),
        ("Erf", ("scaled",), "erf", {}),
        ("Add", ("erf", "one"), "twice", {}),
        ("Mul", ("twice", "half"), "", {}),
    )
    own = {*values, *(output for _, _, output, _ in steps)}
    for kind, inputs, output, attributes in steps:
        names = [f"{OUTPUT}_{name}" if name in own else name for name in inputs]
        target = f"{OUTPUT}_{output}" if output else OUTPUT
        node = helper.make_node(kind, names, [target], name=f"{OUTPUT}/{kind}/{output}")
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        graph.node.append(node)
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [batch]))
    with replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def _features(graph: onnx.GraphProto) -> tuple[list[onnx.NodeProto], str]:
    """The name of the features, behind their activation, and the nodes that make them float where they are int8."""
    for node in graph.node:
        if not any(name in {_LAYER, f"{_LAYER}_quantized"} for name in node.input):
            continue
        (name,) = node.output
        if node.op_type == "QLinearConv":
            dequantised = f"{OUTPUT}_features"
            scale, zero = node.input[6:8]
            return [
                helper.make_node("DequantizeLinear", [name, scale, zero], [dequantised], name=f"{OUTPUT}/Dequantize")
            ], dequantised
        behind = [other.output[0] for other in graph.node if other.op_type == "Clip" and name in other.input]
        return [], behind[0] if behind else name
    message = f"the graph has no features: no layer has weights named {_LAYER}"
    raise ExportError(message)
