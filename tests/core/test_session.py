"""A session that is opened ahead is the one that serves, and what is wrong with a file is said where it is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steel_defect import session
from steel_defect.errors import ModelUnavailable
from steel_defect.scorer import Scorer
from steel_defect.serving import ModelSource
from steel_defect.settings import BUNDLED_MODEL, settings_from
from tests.conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path


def test_a_session_that_was_opened_ahead_serves_once_and_scores_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    plainly = session._opened  # noqa: SLF001 - to count how often a file is read

    def counted(model: bytes | Path, threads: int) -> object:
        opened.append(model)
        return plainly(model, threads)

    monkeypatch.setattr(session, "_opened", counted)
    picture = (SAMPLES / "scratch.jpg").read_bytes()
    models = ModelSource(settings_from({}))
    models.begin()
    ahead = models().score(picture)
    assert opened == [BUNDLED_MODEL]
    assert Scorer(BUNDLED_MODEL, threads=models.settings.threads).score(picture).defect_prob == ahead.defect_prob
    assert len(opened) == 2


def test_a_file_that_cannot_be_loaded_is_an_error_of_the_first_call_and_of_the_next(tmp_path: Path) -> None:
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes(b"no model")
    models = ModelSource(settings_from({"MODEL_URI": str(damaged)}))
    models.begin()  # as a start does, which serves health and documentation without a model too
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="cannot be loaded"):
            models()
    damaged.write_bytes(BUNDLED_MODEL.read_bytes())
    assert models().contract.name == "strip-mobilenetv2"


def test_a_model_of_a_registry_is_not_opened_ahead(tmp_path: Path) -> None:
    ModelSource(settings_from({"MODEL_URI": f"file://{tmp_path}/models/strip"})).begin()
    assert not session._ahead  # noqa: SLF001 - nothing else tells
