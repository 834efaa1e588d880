"""A mill's own server: uploads, results and the registry in folders, by the commands that serve the clouds."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from steel_defect.cli import main
from tests.conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_pictures_go_through_folders_as_through_buckets(tmp_path: Path) -> None:
    uploads, results = (f"{tmp_path.as_uri()}/{name}" for name in ("uploads", "results"))
    run("upload", str(SAMPLES), "--to", uploads, "--no-wait")
    assert "6 scored" in run("score", uploads, "--results", results)
    assert "6 had a result" in run("score", uploads, "--results", results)
    (tmp_path / "uploads" / "crack.jpg").write_bytes((SAMPLES / "clean-dark-edge.jpg").read_bytes())
    (tmp_path / "uploads" / "crack.jpg.part").write_bytes(b"half")
    again = run("score", uploads, "--results", results)
    assert "1 scored" in again
    assert "1 ignored" in again
    result = json.loads((tmp_path / "results" / "scores" / "crack.jpg.json").read_text())
    assert result["decision"] == "pass"
    assert len(list((tmp_path / "results" / "history").rglob("*.json"))) == 1


def test_the_registry_is_a_folder_too_and_a_backfill_names_its_model(
    tmp_path: Path, probe_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steel_defect.settings import load_settings  # noqa: PLC0415 - cached: this test has settings of its own

    registry, uploads, results = (f"{tmp_path.as_uri()}/{name}" for name in ("models", "uploads", "results"))
    sha256 = hashlib.sha256(probe_file.read_bytes()).hexdigest()
    run("publish", str(probe_file), "--registry", registry)
    run("models", "--registry", registry, "promote", "probe", sha256)
    run("upload", str(SAMPLES), "--to", uploads, "--no-wait")
    monkeypatch.setenv("MODEL_URI", f"{registry}/models/probe")
    load_settings.cache_clear()
    try:
        assert f"6 objects, by probe 1 ({sha256[:12]})" in run("score", uploads, "--results", results)
        monkeypatch.setenv("MODEL_URI", f"{tmp_path.as_uri()}/nothing/models/probe")
        load_settings.cache_clear()
        refused = CliRunner().invoke(main, ["score", uploads, "--results", results])
        assert refused.exit_code == 1
        assert "does not say what is in production" in refused.output
    finally:
        load_settings.cache_clear()
