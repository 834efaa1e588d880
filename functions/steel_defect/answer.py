"""The answer for one picture, as JSON: the same over HTTP, in direct invocations and on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from steel_defect.place import UNKNOWN, Place
from steel_defect.run_lengths import run_lengths

if TYPE_CHECKING:
    from steel_defect.prediction import Prediction
    from steel_defect.scorer import Scorer
    from steel_defect.serving import RegistryState


def verdict(prediction: Prediction, scorer: Scorer) -> dict[str, Any]:
    """What depends on picture and model alone: the answer for one picture without what was measured or asked for."""
    # Without masks nobody looked for defects: none in an answer would say that there are none.
    found: dict[str, Any] = {}
    if prediction.mask is not None:
        found["defects"] = [defect.as_json() for defect in prediction.defects.largest]
        found["defect_count"] = prediction.defects.count
    return {
        "defect_prob": prediction.defect_prob,
        "defect_status": prediction.defect_status,
        "decision": prediction.decision.value,
        "reasons": [reason.value for reason in prediction.reasons],
        "threshold": scorer.contract.threshold,
        "class_prob": prediction.class_prob,
        **found,
        "model": scorer.identity,
        "view": asdict(prediction.view),
        "image": asdict(prediction.image),
        "statistics": asdict(prediction.statistics),
    }


def answer(
    prediction: Prediction,
    scorer: Scorer,
    *,
    with_map: bool = False,
    with_masks: bool = False,
    place: Place = UNKNOWN,
) -> dict[str, Any]:
    """The answer for one picture. `schema Answer` in openapi.json describes it."""
    timings = {"decode": round(prediction.decode_ms, 3), "model": round(prediction.model_ms, 3)}
    content = {**verdict(prediction, scorer), **place.as_json(), "timings_ms": timings}
    if with_map and prediction.defect_map is not None:
        content["defect_map"] = {
            "classes": list(scorer.contract.class_names),
            "rows": prediction.defect_map.shape[1],
            "columns": prediction.defect_map.shape[2],
            "values": [[[round(float(v), 3) for v in row] for row in plane] for plane in prediction.defect_map],
        }
    if with_masks and prediction.mask is not None:
        content["masks"] = run_lengths(prediction.mask, scorer.contract.class_names)
    if prediction.preview is not None:
        content["preview"] = prediction.preview.as_json()
    return content


def describe(scorer: Scorer, registry: RegistryState | None) -> dict[str, Any]:
    """The model that serves: its own statements about itself, how it is run, and its state in the registry.

    `schema Model` in openapi.json describes it.
    """
    import onnxruntime  # not before a server forks; see serving.py

    return {
        **asdict(scorer.contract),
        "decision_from": scorer.decision_from,
        "sha256": scorer.sha256,
        "size_bytes": scorer.size_bytes,
        "runtime": {"onnxruntime": onnxruntime.__version__, "threads": scorer.threads},
        "registry": None if registry is None else asdict(registry),
    }
