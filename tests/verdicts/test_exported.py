"""What the page exports, as verdicts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steel_defect.verdicts.exported import read_export

if TYPE_CHECKING:
    from pathlib import Path


def test_an_export_is_the_word_of_its_operator_or_else_of_whom_the_file_is_named_after(tmp_path: Path) -> None:
    path = tmp_path / "shift B.json"
    said = {"file": "a.png", "operator_decision": "reject", "operator_class": "pits", "operator_time": ""}
    named = {**said, "file": "b.png", "operator_name": "Anna", "operator_note": "near the edge"}
    path.write_text(json.dumps({"pictures": [said, named, {"file": "c.png", "operator_decision": ""}]}))
    found = [(verdict.who, verdict.picture, verdict.class_name, verdict.note) for verdict in read_export(path)]
    assert found == [("shift B", "a.png", "pits", ""), ("Anna", "b.png", "pits", "near the edge")]
