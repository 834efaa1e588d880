"""The program of both adapters: assembled once, however many requests come first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest

from steel_defect.app import App
from steel_defect.serving import ModelSource
from steel_defect.settings import Settings, SettingsError, settings_from
from steel_defect.uploads.refs import ObjectRef

if TYPE_CHECKING:
    from steel_defect.log_line import Line

_names = count()


def settings() -> Settings:
    number = next(_names)
    places = {"UPLOADS_URI": f"memory://app-uploads-{number}", "RESULTS_URI": f"memory://app-results-{number}"}
    return settings_from(places)


def test_several_first_uploads_at_once_share_one_processor() -> None:
    asked: list[Settings] = []
    app = App(ModelSource(settings()), asked.append)  # `append` gives None: nothing is published
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: app.processor(), range(64)))
    assert len(set(map(id, found))) == 1
    assert asked == [app.settings]


def test_the_first_call_alone_is_a_cold_start() -> None:
    app = App(ModelSource(settings()), lambda _: None)
    assert [app.take_cold_start() for _ in range(3)] == [True, False, False]


def test_without_buckets_an_upload_is_an_error_with_its_line() -> None:
    lines: list[Line] = []
    app = App(ModelSource(settings_from({})), lambda _: None)
    with pytest.raises(SettingsError, match="set UPLOADS_URI and RESULTS_URI"):
        app.score_upload(ObjectRef("s3", "bucket", "a.jpg", order="1"), lines.append)
    assert [(line.level, line.message) for line in lines] == [("ERROR", "upload error")]
