"""What is said of one picture, as JSON: the same over HTTP, in direct invocations and on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steel_defect.scorer import Prediction, Scorer
    from steel_defect.serving import RegistryState


def answer(prediction: Prediction, scorer: Scorer, *, with_map: bool = False) -> dict[str, Any]:
    """The answer for one picture. `schema Answer` in openapi.json describes it."""
    contract = scorer.contract
    content: dict[str, Any] = {
        "defect_prob": prediction.defect_prob,
        "defect_status": prediction.defect_status,
        "decision": prediction.decision.value,
        "threshold": contract.threshold,
        "class_prob": prediction.class_prob,
        "model": identity(scorer),
        "image": {
            "width": prediction.picture.width,
            "height": prediction.picture.height,
            "format": prediction.picture.format,
        },
        "statistics": asdict(prediction.statistics),
        "timings_ms": {"decode": round(prediction.decode_ms, 3), "model": round(prediction.model_ms, 3)},
    }
    if with_map and prediction.defect_map is not None:
        content["defect_map"] = {
            "classes": list(contract.class_names),
            "rows": prediction.defect_map.shape[1],
            "columns": prediction.defect_map.shape[2],
            "values": [[[round(float(v), 3) for v in row] for row in plane] for plane in prediction.defect_map],
        }
    return content


def identity(scorer: Scorer) -> dict[str, Any]:
    """Which model it is."""
    return {"name": scorer.contract.name, "version": scorer.contract.version, "sha256": scorer.sha256}


def describe(scorer: Scorer, registry: RegistryState | None) -> dict[str, Any]:
    """What serves: the model's own statements about itself, how it is run, and what the registry says.

    `schema Model` in openapi.json describes it.
    """
    import onnxruntime  # noqa: PLC0415 - not before a server forks; see serving.py

    return {
        **asdict(scorer.contract),
        "sha256": scorer.sha256,
        "size_bytes": scorer.size_bytes,
        "runtime": {"onnxruntime": onnxruntime.__version__, "threads": scorer.threads},
        "registry": None if registry is None else asdict(registry),
    }
