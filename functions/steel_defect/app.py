"""The program that both adapters run: the HTTP interface and uploads, made of the models and their settings."""

from __future__ import annotations

from functools import cached_property, partial
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any

from steel_defect import log_line
from steel_defect.admission import Admission
from steel_defect.api import Api
from steel_defect.observation import observed

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.log_line import Line
    from steel_defect.serving import ModelSource
    from steel_defect.settings import Settings
    from steel_defect.storage import Store
    from steel_defect.uploads.processor import UploadProcessor
    from steel_defect.uploads.refs import ObjectRef
    from steel_defect.uploads.signed import SignedUploads
    from steel_defect.verdicts.kept import Verdicts

    Afterwards = Callable[[Store, dict[str, Any], bytes], object]
    Publish = Callable[[dict[str, Any]], None]


class App:
    """One function in one process. Safe to use from several threads; nothing is loaded before it is used.

    Attributes:
        settings: of the models, and of all else.
        models: gives the model that serves.
        admission: bounds how many pictures are scored at a time, by their size.
        api: answers HTTP requests.
    """

    def __init__(self, models: ModelSource, publisher: Callable[[Settings], Publish | None]) -> None:
        """Take the models, and what makes the function that publishes outcomes: None to publish none."""
        self.settings = settings = models.settings
        self.models = models
        self.admission = Admission(settings.memory_bytes)
        self.api = Api(
            self.models,
            self.models.state,
            lambda: self._signed_uploads,
            settings.camera,
            self.admission,
            verdicts=lambda: self._verdicts,
            origins=settings.allowed_origins,
        )
        self._publisher = publisher
        self._lock = Lock()
        self._processor: UploadProcessor | None = None
        self._calls = count()

    def take_cold_start(self) -> bool:
        """Whether this is the first call in this process: True once."""
        return next(self._calls) == 0

    def score_upload(self, ref: ObjectRef, write: Callable[[Line], None]) -> None:
        """Score one upload, and write its line however that ends.

        Raises:
            SettingsError: there are no buckets.
            Exception: as `UploadProcessor.process`; the upload has to be tried again.
        """
        with observed() as seen:
            try:
                outcome = self.processor().process(ref)
            except Exception as error:
                write(log_line.of_upload(seen, ref.uri, ref.version, error))
                raise
            write(log_line.of_upload(seen, ref.uri, ref.version, outcome.value))

    def processor(self) -> UploadProcessor:
        """The processor of uploads, made once: it bounds how many pictures are scored at the same time.

        Raises:
            SettingsError: there are no buckets.
        """
        with self._lock:
            if self._processor is None:
                from steel_defect.uploads.processor import UploadProcessor  # the HTTP interface never needs it

                self._processor = UploadProcessor(
                    self.models,
                    self.settings.require_buckets(),
                    self._publisher(self.settings),
                    camera=self.settings.camera,
                    admission=self.admission,
                    ignored_suffixes=self.settings.ignored_suffixes,
                    coil_pattern=self.settings.coil_pattern,
                    afterwards=self._afterwards(),
                )
            return self._processor

    def _afterwards(self) -> Afterwards | None:
        """What is done with each upload once its result is told: it is kept for people, scored by a candidate."""
        settings = self.settings
        steps: list[Afterwards] = []
        if settings.capturing.daily:
            from steel_defect.uploads.capture import keep

            steps.append(partial(keep, settings.capturing))
        if settings.shadow is not None:
            from steel_defect.uploads.shadow import Shadow

            shadow = Shadow(
                settings.shadow,
                settings.override,
                threads=settings.threads,
                camera=settings.camera,
                admission=self.admission,
            )
            steps.append(shadow.score)
        return (lambda *result: [step(*result) for step in steps]) if steps else None

    @cached_property
    def _signed_uploads(self) -> SignedUploads | None:
        from steel_defect.uploads.signed import signed_uploads  # no prediction needs it

        return signed_uploads(self.settings)

    @cached_property
    def _verdicts(self) -> Verdicts | None:
        from steel_defect.verdicts.kept import Verdicts  # no prediction needs it

        return None if self.settings.buckets is None else Verdicts(self.settings.buckets.results)
