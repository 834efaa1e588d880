"""From what people say over HTTP to a table to train on, and to the precision and recall of a period."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pytest
from click.testing import CliRunner

from steel_defect.cli import main
from steel_defect.serving import FixedModel
from steel_defect.storage import open_store
from steel_defect.uploads.lot import lot_of
from steel_defect.uploads.processor import UploadProcessor
from steel_defect.uploads.refs import ObjectRef
from steel_defect.uploads.results import result_key
from steel_defect.verdicts.exported import read_export
from steel_defect_trainer.data.layouts import open_data
from tests.conftest import SAMPLES
from tests.pictures import encoded, gray
from tests.verdicts.test_verdicts import say

if TYPE_CHECKING:
    from pathlib import Path

    from steel_defect.location import Buckets
    from steel_defect.scorer import Scorer
    from tests.transports import Transport


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status, result.output
    return result.output


def put(buckets: Buckets, key: str, data: bytes) -> None:
    open_store(buckets.uploads).put(key, data)


def labels(buckets: Buckets, folder: Path, status: int = 0) -> str:
    return run("labels", str(buckets.results), "--uploads", str(buckets.uploads), "-o", str(folder), status=status)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_people_say_becomes_a_table_to_train_on(function: Transport, buckets: Buckets, tmp_path: Path) -> None:
    for path in SAMPLES.glob("*.jpg"):
        put(buckets, f"line 3/{4711 + (path.stem > 'd')}/{path.name}", path.read_bytes())
    put(buckets, "line 3/4713/again.jpg", (SAMPLES / "crack.jpg").read_bytes())
    put(buckets, "notes.txt", b"no picture")

    def by(who: str, key: str, verdict: str, **fields: str) -> None:
        say(function, picture=key, verdict=verdict, who=who, **fields)

    by("Anna", "line 3/4711/clean-water-stain.jpg", "reject")
    by("Anna", "line 3/4711/clean-water-stain.jpg", "pass")
    by("Anna", "line 3/4711/clean-dark-edge.jpg", "reject", **{"class": "dents"})
    by("Bernd", "line 3/4711/clean-dark-edge.jpg", "pass")
    by("Anna", "line 3/4711/crack.jpg", "reject", **{"class": "Cracks"})
    by("Bernd", "line 3/4713/again.jpg", "reject", **{"class": "cracks"})
    by("Anna", "line 3/4712/pits.jpg", "reject", **{"class": "pits"})
    by("Bernd", "line 3/4712/pits.jpg", "reject", **{"class": "scratches"})
    by("Bernd", "line 3/4712/scratch.jpg", "reject")
    by("Anna", "line 3/4712/scale-patch.jpg", "reject")
    by("Anna", "line 3/4712/scale-patch.jpg", "withdrawn")
    by("Anna", "gone.jpg", "pass")
    by("Anna", "notes.txt", "pass")
    shown = labels(buckets, tmp_path / "said")
    rows = {
        (row["picture"].rpartition("/")[2], row["label"], row["group"]) for row in table(tmp_path / "said/labels.csv")
    }
    assert rows == {
        ("clean-water-stain.jpg", "clean", "4711"),
        ("crack.jpg", "Cracks", "4711"),
        ("pits.jpg", "pits", "4712"),
        ("pits.jpg", "scratches", "4712"),
        ("scratch.jpg", "defect", "4712"),
    }
    left_out = {row["picture"]: row["reason"] for row in table(tmp_path / "said" / "left-out.csv")}
    assert left_out == {
        "gone.jpg": "it is not there any more",
        "line 3/4711/clean-dark-edge.jpg": "people differ (Anna: reject, Bernd: pass)",
        "notes.txt": "it is no picture",
    }
    assert "left out: 3 pictures" in shown
    data = open_data(tmp_path / "said")
    assert data.class_names == ("Cracks", "defect", "pits", "scratches")
    assert len(data.pictures) == 4
    assert "has a labels.csv already" in labels(buckets, tmp_path / "said", status=2)


def test_a_picture_that_was_replaced_is_not_learnt_from(core: Transport, buckets: Buckets, tmp_path: Path) -> None:
    put(buckets, "a.jpg", (SAMPLES / "crack.jpg").read_bytes())
    old = open_store(buckets.uploads).head("a.jpg").version
    say(core, picture="a.jpg", verdict="reject", who="Anna", version=old)
    say(core, picture="a.jpg", verdict="reject", who="Bernd")
    # Cloud Storage and S3 tell whole seconds and less of when an object was written.
    verdicts = open_store(buckets.results)
    for info in list(verdicts.list("verdicts/")):
        said = json.loads(verdicts.get(info.key).data)
        said["received"] = said["when"] = "2026-01-01T00:00:00+00:00"
        verdicts.put(info.key, json.dumps(said).encode())
    put(buckets, "a.jpg", (SAMPLES / "clean-dark-edge.jpg").read_bytes())
    shown = labels(buckets, tmp_path / "said", status=0 if old else 1)
    reasons = [row["reason"] for row in table(tmp_path / "said" / "left-out.csv")]
    assert reasons == ["it was replaced after somebody looked at it, and they did not say at which version"]
    files = [tmp_path / "said" / row["file"] for row in table(tmp_path / "said" / "labels.csv")]
    assert [file.read_bytes() for file in files] == [(SAMPLES / "crack.jpg").read_bytes()] * (old is not None)
    assert "nobody said anything" in shown or old


def score(buckets: Buckets, probe: Scorer, pictures: dict[str, int]) -> dict[str, Any]:
    """Results of pictures of one gray each, which decides."""
    processor = UploadProcessor(FixedModel(probe), buckets)
    store, found = open_store(buckets.uploads), {}
    for key, value in pictures.items():
        info = store.put(key, encoded(gray(np.full((256, 1600), value, np.uint8)), "PNG"))
        root = buckets.uploads.root
        ref = ObjectRef(
            cast("Literal['s3', 'gs', 'file']", root.scheme), root.bucket, key, "01", info.version, info.size, info.tag
        )
        processor.process(ref)
        found[key] = json.loads(open_store(buckets.results).get(result_key(key)).data)
    return found


def quality(buckets: Buckets, *options: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run("quality", str(buckets.results), "--json", *options))
    return content


def test_the_quality_of_a_period_knows_what_was_looked_at(core: Transport, buckets: Buckets, probe: Scorer) -> None:
    grays = {f"{number}.png": 230 if number < 4 else 20 for number in range(12)}
    found = score(buckets, probe, grays)
    assert [found[key]["decision"] for key in ("0.png", "11.png")] == ["reject", "pass"]
    for key in ("0.png", "1.png", "2.png"):
        say(core, picture=key, verdict="reject", who="Anna", version=found[key]["source"]["version"])
    say(core, picture="3.png", verdict="pass", who="Anna")
    nobody = quality(buckets)
    assert nobody["precision"] == {"low": 0.75, "high": 0.75, "likely": 0.75}
    assert nobody["recall"] == {"low": 3 / 11, "high": 1.0, "likely": None}
    assert "nobody looked at a picture that was passed" in run("quality", str(buckets.results))
    say(core, picture="11.png", verdict="reject", who="Anna")
    assert quality(buckets)["recall"] == {"low": 3 / 11, "high": 0.75, "likely": None}
    for number in range(4, 11):
        say(core, picture=f"{number}.png", verdict="pass", who="Bernd")
    assert quality(buckets)["recall"] == {"low": 0.75, "high": 0.75, "likely": 0.75}
    say(core, picture="0.png", verdict="pass", who="Bernd", version=found["0.png"]["source"]["version"])
    differing = quality(buckets)
    assert differing["people_differ"] == 1
    assert (differing["precision"]["low"], differing["precision"]["high"]) == (0.5, 0.75)
    shown = run("quality", str(buckets.results), "--since", "2020-01-01")
    assert re.search(r"precision: between 50.0% and 75.0%", shown)
    assert "no result in that period" in run("quality", str(buckets.results), "--since", "2999-01-01", status=1)


@pytest.mark.parametrize("scheme", ["file"], indirect=True)
def test_pictures_that_were_drawn_say_something_of_the_others(core: Transport, buckets: Buckets, probe: Scorer) -> None:
    found = score(buckets, probe, {f"{number}.png": 20 for number in range(60)} | {"bad.png": 230})
    say(core, picture="bad.png", verdict="reject", who="Anna")
    drawn = [key for key, result in found.items() if lot_of(result["source"]) < 0.5 and key != "bad.png"]
    assert 15 < len(drawn) < 45
    for key in drawn:
        say(core, picture=key, verdict="pass", who="Anna")
    assert quality(buckets)["recall"]["low"] == pytest.approx(1 / (1 + 60 - len(drawn)))
    by_chance = quality(buckets, "--random", "0.5")
    assert by_chance["decisions"]["pass"]["drawn_looked"] == len(drawn)
    assert by_chance["recall"]["low"] > 2 / (1 + 60 - len(drawn))
    assert by_chance["recall"]["likely"] == 1.0


def test_what_the_page_exports_goes_the_same_way(tmp_path: Path) -> None:
    """In the form of the page's own export, which tests/page makes in a browser."""
    pictures = [
        {"file": "line 3/crack.jpg", "operator_decision": "reject", "operator_class": "cracks"},
        {"file": "line 3/clean-dark-edge.jpg", "operator_decision": "pass", "operator_class": ""},
        {"file": "line 3/pits.jpg", "operator_decision": "", "operator_class": ""},
    ]
    (tmp_path / "line 3").mkdir()
    for path in SAMPLES.glob("*.jpg"):
        (tmp_path / "line 3" / path.name).write_bytes(path.read_bytes())
    decided = [{**picture, "operator_time": "2026-01-31T14:05:00.123Z", "defect_prob": 0.5} for picture in pictures]
    export = tmp_path / "steel-defect 2026-01-31.json"
    export.write_text(json.dumps({"exported": "2026-01-31T15:00:00.000Z", "pictures": decided}))
    shown = run("labels", str(export), "--uploads", str(tmp_path), "-o", str(tmp_path / "said"))
    assert "1 clean\n1 cracks\n" in shown
    assert {verdict.who for verdict in read_export(export)} == {"steel-defect 2026-01-31"}
    whole = decided[0] | {
        "operator_name": "Anna",
        "operator_note": "beside\nthe edge",
        "model": "probe",
        "model_version": "1",
        "model_sha256": "ab" * 32,
    }
    (tmp_path / "whole.json").write_text(json.dumps({"pictures": [whole]}))
    (verdict,) = read_export(tmp_path / "whole.json")
    assert (verdict.who, verdict.note) == ("Anna", "beside\nthe edge")
    assert verdict.model == {"name": "probe", "version": "1", "sha256": "ab" * 32}
    assert {row["label"] for row in table(tmp_path / "said" / "labels.csv")} == {"clean", "cracks"}
    export.write_text('{"pictures": [{"file": "a.jpg", "operator_decision": "maybe"}]}')
    arguments = ("labels", str(export), "--uploads", str(tmp_path), "-o", str(tmp_path / "other"))
    assert "verdict must be one of" in run(*arguments, status=1)
    export.write_text("[]")
    assert "is not what the page exports" in run(*arguments, status=1)
