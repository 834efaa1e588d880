"""The command itself: every command it lists is there, and one that cannot run here says what is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from steel_defect.cli import COMMANDS, main
from steel_defect.registry import publish
from steel_defect.scorer import Scorer
from steel_defect.storage import open_store
from tests.probe_model import probe_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_that_is_listed_has_help(name: str) -> None:
    assert find_spec(COMMANDS[name][0]) is not None
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "\\b" not in result.output  # the mark of what click leaves as it is, where it was not understood
    assert name in CliRunner().invoke(main, ["--help"]).output


def test_help_of_the_trainers_commands_needs_no_pytorch() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['sklearn'] = sys.modules['matplotlib'] = None\n"
        "from click.testing import CliRunner; from steel_defect.cli import COMMANDS, main\n"
        "bad = [name for name in COMMANDS if CliRunner().invoke(main, [name, '--help']).exit_code]\n"
        "sys.exit(f'{bad}' if bad else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("missing", ["steel_defect_trainer", "torch"])
def test_training_without_the_trainers_packages_says_how_to_get_them(missing: str) -> None:
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "from click.testing import CliRunner; from steel_defect.cli import main\n"
        "result = CliRunner().invoke(main, ['train', 'strip']); print(result.output); sys.exit(result.exit_code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours
    assert result.returncode == 1
    assert "steel-defect[trainer]" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["scor", "a.jpg"], "'score'"), (["model"], "'models'"), (["models", "lits"], "'list'"), (["zzz"], None)],
)
def test_a_misspelt_command_is_told_which_is_meant(arguments: list[str], meant: str | None) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "No such command" in result.output
    assert (f"Did you mean {meant}" in result.output) == (meant is not None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "--json", "--csv", "."],
        ["upload", "--json", "--csv", "--to", "s3://a", "."],
        ["compare", "--markdown", "--json", "run"],
    ],
)
def test_two_forms_of_output_exclude_each_other(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "exclude each other" in result.output


def test_the_registry_may_stand_before_the_command_and_behind_it(tmp_path: Path) -> None:
    here, elsewhere = (f"file://{tmp_path / name}" for name in ("here", "elsewhere"))
    found = Scorer(probe_model())
    publish(open_store(here), probe_model(), who="test")
    for arguments in (["--registry", here, "list"], ["list", "--registry", here]):
        shown = CliRunner().invoke(main, ["models", *arguments], env={"MODEL_REGISTRY": elsewhere})
        assert shown.exit_code == 0
        assert found.sha256[:12] in shown.output
    assert "Missing option '--registry'" in CliRunner().invoke(main, ["models", "list"]).output


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_an_example_with_options_that_it_has(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    said = CliRunner().invoke(main, [name, "--help"], terminal_width=200).output
    examples = [line.split() for line in said.splitlines() if line.startswith(f"      steel-defect {name}")]
    assert examples
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    known = {option for one in commands for parameter in one.params for option in parameter.opts}
    assert {word for words in examples for word in words if word.startswith("-")} <= known
