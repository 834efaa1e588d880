"""A model whose answer is known: `defect_prob` is the mean gray of the model's input, over 255."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from steel_defect.contract import InputSpec, ModelContract, to_metadata

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


def probe_model(contract: ModelContract = CONTRACT, metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of the model file. `defect_map` holds the same mean a cell, for two classes in a 4 x 25 grid."""
    height, width = contract.input.height, contract.input.width
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
        ],
        "probe",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", height, width])],
        [
            helper.make_tensor_value_info("defect_prob", TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info("class_prob", TensorProto.FLOAT, ["n", 2]),
            helper.make_tensor_value_info("defect_map", TensorProto.FLOAT, ["n", 2, height // 32, width // 32]),
        ],
        [
            helper.make_tensor("full", TensorProto.FLOAT, [], [255.0]),
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
