"""A command catches every error of the trainer by one class."""

from __future__ import annotations

import ast
from pathlib import Path

import steel_defect_trainer
from steel_defect_trainer import errors


def test_every_error_of_the_trainer_is_in_one_tree() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(classes) == 11
    assert all(issubclass(error, errors.TrainerError) for error in classes)


def test_no_other_module_defines_an_error() -> None:
    package = Path(steel_defect_trainer.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and path.name != "errors.py":
                assert not any("Error" in ast.unparse(base) for base in node.bases), f"{path}: {node.name}"
