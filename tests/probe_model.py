"""A model whose answer is known: `defect_prob` is the mean gray of the model's input, over 255."""

from __future__ import annotations

from dataclasses import replace

import onnx
from onnx import TensorProto, helper

from steel_defect.contract import Frame, InputSpec, MaskTerms, ModelContract, to_metadata

CONTRACT = ModelContract(
    name="probe",
    version="1",
    class_names=("left", "right"),
    threshold=0.5,
    review_low=0.25,
    review_high=0.75,
    training_data_digest="none",
    git_commit="none",
    licence="none",
    input=InputSpec(max_bytes=500_000),
)

# Reads masks, and knows of a strip: bright is "left", dark is "right". It passes
# nothing, as what passes shows no damage.
MASKED = replace(CONTRACT, review_low=0.0, frame=Frame(1600, 256, (6.25, 6.25)), masks=MaskTerms((0.7, 0.9), (0, 0)))


def probe_model(
    contract: ModelContract = CONTRACT, metadata: dict[str, str] | None = None, *, masks: bool = False
) -> bytes:
    """The bytes of the model file. `defect_map` holds the same mean a cell, for two classes in a 4 x 25 grid.

    With masks, `mask_prob` holds for cells of 4 x 4 pixels the mean gray of each as the first class, and how dark it is
    as the second: a padding of black is the second class, wherever it counts.
    """
    height, width = contract.input.height, contract.input.width
    nodes = [
        helper.make_node("AveragePool", ["nchw"], ["fine"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Sub", ["one", "fine"], ["dark"]),
        helper.make_node("Concat", ["fine", "dark"], ["mask_prob"], axis=1),
    ]
    outputs = [helper.make_tensor_value_info("mask_prob", TensorProto.FLOAT, ["n", 2, height // 4, width // 4])]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Div", ["float", "full"], ["scaled"]),
            # Row by row: one float32 sum over all pixels would be off in the fourth digit.
            helper.make_node("ReduceMean", ["scaled", "columns"], ["rows"], keepdims=0),
            helper.make_node("ReduceMean", ["rows", "rows_axis"], ["defect_prob"], keepdims=0),
            helper.make_node("Unsqueeze", ["scaled", "channel"], ["nchw"]),
            helper.make_node("AveragePool", ["nchw"], ["cells"], kernel_shape=[32, 32], strides=[32, 32]),
            helper.make_node("Concat", ["cells", "cells"], ["defect_map"], axis=1),
            helper.make_node("ReduceMean", ["defect_map", "cells_axes"], ["class_prob"], keepdims=0),
            *(nodes if masks else ()),
        ],
        "probe",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", height, width])],
        [
            helper.make_tensor_value_info("defect_prob", TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info("class_prob", TensorProto.FLOAT, ["n", 2]),
            helper.make_tensor_value_info("defect_map", TensorProto.FLOAT, ["n", 2, height // 32, width // 32]),
            *(outputs if masks else ()),
        ],
        [
            helper.make_tensor("full", TensorProto.FLOAT, [], [255.0]),
            helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
            helper.make_tensor("columns", TensorProto.INT64, [1], [2]),
            helper.make_tensor("rows_axis", TensorProto.INT64, [1], [1]),
            helper.make_tensor("cells_axes", TensorProto.INT64, [2], [2, 3]),
            helper.make_tensor("channel", TensorProto.INT64, [1], [1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, to_metadata(contract) if metadata is None else metadata)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
