"""The processor of an upload function, as its environment describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steel_defect.settings import SettingsError, load_settings
from steel_defect.uploads.processor import UploadProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.scorer import Scorer


def upload_processor(scorer: Callable[[], Scorer], publish: Callable[[dict[str, Any]], None] | None) -> UploadProcessor:
    """Put the processor together; see `UploadProcessor`.

    Raises:
        SettingsError: `RESULTS_URI` and `UPLOADS_URI` are not set.
    """
    results_uri = load_settings().results_uri
    if results_uri is None:
        message = "set RESULTS_URI and UPLOADS_URI: this function does not know where results go"
        raise SettingsError(message)
    return UploadProcessor(scorer, results_uri, publish)
