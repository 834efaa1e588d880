"""A candidate model in the shadow of production: it scores the same uploads, and nothing follows from it.

Its results are `shadow/<sha256 of the model>/<key>.json` beside those that count, of the same schema. They are written
after the result that counts was told, nobody is told of them, and a fault of the candidate is a line in the log.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from steel_defect.answer import verdict
from steel_defect.errors import SteelDefectError
from steel_defect.loading import load_model
from steel_defect.uploads import results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steel_defect.admission import Admission
    from steel_defect.camera import Camera
    from steel_defect.model_uri import ModelFile, RegisteredModel
    from steel_defect.override import Override
    from steel_defect.scorer import Scorer
    from steel_defect.storage import Store

FOLDER: Final = "shadow/"
_LONGEST_KEY: Final = 800
_FRAME: Final = ("schema_version", "source", "coil", "position_mm")
_log = logging.getLogger(__name__)


class Shadow:
    """Scores with the candidate, which is loaded when it is first needed. Safe to call from several threads."""

    def __init__(
        self,
        source: ModelFile | RegisteredModel,
        override: Override,
        *,
        threads: int,
        camera: Camera,
        admission: Admission,
    ) -> None:
        """Take the candidate, and with what it scores: as production does."""
        self._source = source
        self._override = override
        self._threads = threads
        self._camera = camera
        self._admission = admission
        self._lock = Lock()
        self._scorer: Scorer | None = None

    def score(self, store: Store, result: Mapping[str, Any], data: bytes) -> None:
        """Score the picture of a result, and write what the candidate says. Raises nothing."""
        try:
            scorer = self._candidate()
            if scorer.sha256 != result["model"]["sha256"]:
                key = shadow_key(scorer.sha256, result["source"]["key"])
                store.put(key, results.encode(self._scored(scorer, result, data)), content_type="application/json")
        except Exception as error:  # noqa: BLE001 - whatever it is, production goes on
            _log.warning("the candidate %s did not score %s: %s", self._source, result["source"]["uri"], error)

    def _scored(self, scorer: Scorer, result: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        frame = {name: result[name] for name in _FRAME if name in result}
        try:
            return {**frame, "status": "scored", **verdict(scorer.score(data, self._camera, self._admission), scorer)}
        except SteelDefectError as error:
            if error.status >= 500:  # noqa: PLR2004 - not of the picture
                raise
            return {**frame, "status": "failed", "problem": error.problem(), "model": scorer.identity}

    def _candidate(self) -> Scorer:
        with self._lock:
            if self._scorer is None:
                self._scorer = load_model(self._source, self._override, threads=self._threads)
            return self._scorer


def shadow_key(sha256: str, key: str) -> str:
    """Where the result of a candidate for the upload `key` is."""
    return f"{FOLDER}{sha256}/{results.shortened(key, _LONGEST_KEY)}.json"
