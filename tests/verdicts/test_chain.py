"""From what people say over HTTP to a model that has learnt from it, on each kind of store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steel_defect.storage import open_store
from steel_defect.verdicts.exported import read_export
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.drawing.strip import write_folder
from tests.verdicts.test_learning import labels, run, table
from tests.verdicts.test_verdicts import say

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.location import Buckets
    from tests.transports import Transport

SMALL = (
    *("--set", "input.height=64", "--set", "input.width=416", "--set", "optimisation.batch=8"),
    *("--set", "optimisation.epochs=1", "--from-scratch", "--device", "cpu"),
)


def decided(key: str, class_name: str) -> dict[str, object]:
    """A picture as the page exports it."""
    return {
        "file": key,
        "operator_decision": "reject" if class_name else "pass",
        "operator_class": class_name,
        "operator_time": "2026-01-31T14:05:00.123Z",
        "operator_name": "Anna",
        "operator_note": "",
        "model": "probe",
        "model_version": "1",
        "model_sha256": "ab" * 32,
    }


def test_from_overrules_to_a_table_to_a_model(function: Transport, buckets: Buckets, tmp_path: Path) -> None:
    write_folder(tmp_path / "drawn", count=24, seed=5, processes=1)
    drawn, uploads = open_data(tmp_path / "drawn"), open_store(buckets.uploads)
    rows = []
    for number, picture in enumerate(drawn.pictures):
        key = f"line 3/{number // 2}/{picture.name.rpartition('/')[2]}"
        uploads.put(key, (drawn.folder / picture.name).read_bytes())
        rows.append(decided(key, drawn.class_names[min(picture.classes)] if picture.classes else ""))
    export = tmp_path / "shift.json"
    export.write_text(json.dumps({"pictures": rows}))
    for verdict in read_export(export):  # The page says the same over HTTP.
        when, named = verdict.when.isoformat(), {"class": verdict.class_name}
        say(function, picture=verdict.picture, verdict=verdict.word, who=verdict.who, when=when, **named)
    other = next(row for row in rows if row["operator_class"])
    say(function, picture=other["file"], verdict="reject", who="Bernd", **{"class": "dents"})
    labels(buckets, tmp_path / "said")
    run("labels", str(export), "--uploads", str(buckets.uploads), "-o", str(tmp_path / "exported"))
    by_anna, by_both = (
        {(row["picture"], row["label"]) for row in table(tmp_path / folder / "labels.csv")}
        for folder in ("exported", "said")
    )
    assert len(by_anna) == 24
    assert by_both == {*by_anna, (other["file"], "dents")}
    said = open_data(tmp_path / "said")
    assert len(said.pictures) == 24
    assert {picture.group for picture in said.pictures} == {str(coil) for coil in range(12)}
    run("train", "strip", str(tmp_path / "said"), "-o", str(tmp_path / "run"), *SMALL)
    assert "threshold" in run("evaluate", str(tmp_path / "run"))
