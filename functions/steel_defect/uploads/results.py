"""The results of uploads, one object for each: `scores/<key>.json` in the results bucket.

A result is a pure function of the object's version and the model, so that writing it twice is harmless: it holds no
time and no measured duration. `result.schema.json` describes it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from steel_defect.answer import verdict
from steel_defect.uploads.refs import is_older

if TYPE_CHECKING:
    from steel_defect.errors import SteelDefectError
    from steel_defect.scorer import Prediction, Scorer
    from steel_defect.uploads.refs import ObjectRef

RESULT_SCHEMA_VERSION: Final = 1
FOLDER: Final = "scores/"
# A name may have 1,024 bytes. That of a result is longer than the upload's, and a prefix of the store comes before it.
_LONGEST_KEY: Final = 900
_KEPT: Final = 800


def result_key(key: str) -> str:
    """Where the result of the upload `key` is: `scores/<key>.json`.

    A key of more than 900 bytes keeps its first 800 and continues with `~` and its SHA-256.
    """
    encoded = key.encode()
    if len(encoded) > _LONGEST_KEY:
        kept = encoded[:_KEPT].decode(errors="ignore")
        key = f"{kept}~{hashlib.sha256(encoded).hexdigest()}"
    return f"{FOLDER}{key}.json"


def scored(ref: ObjectRef, prediction: Prediction, scorer: Scorer) -> dict[str, Any]:
    """The result of a picture that was scored."""
    return {**_frame(ref, "scored"), **verdict(prediction, scorer)}


def failed(ref: ObjectRef, error: SteelDefectError, scorer: Scorer) -> dict[str, Any]:
    """The result of an upload that can never be scored; says why."""
    return {**_frame(ref, "failed"), "problem": error.problem(), "model": scorer.identity}


def encode(result: dict[str, Any]) -> bytes:
    """The bytes of a result: the same result, the same bytes."""
    return json.dumps(result, sort_keys=True, indent=2).encode() + b"\n"


def decode(data: bytes) -> dict[str, Any] | None:
    """A result that was written before; None if the bytes are no result of this schema; they may be replaced."""
    try:
        result = json.loads(data)
    except ValueError:
        return None
    known = isinstance(result, dict) and result.get("schema_version") == RESULT_SCHEMA_VERSION
    return result if known else None


def is_newer_than(result: dict[str, Any], ref: ObjectRef) -> bool:
    """Whether the result is of a newer version of the object than `ref`."""
    return is_older(ref.order, result["source"]["order"])


def is_of(result: dict[str, Any], ref: ObjectRef, scorer: Scorer) -> bool:
    """Whether the result is of this version of the object, by this model."""
    same_version = result["source"]["order"] == ref.order and result["source"]["version"] == ref.version
    return bool(same_version and result["model"]["sha256"] == scorer.sha256)


def _frame(ref: ObjectRef, status: str) -> dict[str, Any]:
    return {
        "schema_version": RESULT_SCHEMA_VERSION,
        "status": status,
        "source": {"uri": ref.uri, "bucket": ref.bucket, "key": ref.key, "version": ref.version, "order": ref.order},
    }
