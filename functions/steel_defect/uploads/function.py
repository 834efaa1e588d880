"""The processor of an upload function, as its environment describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steel_defect.settings import SettingsError, load_settings
from steel_defect.uploads.processor import UploadProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.uploads.processor import Models


def upload_processor(models: Models, publish: Callable[[dict[str, Any]], None] | None) -> UploadProcessor:
    """Put the processor together; see `UploadProcessor`.

    Raises:
        SettingsError: `RESULTS_URI` and `UPLOADS_URI` are not set.
    """
    settings = load_settings()
    if settings.uploads_uri is None or settings.results_uri is None:
        message = "set RESULTS_URI and UPLOADS_URI: this function does not know where results go"
        raise SettingsError(message)
    return UploadProcessor(
        models, settings.uploads_uri, settings.results_uri, publish, ignored_suffixes=settings.ignored_suffixes
    )
