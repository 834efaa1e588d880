"""What is written for each upload: `scores/<key>.json` in the results bucket, `history/<key>/` for earlier versions.

A result is a pure function of the object's version, the model, and the settings that decide a score (camera, threshold,
review band) or tell the place (the pattern of coils), so that writing it twice is harmless: it holds no time and no
measured duration. It does not name the settings: after a change of them, results that are written stay as they are.
`result.schema.json` describes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from steel_defect.answer import verdict
from steel_defect.errors import ObjectGone

if TYPE_CHECKING:
    from steel_defect.errors import SteelDefectError
    from steel_defect.place import Place
    from steel_defect.prediction import Prediction
    from steel_defect.scorer import Scorer
    from steel_defect.uploads.refs import ObjectRef

RESULT_SCHEMA_VERSION: Final = 1
FOLDER: Final = "scores/"
HISTORY: Final = "history/"
# A name may have 1,024 bytes. That of a result is longer than the upload's, and a prefix of the store comes before it.
_LONGEST_KEY: Final = 900
_LONGEST_KEY_IN_HISTORY: Final = 800
_SHORTER_BY: Final = 100
_LONGEST_VERSION: Final = 64
_SHORTENED: Final = re.compile(r"~[0-9a-f]{64}\Z")


def result_key(key: str) -> str:
    """Where the result of the upload `key` is: `scores/<key>.json`.

    A key of more than 900 bytes keeps its first 800 and continues with `~` and its SHA-256. So does one that ends like
    such a name, so that no two keys have the same.
    """
    return f"{FOLDER}{shortened(key, _LONGEST_KEY)}.json"


def history_key(result: dict[str, Any]) -> str:
    """Where a result is kept when that of a newer version takes its place: `history/<key>/<version>.json`.

    The version is the bucket's, or the ETag if the bucket keeps none. Keys are shortened from 800 bytes on.
    """
    source = result["source"]
    version = str(source["version"] or source.get("etag") or source["order"] or "unknown")
    if len(version) > _LONGEST_VERSION or "/" in version:
        version = hashlib.sha256(version.encode()).hexdigest()
    return f"{HISTORY}{shortened(source['key'], _LONGEST_KEY_IN_HISTORY)}/{version}.json"


def shortened(key: str, longest: int) -> str:
    """A name of at most so many bytes, and no other key's: the beginning of a long one, `~`, and its SHA-256."""
    encoded = key.encode()
    if len(encoded) <= longest and not _SHORTENED.search(key):
        return key
    kept = encoded[: longest - _SHORTER_BY].decode(errors="ignore")
    return f"{kept}~{hashlib.sha256(encoded).hexdigest()}"


def scored(ref: ObjectRef, prediction: Prediction, scorer: Scorer, place: Place) -> dict[str, Any]:
    """The result of a picture that was scored."""
    return {**_frame(ref, "scored"), **place.as_json(), **verdict(prediction, scorer)}


def failed(ref: ObjectRef, error: SteelDefectError, scorer: Scorer, place: Place) -> dict[str, Any]:
    """The result of an upload that can never be scored; says why."""
    return {**_frame(ref, "failed"), **place.as_json(), "problem": error.problem(), "model": scorer.identity}


def encode(result: dict[str, Any]) -> bytes:
    """The bytes of a result: the same result, the same bytes."""
    return json.dumps(result, sort_keys=True, indent=2).encode() + b"\n"


def decode(data: bytes) -> dict[str, Any] | None:
    """A result that was written before; None if the bytes are no result of this schema, and may be replaced."""
    try:
        result = json.loads(data)
    except (ValueError, RecursionError):
        return None
    match result:
        case {
            "schema_version": 1,
            "status": "scored" | "failed",
            "source": {"bucket": str(), "key": str(), "order": str(), "version": str() | None},
            "model": {"sha256": str()},
        } if "problem" in result or "decision" in result:
            return dict(result)
        case _:
            return None


def is_of_object(result: dict[str, Any], ref: ObjectRef) -> bool:
    """Whether the result is of the object of this name, whichever version."""
    return bool((result["source"]["bucket"], result["source"]["key"]) == (ref.bucket, ref.key))


def is_of_version(result: dict[str, Any], ref: ObjectRef) -> bool:
    """Whether the result is of this version of the object.

    In a bucket without versions the ETag tells; in results of earlier releases, which have none, the order does.
    """
    source = result["source"]
    if source["version"] is not None or ref.version is not None:
        return bool(source["version"] == ref.version)
    if source.get("etag") is not None and ref.tag is not None:
        same_size = source.get("size") is None or ref.size is None or source["size"] == ref.size
        return bool(source["etag"] == plain_tag(ref.tag) and same_size)
    return bool(source["order"] and source["order"] == ref.order)


def is_by(result: dict[str, Any], scorer: Scorer) -> bool:
    """Whether the result is by this model."""
    return bool(result["model"]["sha256"] == scorer.sha256)


def is_gone(result: dict[str, Any]) -> bool:
    """Whether the result says that the object was deleted before it could be scored."""
    return "problem" in result and result["problem"]["type"].endswith(f":{ObjectGone.slug}")


def plain_tag(tag: str) -> str:
    """An ETag without the quotes that HTTP puts around it, and events leave out."""
    return tag.strip('"')


def _frame(ref: ObjectRef, status: str) -> dict[str, Any]:
    return {
        "schema_version": RESULT_SCHEMA_VERSION,
        "status": status,
        "source": {
            "uri": ref.uri,
            "bucket": ref.bucket,
            "key": ref.key,
            "version": ref.version,
            "order": ref.order,
            "etag": None if ref.tag is None else plain_tag(ref.tag),
            "size": ref.size,
        },
    }
