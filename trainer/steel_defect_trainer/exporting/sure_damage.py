"""What masks are sure of never passes, whatever the picture as a whole looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from steel_defect_trainer.exporting.metadata import read_contract
from steel_defect_trainer.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

# Damage is sure from this mean of the strongest hundredth of all fields on. Out of fold, clean photographs that pass
# reach 0.952; a drawn scratch and a crack, which the bundled network as a whole does not know, have 0.999.
SHARE: Final = 0.01
SURE: Final = 0.98
_NAME: Final = "sure_damage"


def strongest(fields: int) -> int:
    """How many of the fields are a hundredth of them."""
    return max(1, round(SHARE * fields))


def hold_sure_damage(path: Path) -> None:
    """Let `defect_prob` of a file with masks be its threshold at least where masks are sure of damage.

    Raises:
        OSError: the file cannot be written; the file before is unchanged.
    """
    model, threshold = onnx.load(path), read_contract(path).threshold
    graph = model.graph
    height, width = (item.dim_value for item in _output(graph, "mask_prob").type.tensor_type.shape.dim[2:])
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == "defect_prob":
                node.output[place] = f"{_NAME}_picture"
    least = np.float32(threshold)
    values = {
        "channel": np.array([1], np.int64),
        "count": np.array([strongest(height * width)], np.int64),
        "sure": np.float32(SURE),
        "threshold": least if float(least) >= threshold else np.nextafter(least, np.float32(1)),
    }
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), f"{_NAME}_{key}") for key, value in values.items()
    )
    steps: tuple[tuple[str, list[str], list[str], dict[str, Any]], ...] = (
        ("ReduceMax", ["mask_prob", f"{_NAME}_channel"], [f"{_NAME}_any"], {"keepdims": 0}),
        ("Flatten", [f"{_NAME}_any"], [f"{_NAME}_fields"], {"axis": 1}),
        ("TopK", [f"{_NAME}_fields", f"{_NAME}_count"], [f"{_NAME}_top", f"{_NAME}_where"], {"axis": 1}),
        ("ReduceMean", [f"{_NAME}_top", f"{_NAME}_channel"], [f"{_NAME}_mean"], {"keepdims": 0}),
        ("GreaterOrEqual", [f"{_NAME}_mean", f"{_NAME}_sure"], [f"{_NAME}_is"], {}),
        ("Cast", [f"{_NAME}_is"], [f"{_NAME}_one"], {"to": int(onnx.TensorProto.FLOAT)}),
        ("Mul", [f"{_NAME}_one", f"{_NAME}_threshold"], [f"{_NAME}_least"], {}),
        ("Max", [f"{_NAME}_picture", f"{_NAME}_least"], ["defect_prob"], {}),
    )
    for kind, inputs, outputs, attributes in steps:
        graph.node.append(helper.make_node(kind, inputs, outputs, name=f"{_NAME}/{kind}", **attributes))
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def _output(graph: onnx.GraphProto, name: str) -> onnx.ValueInfoProto:
    found: onnx.ValueInfoProto = next(item for item in graph.output if item.name == name)
    return found
