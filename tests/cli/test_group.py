"""The command itself: every command it lists is there, and one that cannot run here says what is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from steel_defect.cli import COMMANDS, main


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
