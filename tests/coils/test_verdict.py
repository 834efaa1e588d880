"""The verdict of a coil: by the table, and never better than what is not judged allows."""

from __future__ import annotations

from typing import Any

import pytest

from steel_defect.coils.acceptance import Acceptance, AcceptanceError, read_acceptance
from steel_defect.coils.summary import summary_of
from steel_defect.coils.tally import Tally
from steel_defect.coils.verdict import Coil
from steel_defect.place import Place
from tests.coils.made import FAILED, defect, result, tallied

TABLE = read_acceptance(b"area_bins_mm2 = [20, 40]\n[grade.304]\npits = [2, 1, 0]\nwater = [inf, inf, inf]\n")
# 8 px and 12 px squares of 0.5 mm.
SMALL, MIDDLE = defect(10, 10, 8), defect(100, 10, 12)
UNSIZED = defect(10, 10, 8, mm=None)
# Of a model that tells no defects apart.
WHOLE = result(masks=False, decision="reject")


def judged(
    *pictures: dict[str, Any], table: Acceptance | None = TABLE, coil: Coil | None = None
) -> tuple[str, tuple[str, ...]]:
    """Decision and reasons for pictures in a row."""
    tally = tallied(*((index * 800.0, picture) for index, picture in enumerate(pictures)))
    verdict = summary_of(coil or Coil("4711"), tally, table).verdict
    return verdict.decision.value, verdict.reasons


@pytest.mark.parametrize(
    ("pictures", "decision", "reason"),
    [
        ([result()], "pass", ""),
        ([result(SMALL), result(SMALL, MIDDLE)], "pass", ""),
        ([result(SMALL, defect(200, 10, 8)), result(SMALL)], "reject", "3 pits of 0 to 20 mm², at most 2 allowed"),
        ([result(MIDDLE, defect(200, 10, 12))], "reject", "2 pits of 20 to 40 mm², at most 1 allowed"),
        ([result(defect(10, 10, 40))], "reject", "1 pits of over 40 mm², at most 0 allowed"),
        ([result(defect(10, 10, 40, name="water"))] * 3, "pass", ""),
        ([result(SMALL, decision="reject")], "pass", ""),
        ([result(defect(10, 10, 8, name="cracks"))], "review", "the acceptance table has no limits for cracks"),
        ([result(UNSIZED)], "review", "the area of 1 pits is not known"),
        ([result(*[UNSIZED] * 4)], "reject", "4 pits, at most 3 allowed in all"),
        ([result(), result(decision="review")], "review", "1 picture to be looked at"),
        ([result(), FAILED], "review", "1 picture cannot be scored"),
        ([result(decision="reject")], "review", "1 picture rejected without a defect that could be counted"),
        ([result(SMALL, defect_count=130)], "review", "129 defects counted by the model and not described"),
        ([WHOLE], "review", "pits in 1 picture by a model that does not tell defects apart"),
        ([WHOLE] * 4, "reject", "4 pits, at most 3 allowed in all"),
        ([], "review", "there is no picture"),
    ],
)  # fmt: skip
def test_the_table_and_what_is_not_judged(pictures: list[dict[str, Any]], decision: str, reason: str) -> None:
    found, reasons = judged(*pictures)
    assert found == decision
    assert (reason in reasons) if reason else not reasons


def test_without_a_table_the_worst_picture_decides() -> None:
    assert judged(result(SMALL), table=None) == ("pass", ())
    assert judged(result(), result(decision="reject"), FAILED, table=None) == (
        "reject", ("1 picture rejected", "1 picture cannot be scored"))  # fmt: skip


def test_pictures_that_are_not_there() -> None:
    assert judged(result(), coil=Coil("4711", None, 3)) == ("review", ("2 of 3 pictures are missing",))
    places = (0.0, 800.0, 1600.0, 4000.0, 4800.0)
    content = summary_of(Coil("4711"), tallied(*((place, result()) for place in places)), None).content
    assert content["reasons"] == ["2 pictures missing between others"]
    assert content["pictures"]["gaps"] == [{"from_mm": 1600.0, "to_mm": 4000.0, "pictures": 2}]


def test_a_grade_that_is_not_in_the_table() -> None:
    assert judged(result(), coil=Coil("4711", "316L"))[0] == "review"
    two = read_acceptance(b"area_bins_mm2 = []\n[grade.a]\npits = [1]\n[grade.b]\npits = [0]\n")
    assert judged(result(), table=two) == ("review", ("the acceptance table has no grade that is stated",))
    assert judged(result(SMALL), table=two, coil=Coil("4711", "a"))[0] == "pass"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "area_bins_mm2 = [20]",
        "area_bins_mm2 = [40, 20]\n[grade.a]\npits = [1, 1, 1]",
        "area_bins_mm2 = [0]\n[grade.a]\npits = [1, 1]",
        "area_bins_mm2 = [20]\n[grade.a]\npits = [1]",
        "area_bins_mm2 = [20]\n[grade.a]\npits = [1, -1]",
        "area_bins_mm2 = [20]\n[grade.a]\npits = [1, 1.5]",
        "area_bins_mm2 = [20]\n[grade.a]\npits = [1, nan]",
        "area_bins_mm2 = [20]\n[grade.a]\npits = [1, true]",
        "area_bins_mm2 = [20]\n[grade.a]\n",
        "area_bins_mm2 = [20]\nmost = 1\n[grade.a]\npits = [1, 1]",
        "area_bins_mm2 = 20\n[grade.a]\npits = [1, 1]",
        "pits",
    ],
)
def test_a_table_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(AcceptanceError):
        read_acceptance(text.encode())


@pytest.mark.parametrize(
    "broken",
    [
        {"decision": "good"},
        {"defects": [{"class": "pits"}]},
        {"defects": 3},
        {"class_prob": None},
        {"image": {}},
        {"defect_prob": "high"},
        {"model": None},
        {"defect_count": "many"},
    ],
)
def test_a_result_that_is_none_leaves_nothing_behind(broken: dict[str, Any]) -> None:
    tally = Tally()
    with pytest.raises((KeyError, TypeError, ValueError)):
        tally.add("a.jpg", Place("4711"), {**result(SMALL), **broken})
    assert (tally.keys, tally.decisions.total(), tally.pictures.count, tally.defects.count) == ([], 0, 0, 0)
