"""The README on AWS: its commands need an account, so that their words are checked here, not what they do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from typing import Final

import pytest

from tests.conftest import REPOSITORY
from tests.infra.aws.conftest import sam_tool
from tests.infra.aws.template import Resolved, template

README: Final = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SECTION: Final = README.partition("## Deploy on AWS\n")[2].partition("\n## ")[0]
COMMANDS: Final = [
    part.strip()
    for block in re.findall(r"^```bash\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    for part in line.split("&&")
]

# Run in SAM CLI's own environment: the options of the commands that are its arguments, as JSON.
OPTIONS: Final = """
import json, sys
import click
from samcli.cli.main import cli

def options(words):
    command, context = cli, click.Context(cli, obj=True)  # a true one: the commands are imported
    for word in words:
        command = command.get_command(context, word)
    return [option for parameter in command.params for option in parameter.opts + parameter.secondary_opts]

print(json.dumps({words: options(words.split()) for words in sys.argv[1:]}))
"""


def test_there_is_a_command_for_each_need() -> None:
    verbs = [" ".join(command.split()[:2]) for command in COMMANDS]
    assert list(dict.fromkeys(verbs)) == [
        "sam build",
        "sam deploy",
        "aws stepfunctions",
        "aws cloudformation",
        "sam local",
        "AWS_ENDPOINT_URL=http://127.0.0.1:3001 steel-defect",
        "sam delete",
        "uv run",
    ]


def test_the_first_command_is_for_a_new_account() -> None:
    assert COMMANDS[:2] == ["sam build --config-env dev", "sam deploy --config-env dev"]


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--parameter-overrides" in command])
def test_parameters_of_commands_are_those_of_their_template(command: str) -> None:
    words = command.split()
    file = words[words.index("--template-file") + 1] if "--template-file" in words else "template.yaml"
    parameters = template(file)["Parameters"]
    given = [word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]]
    assert given
    assert set(given) <= set(parameters)
    if "deploy" in words and file != "template.yaml":  # A stack that is new: what has no default is given.
        assert {name for name, parameter in parameters.items() if "Default" not in parameter} <= set(given)


def test_the_names_of_the_outputs_are_those_that_the_stack_has() -> None:
    told = {"CameraPolicyArn", "CallerPolicyArn", "ApiFunctionName", "DomainTarget", "LoginUrl", "OperatorPoolId"}
    assert told <= set(template()["Outputs"])
    assert all(f"`{name}`" in README for name in told)


def verb(command: str) -> str:
    """What SAM CLI does: one word, or two."""
    return " ".join(word for word in command.split()[1:3] if not word.startswith("-"))


@pytest.fixture(scope="module")
def options() -> dict[str, list[str]]:
    """The options of each command of SAM CLI, read in one start, for a start takes seconds."""
    verbs = [verb(command) for command in COMMANDS if command.startswith("sam ")]
    found: dict[str, list[str]] = json.loads(sam_tool("python", "-c", OPTIONS, *verbs))
    return found


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("sam ")])
def test_sam_knows_every_option_and_every_name_exists(command: str, options: dict[str, list[str]]) -> None:
    words = command.split()
    assert {option for option in words if option.startswith("--")} <= set(options[verb(command)])
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    for option, value in pairwise(words):
        assert option != "--config-env" or value in config
        assert option not in {"--event", "--env-vars"} or (REPOSITORY / value).is_file()
    if words[1:3] == ["local", "invoke"]:
        assert words[3] in Resolved().resources


def test_the_state_machine_takes_the_input_of_the_example() -> None:
    assert '{"prefix": "line-3/"}' in next(command for command in COMMANDS if "stepfunctions" in command)


def test_parameters_and_their_defaults_are_those_of_the_template() -> None:
    parameters = template()["Parameters"]
    rows = [line.split("|") for line in SECTION.splitlines() if line.startswith("| `")]
    assert rows
    for _, names, _, defaults, _ in rows:
        # One name has one default, whatever commas are in it.
        found = re.findall(r"`(\w+)`", names)
        words = [word.strip(" `") for word in (defaults.split(",") if len(found) > 1 else [defaults])]
        for name, word in zip(found, words, strict=True):
            default = str(parameters[name].get("Default"))
            nothing = {"": {"nobody", "none"}, "0": {"none"}}.get(default, set())
            assert word in {default, *nothing} or (name, default) == ("ModelName", "")


def test_costs_are_what_the_script_computes() -> None:
    script = [sys.executable, str(REPOSITORY / "infra" / "aws" / "costs.py")]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    table, _, month = printed.partition(" \n")
    assert table in SECTION
    figures = re.findall(r"[0-9.]+$|[0-9.]+(?=,)", month.strip())
    assert len(figures) == 2
    assert all(f"({figure}" in " ".join(SECTION.split()) for figure in figures)


def test_as_many_alarms_are_paid_for_as_there_are() -> None:
    alarms = [found for found in Resolved().resources.values() if found["Type"] == "AWS::CloudWatch::Alarm"]
    anomalies = [alarm for alarm in alarms if "Metrics" in alarm["Properties"]]
    source = (REPOSITORY / "infra" / "aws" / "costs.py").read_text(encoding="utf-8")
    assert f"PLAIN_ALARMS, ANOMALY_ALARMS = {len(alarms) - len(anomalies)}, {len(anomalies)}\n" in source
    assert "the seventeen alarms" in SECTION
    assert len(alarms) == 17
