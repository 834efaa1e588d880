"""What a model may be called is the same wherever it is said: registry, command line, each deployment."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.model_uri import NAME, parse_model_uri
from tests.conftest import REPOSITORY
from tests.infra.aws.template import template


@pytest.mark.parametrize("file", ["template.yaml", "infra/aws/trainer.yaml"])
def test_the_templates_take_a_name_of_the_registry_or_none(file: str) -> None:
    parameter = template(file)["Parameters"]["ModelName"]
    assert parameter["AllowedPattern"] == f"^({NAME})?$"


@pytest.mark.parametrize(("file", "variable"), [("variables.tf", "var.model"), ("trainer.tf", "var.training.model")])
def test_terraform_does(file: str, variable: str) -> None:
    text = (REPOSITORY / "infra" / "gcp" / file).read_text(encoding="utf-8")
    assert f'can(regex("^{NAME}$", {variable}))' in text


@pytest.mark.parametrize(("name", "taken"), [("m" * 63, True), ("m" * 64, False), ("Strip", False), ("-m", False)])
def test_export_and_settings_do(name: str, *, taken: bool) -> None:
    run = CliRunner().invoke(main, ["export", "no-such-run", "--name", name])
    assert ("cannot be a name in a registry" in run.output) == (not taken)
    assert bool(re.fullmatch(NAME, name)) == taken
    if taken:
        assert parse_model_uri(f"s3://bucket/models/{name}")
    else:
        with pytest.raises(ValueError, match="names no model"):
            parse_model_uri(f"s3://bucket/models/{name}")
