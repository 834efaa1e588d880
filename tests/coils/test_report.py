"""`steel-defect report` on a drawn coil: pictures in, verdict and report out."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from steel_defect import coils
from steel_defect.cli import main
from steel_defect.storage import open_store
from steel_defect.uploads.results import decode, encode, result_key
from tests.coils.drawn import MM_PER_PIXEL, PERIOD_MM, DrawnCoil

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = Draft202012Validator(json.loads(Path(coils.__file__).with_name("report.schema.json").read_text("utf-8")))
TABLE = """area_bins_mm2 = [20, 40, 100]
[grade.304]
left = [10, 4, {most}, inf]
[grade.316L]
"*" = [0, 0, 0, 0]
"""


@pytest.fixture
def table(tmp_path: Path) -> Callable[[int], Path]:
    """Writes the acceptance table."""

    def write(most: int) -> Path:
        (tmp_path / "acceptance.toml").write_text(TABLE.format(most=most))
        return tmp_path / "acceptance.toml"

    return write


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def content_of(folder: Path) -> dict[str, Any]:
    content = json.loads((folder / "report.json").read_text("utf-8"))
    SCHEMA.validate(content)
    assert isinstance(content, dict)
    return content


def test_the_roll_of_a_drawn_coil_is_found(
    scored: Path, rolled: DrawnCoil, table: Callable[[int], Path], tmp_path: Path
) -> None:
    options = ("--coil", "4711", "--acceptance", table(400), "--grade", "304", "--output", tmp_path / "out")
    run = report(scored / "results", *options)
    assert run.exit_code == 0, run.output
    content = content_of(tmp_path / "out")
    (period,) = content["periods"]
    assert period["period_mm"] == pytest.approx(PERIOD_MM, rel=0.002)
    assert period["roll_diameter_mm"] == pytest.approx(600, rel=0.002)
    assert period["marks"] == pytest.approx(rolled.marks, abs=3)
    assert (period["pairs"] > 20 * period["pairs_by_chance"], period["of_the_camera"]) == (True, False)
    # Two random defects may touch, or lie on a mark.
    assert content["defects"]["counted"] == pytest.approx(rolled.marks + 30, abs=3)
    twice = ((rolled.along % 760 < 40) & (rolled.along > 760)).sum()
    assert content["defects"]["seen_twice"] == pytest.approx(twice, abs=3)
    assert twice > 3
    assert (content["decision"], content["reasons"]) == ("review", ["marks come again every 1,885 mm"])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "report.csv").read_text("utf-8-sig"))))
    assert len(rows) == content["defects"]["counted"]
    assert [float(row["along_mm"]) for row in rows] == sorted(float(row["along_mm"]) for row in rows)
    assert sum(row["period_mm"] != "" for row in rows) == period["marks"]
    first = min(rolled.along)
    assert float(rows[0]["along_mm"]) == pytest.approx(first, abs=8 * MM_PER_PIXEL)


def test_the_table_decides(scored: Path, table: Callable[[int], Path], tmp_path: Path) -> None:
    def verdict(*options: object) -> dict[str, Any]:
        run = report(scored / "results", "--coil", "4711", "--output", tmp_path / "out", *options)
        assert run.exit_code == 0, run.output
        return content_of(tmp_path / "out")

    assert verdict("--acceptance", table(400), "--grade", "304")["decision"] == "review"
    strict = verdict("--acceptance", table(40), "--grade", "304")
    assert strict["decision"] == "reject"
    assert strict["reasons"][0].endswith("left of 40 to 100 mm², at most 40 allowed")
    assert verdict("--acceptance", table(400), "--grade", "316L")["decision"] == "reject"
    assert (
        verdict("--acceptance", table(400), "--grade", "321")["reasons"][0] == "the acceptance table has no grade 321"
    )
    assert verdict("--pictures", "402")["reasons"][0] == "2 of 402 pictures are missing"


def test_the_table_may_be_where_the_results_are(scored: Path, table: Callable[[int], Path]) -> None:
    stored = scored / "results" / "coils" / "acceptance.toml"
    stored.parent.mkdir(exist_ok=True)
    table(0).rename(stored)
    try:
        run = report((scored / "results").as_uri(), "--coil", "4711", "--grade", "304", "--fail-on", "reject")
        assert (run.exit_code, "REJECT" in run.output) == (3, True)
        written = scored / "results" / "coils" / "4711"
        assert content_of(written)["decision"] == "reject"
        first = {path.name: path.read_bytes() for path in written.iterdir()}
        assert set(first) == {"report.html", "report.csv", "report.json"}
        report(scored / "results", "--coil", "4711", "--grade", "304")
        assert {path.name: path.read_bytes() for path in written.iterdir()} == first
        stored.write_text("grade = 304")
        run = report(scored / "results", "--coil", "4711")
        assert (run.exit_code, "the acceptance table has" in run.output) == (1, True)
    finally:
        stored.unlink()


def test_what_is_not_judged_shows(scored: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    taken = sorted((scored / "results" / "scores" / "line-3" / "4711").iterdir())[:20]
    for path in taken:
        (results / "scores" / "line-3" / "4711").mkdir(parents=True, exist_ok=True)
        (results / "scores" / "line-3" / "4711" / path.name).write_bytes(path.read_bytes())
    copies = sorted((results / "scores" / "line-3" / "4711").iterdir())
    copies[3].unlink()
    copies[5].write_text("{")
    found = decode(copies[7].read_bytes())
    assert found is not None
    copies[7].write_bytes(encode({**found, "decision": "review", "reasons": ["dark"]}))
    broken = decode(copies[9].read_bytes())
    assert broken is not None
    copies[9].write_bytes(encode({**broken, "defects": [{"class": "left"}]}))
    copies[13].write_bytes(encode(found))  # of another picture
    uploads = tmp_path / "uploads" / "line-3" / "4711"
    uploads.mkdir(parents=True)
    for name in [path.name.removesuffix(".json") for path in taken]:
        (uploads / name).write_bytes((scored / "uploads" / "line-3" / "4711" / name).read_bytes())
    changed = uploads / taken[11].name.removesuffix(".json")
    changed.write_bytes(changed.read_bytes() + b"\0")
    run = report(results, "--coil", "4711", "--uploads", tmp_path / "uploads", "--output", tmp_path / "out")
    assert run.exit_code == 0, run.output
    content = content_of(tmp_path / "out")
    assert content["decision"] == "review"
    # One was deleted before it had a result, one was changed since.
    assert {kind: content["pictures"][kind] for kind in ("waiting", "unreadable", "review")} == {
        "waiting": 2, "unreadable": 3, "review": 1}  # fmt: skip
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    for one in content["unjudged"]:
        assert one["key"] in page
    without = report(results, "--coil", "4711", "--output", tmp_path / "out")
    assert "1 picture missing between others" in without.output


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append(tag)
        assert not {name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}}


def test_names_of_others_are_text_everywhere(scored: Path, tmp_path: Path) -> None:
    evil = "=<img src=x onerror=alert(1)>\"&'\n"
    source = next((scored / "results" / "scores" / "line-3" / "4711").iterdir())
    found = decode(source.read_bytes())
    assert found is not None
    key = f"line-3/{evil}/=cmd|<script>_0mm.png"
    defects = [{**one, "class": "@<b>class"} for one in found["defects"]] or []
    more = {"decision": "review", "reasons": ["<i>"], "defects": defects, "model": {**found["model"], "name": "<u>"}}
    store = open_store((tmp_path / "results").as_uri())
    store.put(result_key(key), encode({**found, **more, "coil": evil, "source": {**found["source"], "key": key}}))
    run = report(tmp_path / "results", "--coil", evil, "--grade", "<s>", "--output", tmp_path / "out")
    assert run.exit_code == 0, run.output
    page = Page()
    page.feed((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert not {"img", "script", "i", "u", "s"} & set(page.tags)
    assert page.tags.count("b") == 1
    for row in csv.reader(io.StringIO((tmp_path / "out" / "report.csv").read_text("utf-8-sig"))):
        assert not any(cell.startswith(("=", "@", "+", "-")) for cell in row)
    run = report(tmp_path / "results", "--coil", evil)
    assert run.exit_code == 0, run.output
    assert len(list(store.list("coils/"))) == 3


def test_a_coil_without_pictures_is_no_report(scored: Path) -> None:
    run = report(scored / "results", "--coil", "4712")
    assert (run.exit_code, "COIL_PATTERN" in run.output) == (1, True)
    assert report("nowhere", "--coil", "4711").exit_code == 2
