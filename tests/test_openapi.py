"""openapi.json is a valid OpenAPI 3.1 document, and says every path and problem there is."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

import steel_defect
from steel_defect import errors
from steel_defect.errors import SteelDefectError

if TYPE_CHECKING:
    from steel_defect.api import Api

TEXT = (Path(steel_defect.__file__).parent / "openapi.json").read_text(encoding="utf-8")
# Answered before a path is known, or met on the command line or in results only.
ELSEWHERE = {"bad-request", "not-found", "method-not-allowed", "unreadable-file", "object-gone"}


def test_the_document_is_valid() -> None:
    validate(json.loads(TEXT), cls=OpenAPIV31SpecValidator)


def test_every_route_is_in_the_document_and_no_other(probe_api: Api) -> None:
    said = {path: {method.upper() for method in item} for path, item in json.loads(TEXT)["paths"].items()}
    assert said == {path: set(methods) for path, methods in probe_api.routes.items()}


def test_every_problem_is_named() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, SteelDefectError)]
    assert len(classes) > 10
    for error in classes:
        assert error.slug in ELSEWHERE or f"`{error.slug}`" in TEXT, error


def test_the_version_is_the_packages_own() -> None:
    assert json.loads(TEXT)["info"]["version"] == steel_defect.__version__


def test_a_result_is_what_the_upload_function_writes() -> None:
    written = json.loads((Path(steel_defect.__file__).parent / "uploads" / "result.schema.json").read_text("utf-8"))
    stated = json.loads(TEXT)["components"]["schemas"]["Result"]
    assert stated == {name: value for name, value in written.items() if name not in {"$schema", "title"}}
