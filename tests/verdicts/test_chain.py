"""From what people say over HTTP to a model that has learnt from it, on each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.storage import open_store
from steel_defect_trainer.data.layouts import open_data
from steel_defect_trainer.drawing.strip import write_folder
from tests.verdicts.test_learning import labels, run
from tests.verdicts.test_verdicts import say

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.location import Buckets
    from tests.transports import Transport

SMALL = (
    *("--set", "input.height=64", "--set", "input.width=416", "--set", "optimisation.batch=8"),
    *("--set", "optimisation.epochs=1", "--from-scratch", "--device", "cpu"),
)


def test_from_overrules_to_a_table_to_a_model(function: Transport, buckets: Buckets, tmp_path: Path) -> None:
    write_folder(tmp_path / "drawn", count=24, seed=5, processes=1)
    drawn, uploads = open_data(tmp_path / "drawn"), open_store(buckets.uploads)
    for number, picture in enumerate(drawn.pictures):
        key = f"line 3/{number // 2}/{picture.name.rpartition('/')[2]}"
        uploads.put(key, (drawn.folder / picture.name).read_bytes())
        named: list[str | None] = [drawn.class_names[index] for index in sorted(picture.classes)]
        for who, name in zip(("Anna", "Bernd"), named or [None], strict=False):
            word = {"verdict": "reject", "class": name} if name else {"verdict": "pass"}
            say(function, picture=key, who=who, **word)
    labels(buckets, tmp_path / "said")
    said = open_data(tmp_path / "said")
    assert len(said.pictures) == 24
    assert {picture.group for picture in said.pictures} == {str(coil) for coil in range(12)}
    run("train", "strip", str(tmp_path / "said"), "-o", str(tmp_path / "run"), *SMALL)
    assert "threshold" in run("evaluate", str(tmp_path / "run"))
