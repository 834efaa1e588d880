"""`steel-defect models`, as a person and as a program use it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from steel_defect.cli import main
from steel_defect.registry import PromotionLost
from tests.probe_model import CONTRACT, probe_model
from tests.registry.conftest import model

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.registry.conftest import Registry


def models(registry: Registry, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments], env={"MODEL_REGISTRY": registry.uri})


def test_list_promote_show_rollback_verify(registry: Registry) -> None:
    first, second = registry.first, registry.second
    promoted = models(registry, "promote", "probe", first[:10])
    assert (promoted.exit_code, promoted.stdout) == (0, f"probe: {first[:12]} is in production\n")
    models(registry, "promote", "probe", second, "--who", "bob")
    rows = json.loads(models(registry, "list", "--json").stdout)
    assert {row["sha256"]: row["production"] for row in rows} == {first: False, second: True}
    table = models(registry, "list", "probe").stdout.splitlines()
    assert table[0].split() == ["model", "version", "sha256", "published", "who", "in", "production"]
    assert [line.split()[2] for line in table[1:] if line.rstrip().endswith("yes")] == [second[:12]]
    shown = json.loads(models(registry, "show", "probe", "--json").stdout)
    assert (shown["sha256"], shown["production"]["previous"]) == (second, [first])
    assert shown["production"]["who"] == "bob"
    assert f"sha256: {first}\n" in models(registry, "show", "probe", first[:8]).stdout
    back = json.loads(models(registry, "rollback", "probe", "--json").stdout)
    assert (back["sha256"], back["previous"]) == (first, [])
    good = models(registry, "verify", "probe")
    assert (good.exit_code, good.stdout.count(": good\n")) == (0, 2)


def test_a_damaged_version_is_found_and_not_promoted(local_registry: Registry) -> None:
    sha256 = local_registry.second
    local_registry.store.put(f"models/probe/{sha256}/model.onnx", b"bit rot")
    found = models(local_registry, "verify", "probe", "--json")
    assert found.exit_code == 1
    problems = {row["sha256"]: row["problem"] for row in json.loads(found.stdout)}
    assert problems[local_registry.first] is None
    assert "damaged" in problems[sha256]
    refused = models(local_registry, "promote", "probe", sha256)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: the model file of probe/")


def test_a_rollback_to_a_version_whose_file_is_gone_says_what_to_do(registry: Registry, tmp_path: Path) -> None:
    for sha256 in (registry.first, registry.second):
        models(registry, "promote", "probe", sha256)
    registry.store.delete(f"models/probe/{registry.first}/model.onnx")
    refused = models(registry, "rollback", "probe")
    assert refused.exit_code == 1
    assert registry.first in refused.stderr
    assert "production is unchanged. Publish that file again, or promote another version" in refused.stderr
    assert json.loads(models(registry, "show", "probe", "--json").stdout)["sha256"] == registry.second
    # What it says is true.
    file = tmp_path / "model.onnx"
    file.write_bytes(model("1"))
    assert CliRunner().invoke(main, ["publish", "--registry", registry.uri, str(file)]).exit_code == 0
    assert json.loads(models(registry, "rollback", "probe", "--json").stdout)["sha256"] == registry.first


def test_a_damaged_manifest_stops_no_other_version(local_registry: Registry) -> None:
    local_registry.store.put(f"models/probe/{local_registry.second}/manifest.json", b"bit rot")
    assert models(local_registry, "promote", "probe", local_registry.first[:12]).exit_code == 0
    found = models(local_registry, "verify", "probe", "--json")
    assert [row["sha256"] for row in json.loads(found.stdout) if row["problem"]] == [local_registry.second]
    listed = models(local_registry, "list")
    assert listed.exit_code == 1
    assert f"manifest of probe/{local_registry.second} cannot be read" in listed.stderr


def test_a_lost_race_has_its_own_exit_status(local_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object, **__: object) -> None:
        message = "somebody else changed it"
        raise PromotionLost(message)

    monkeypatch.setattr("steel_defect.cli.models.promote", lose)
    assert models(local_registry, "promote", "probe", local_registry.first).exit_code == 3


def test_a_file_is_published_under_its_own_name_and_again_without_harm(
    local_registry: Registry, tmp_path: Path, probe_file: Path
) -> None:
    arguments = ["publish", "--registry", local_registry.uri, "--who", "bob", str(probe_file)]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    assert first.stdout.strip() == hashlib.sha256(probe_file.read_bytes()).hexdigest()
    assert CliRunner().invoke(main, arguments).stdout == first.stdout
    notes = tmp_path / "notes.onnx"
    notes.write_text("no model")
    refused = CliRunner().invoke(main, ["publish", "--registry", local_registry.uri, str(notes)])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: the model file cannot be loaded")


def test_help_needs_no_registry_and_work_does() -> None:
    environment = {"MODEL_REGISTRY": None}
    assert CliRunner().invoke(main, ["models", "promote", "--help"], env=environment).exit_code == 0
    missing = CliRunner().invoke(main, ["models", "list"], env=environment)
    assert missing.exit_code == 2
    assert "--registry" in missing.stderr


def test_mistakes_are_said_in_one_line(local_registry: Registry) -> None:
    for arguments, reason in (
        (("promote", "probe", "ffff"), "no version"),
        (("promote", "probe", ""), "2 versions"),
        (("rollback", "probe"), "no version before any"),
        (("show", "probe"), "nothing is in production"),
        (("verify", "other"), "no version of other"),
        (("--registry", "ftp://x", "list"), "write memory://name"),
    ):
        result = models(local_registry, *arguments)
        assert result.exit_code == 1, arguments
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert CliRunner().invoke(main, ["models", "list"], env={"MODEL_REGISTRY": ""}).exit_code == 2


def test_of_an_export_the_int8_file_is_published_only_if_it_decides_as_the_float_one(
    local_registry: Registry, tmp_path: Path
) -> None:
    def export(name: str, *, holds: bool) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.onnx").write_bytes(probe_model(replace(CONTRACT, version=f"{name}-float")))
        metrics = {"int8_against_float": {"holds": holds}}
        (folder / "model-int8.onnx").write_bytes(
            probe_model(replace(CONTRACT, version=f"{name}-int8", metrics=metrics))
        )
        return folder

    def published(path: Path) -> Result:
        return CliRunner().invoke(main, ["publish", "--registry", local_registry.uri, str(path)])

    close, far = export("close", holds=True), export("far", holds=False)
    for folder, chosen in ((close, "model-int8.onnx"), (far, "model.onnx")):
        result = published(folder)
        assert result.exit_code == 0, result.output
        assert result.stdout.strip() == hashlib.sha256((folder / chosen).read_bytes()).hexdigest()
        assert f"{folder / chosen} is published" in result.stderr
    refused = published(far / "model-int8.onnx")
    assert refused.exit_code == 1
    assert f"publish {far / 'model.onnx'}" in " ".join(refused.output.split())
    assert published(tmp_path).exit_code == 1
