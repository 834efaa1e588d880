"""The environment decides which model is served and with how many threads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from steel_defect import machine
from steel_defect.model_uri import ModelFile, RegisteredModel
from steel_defect.settings import BUNDLED_MODEL, SettingsError, settings_from

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _eight_processors_without_quota(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUPS", tmp_path / "none")


@pytest.mark.parametrize(
    ("megabytes", "threads"), [("128", 1), ("1024", 1), ("1769", 1), ("3008", 1), ("3538", 2), ("10240", 5)]
)
def test_lambda_gives_processors_by_memory(megabytes: str, threads: int) -> None:
    assert settings_from({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": megabytes}).threads == threads


@pytest.mark.parametrize(
    ("quota", "threads"), [("29000 100000", 1), ("100000 100000", 1), ("200000 100000", 2), ("max 100000", 8)]
)
def test_a_container_quota_is_kept(tmp_path: Path, quota: str, threads: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert settings_from({}).threads == threads


def test_all_processors_where_nothing_limits_them() -> None:
    assert settings_from({}).threads == 8


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("", {}, None),
        ("", {"memory.max": "max"}, None),
        ("", {"memory.max": "2147483648"}, 2147483648),
        ("0::/app", {"memory.max": "2147483648", "app/memory.max": "1073741824"}, 1073741824),
        ("4:memory:/app", {"memory/app/memory.limit_in_bytes": "1073741824"}, 1073741824),
        ("4:memory:/", {"memory/memory.limit_in_bytes": str(2**63 - 4096)}, None),
    ],
)
def test_a_container_limit_of_memory_is_known(
    tmp_path: Path, groups: str, files: dict[str, str], expected: int | None
) -> None:
    (tmp_path / "none").write_text(groups)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert settings_from({}).memory_bytes == expected


def test_a_stated_number_of_threads_wins() -> None:
    assert settings_from({"MODEL_THREADS": "3", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}).threads == 3


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²"])
def test_a_number_of_threads_that_cannot_be_meant(value: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_THREADS"):
        settings_from({"MODEL_THREADS": value})


def test_the_bundled_model_unless_another_is_named() -> None:
    assert settings_from({}).model == ModelFile(str(BUNDLED_MODEL))
    assert settings_from({"MODEL_URI": "/models/ours.onnx"}).model == ModelFile("/models/ours.onnx")
    assert settings_from({"MODEL_URI": "s3://b/ours.onnx"}).model == ModelFile("s3://b/ours.onnx")


def test_a_model_of_a_registry() -> None:
    alias, version = "s3://bucket/a/models/strip", f"gs://bucket/models/strip/{'0a' * 32}"
    assert settings_from({"MODEL_URI": alias}).model == RegisteredModel(alias, "s3://bucket/a", "strip", None)
    assert settings_from({"MODEL_URI": version}).model == RegisteredModel(version, "gs://bucket", "strip", "0a" * 32)


@pytest.mark.parametrize(
    "uri", ["s3://bucket/strip", "s3://bucket/models/Strip", "s3://models/strip/0a", "s3://b/models/"]
)
def test_a_model_uri_that_names_no_model(uri: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_URI"):
        settings_from({"MODEL_URI": uri})


@pytest.mark.parametrize("value", ["1.1", "-1", "soon", "nan", "inf"])
def test_a_sample_rate_that_cannot_be_meant(value: str) -> None:
    with pytest.raises(SettingsError, match="LOG_SAMPLE_RATE"):
        settings_from({"LOG_SAMPLE_RATE": value})


def test_how_much_is_logged() -> None:
    assert settings_from({}).log_sample_rate == 0.1
    assert settings_from({"LOG_SAMPLE_RATE": "0"}).log_sample_rate == 0


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_a_refresh_that_cannot_be_meant(value: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_REFRESH_SECONDS"):
        settings_from({"MODEL_REFRESH_SECONDS": value})


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"UPLOADS_URI": "s3://one"}, "go together"),
        ({"RESULTS_URI": "s3://one"}, "go together"),
        ({"UPLOADS_URI": "s3://one/a", "RESULTS_URI": "s3://one/b"}, "use another bucket"),
        ({"UPLOADS_URI": "uploads", "RESULTS_URI": "s3://one"}, "'uploads' is not the URI of a store"),
    ],
)
def test_buckets_that_make_no_sense_end_the_start(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        settings_from(environment)


def test_a_program_of_no_use_without_buckets_says_which_variables_to_set() -> None:
    with pytest.raises(SettingsError, match="set UPLOADS_URI and RESULTS_URI"):
        settings_from({}).require_buckets()
