"""The network of the seed project, written from its description, as the ONNX file that its export makes.

MobileNetV2 of ImageNet's size on 3 x 384 x 384 float32, averaged to 2 x 2, then 5120 -> 512 -> 1 (experiment E1-15b).
Batch normalisation is folded, as PyTorch's export does it. The weights are random: they decide nothing about time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

SIDE: Final = 384
_HIDDEN: Final = 512
_LAST: Final = 1280
# Table 2 of https://arxiv.org/abs/1801.04381: expansion, channels, how often, stride of the first.
_BLOCKS: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class _Graph:
    """Nodes and weights, added in the order of computation."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights = [
            numpy_helper.from_array(np.array(bound, np.float32), name) for bound, name in ((0, "zero"), (6, "six"))
        ]
        self._random = np.random.default_rng(0)

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401 - what ONNX takes
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, *shape: int) -> str:
        """Of a size that keeps signals at theirs, so that no arithmetic is slowed down by tiny numbers."""
        name = f"weight_{len(self.weights)}"
        scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        values = self._random.normal(0, scale, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def convolution(  # noqa: PLR0913 - as many as a convolution has
        self, x: str, channels: int, to: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, clip: bool = True
    ) -> str:
        shape: dict[str, Any] = {
            "kernel_shape": [kernel] * 2,
            "strides": [stride] * 2,
            "pads": [kernel // 2] * 4,
            "group": groups,
        }
        x = self.add("Conv", x, self.weight(to, channels // groups, kernel, kernel), self.weight(to), **shape)
        return self.add("Clip", x, "zero", "six") if clip else x

    def bottleneck(self, x: str, channels: int, to: int, expansion: int, stride: int) -> str:
        wide = channels * expansion
        inner = self.convolution(x, channels, wide) if expansion > 1 else x
        inner = self.convolution(inner, wide, wide, kernel=3, stride=stride, groups=wide)
        inner = self.convolution(inner, wide, to, clip=False)
        return self.add("Add", x, inner) if stride == 1 and channels == to else inner


def write_model(path: Path) -> None:
    """Write the file: `input` float32 (N, 3, 384, 384) to `output` float32 (N, 1), a logit."""
    graph = _Graph()
    x, channels = graph.convolution("input", 3, 32, kernel=3, stride=2), 32
    for expansion, to, times, stride in _BLOCKS:
        for place in range(times):
            x, channels = graph.bottleneck(x, channels, to, expansion, stride if place == 0 else 1), to
    x = graph.convolution(x, channels, _LAST)
    x = graph.add("AveragePool", x, kernel_shape=[SIDE // 64] * 2, strides=[SIDE // 64] * 2)
    x = graph.add("Flatten", x)
    x = graph.add("Relu", graph.add("Gemm", x, graph.weight(_HIDDEN, 4 * _LAST), graph.weight(_HIDDEN), transB=1))
    graph.add("Gemm", x, graph.weight(1, _HIDDEN), graph.weight(1), transB=1, output="output")
    made = helper.make_graph(
        graph.nodes,
        "seed",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", 1])],
        graph.weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
