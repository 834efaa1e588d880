"""Coil and position: from a key, a query, an option; never a wrong one."""

from __future__ import annotations

import pytest

from steel_defect.place import USUAL_PATTERN, Place, PlaceError, pattern_of, place_of, stated_place

USUAL = pattern_of(USUAL_PATTERN)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("line-3/4711/0001.jpg", Place("4711")),
        ("4711/0001.jpg", Place("4711")),
        ("line-3/4711/0012_128000mm.jpg", Place("4711", 128_000)),
        ("4711/cam2-128000.5mm.tiff", Place("4711", 128_000.5)),
        ("4711/500mm.jpg", Place("4711", 500)),
        ("4711/0012_128000.jpg", Place("4711")),
        ("4711/1.2.3mm.jpg", Place("4711")),
        ("4711/" + "9" * 400 + "mm.jpg", Place("4711")),
        ("alone.jpg", Place()),
        ('a<b>&"/x.jpg', Place('a<b>&"')),
        ("line\n3/47\n11/1\n_5mm.jpg", Place("47\n11", 5)),
        ("web/2026-11-27/abcdefghijklmnopqrstuv/strip.jpg", Place()),
        ("plant/web/2026-11-27/abcdefghijklmnopqrstuv/strip.jpg", Place()),
    ],
)
def test_a_key_tells_coil_and_position(key: str, place: Place) -> None:
    assert place_of(key, USUAL) == place


def test_a_pattern_of_ones_own() -> None:
    pattern = pattern_of(r"(?P<coil>[^/]+/[^/]+)/(?P<position_mm>\d+)\.png")
    assert place_of("line-3/4711/12.png", pattern) == Place("line-3/4711", 12)
    assert place_of("line-3/4711/12.jpg", pattern) == Place()


@pytest.mark.parametrize("text", ["(", "(?P<position_mm>.*)"])
def test_a_pattern_that_tells_no_coil_is_refused(text: str) -> None:
    with pytest.raises(PlaceError):
        pattern_of(text)


def test_what_a_request_states_comes_back_as_it_was_stated() -> None:
    assert stated_place({}) == stated_place({"coil": "", "position_mm": ""}) == Place()
    place = stated_place({"coil": "Ä 47/11", "position_mm": "128000.25"})
    assert place.as_json() == {"coil": "Ä 47/11", "position_mm": 128_000.25}
    assert stated_place(place.stated()) == place
    assert repr(stated_place({"position_mm": "0"}).as_json()) == "{'position_mm': 0}"


@pytest.mark.parametrize(
    "stated",
    [
        {"coil": "a" * 129},
        {"coil": "a\nb"},
        {"coil": "a\x9bb"},
        *({"position_mm": text} for text in ("-1", "nan", "inf", "1e10", "far")),
    ],
)
def test_a_statement_that_cannot_be_true_is_refused(stated: dict[str, str]) -> None:
    with pytest.raises(PlaceError):
        stated_place(stated)
