"""What people say over HTTP is kept as they said it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from steel_defect.errors import PROBLEM_TYPE
from steel_defect.http import Request
from steel_defect.storage import PreconditionFailed, open_store
from steel_defect.verdicts import kept
from steel_defect.verdicts.verdict import CLEAN_WORDS
from steel_defect_trainer.data import label_words
from tests.adapters.test_http_contract import assert_in_contract

if TYPE_CHECKING:
    from steel_defect.location import Buckets
    from tests.transports import Transport

JSON: Final = {"content-type": "application/json"}
PICTURE: Final = "line 3/4711/Bänder + 100%.jpg"
MODEL: Final = {"name": "probe", "version": "1", "sha256": "ab" * 32}
FIRST: Final = {
    "picture": PICTURE,
    "verdict": "reject",
    "class": "pits",
    "note": "beside\nthe edge",
    "who": "Anna",
    "model": MODEL,
}


def said(**fields: object) -> Request:
    return Request("POST", "/verdicts", JSON, {}, json.dumps(fields).encode())


def say(function: Transport, **fields: object) -> dict[str, Any]:
    request = said(**fields)
    response = function.send(request)
    assert response.status == 201, response.body
    content: dict[str, Any] = assert_in_contract(function, request, response)
    return content


def read(function: Transport, picture: str) -> list[dict[str, Any]]:
    request = Request("GET", "/verdicts", {}, {"picture": picture})
    response = function.send(request)
    assert response.status == 200, response.body
    content: dict[str, Any] = assert_in_contract(function, request, response)
    assert content["picture"] == picture
    return list(content["verdicts"])


def test_two_people_on_one_picture_keep_both_words(function: Transport, buckets: Buckets) -> None:
    assert read(function, PICTURE) == []
    first = say(function, **FIRST)
    second = say(function, picture=PICTURE, verdict="pass", who="Bernd", when="2026-01-31T14:05:00+01:00", version="7")
    other = say(function, picture=f"{PICTURE}/of a folder.jpg", verdict="pass", who="Anna")
    assert {**first, **FIRST} == first
    assert (second["when"], second["version"]) == ("2026-01-31T14:05:00+01:00", "7")
    assert read(function, PICTURE) == [first, second]
    assert read(function, other["picture"]) == [other]
    keys = [info.key for info in open_store(buckets.results).list()]
    assert len(keys) == 3
    assert all(key.startswith(f"verdicts/{PICTURE}/") for key in keys)


def test_who_changes_their_mind_leaves_what_they_said(core: Transport) -> None:
    for word in ("reject", "withdrawn", "pass"):
        say(core, picture="a.jpg", verdict=word, who="Anna")
    assert [verdict["verdict"] for verdict in read(core, "a.jpg")] == ["reject", "withdrawn", "pass"]


def test_a_verdict_is_never_written_over(core: Transport, buckets: Buckets, scheme: str) -> None:
    say(core, **FIRST)
    store = open_store(buckets.results)
    (verdict,) = kept.read(store)
    assert verdict is not None
    with pytest.raises(PreconditionFailed):
        kept.write(store, verdict)
    assert scheme in {"file", "s3", "gs"}


def test_a_long_name_and_what_is_no_verdict(core: Transport, buckets: Buckets) -> None:
    name = "ü" * 512
    kept_first = say(core, picture=name, verdict="pass", who="Anna")
    store = open_store(buckets.results)
    (info,) = store.list("verdicts/")
    store.put(info.key.replace("Z-", "Z-f")[:-6] + ".json", b"no JSON")
    store.put(f"{info.key.rpartition('/')[0]}/notes.txt", b"of somebody else")
    assert read(core, name) == [kept_first]
    assert sorted(verdict is None for verdict in kept.read(store)) == [False, True]


BAD: Final[dict[str, object]] = {
    "no object": [],
    "no picture": {"verdict": "pass", "who": "Anna"},
    "no word": {"picture": "a.jpg", "who": "Anna"},
    "nobody": {"picture": "a.jpg", "verdict": "pass", "who": "  "},
    "a word that there is not": {**FIRST, "verdict": "perhaps"},
    "a word that is a list": {**FIRST, "verdict": ["pass"]},
    "a field that there is not": {**FIRST, "operator": "Anna"},
    "a class of what may pass": {**FIRST, "verdict": "pass"},
    "a class that is none": {**FIRST, "class": "OK"},
    "a name that is too long": {**FIRST, "who": "ä" * 51},
    "a name with a line break": {**FIRST, "who": "Anna\nBernd"},
    "a note that is a number": {**FIRST, "note": 7},
    "half a character": {**FIRST, "note": "\ud800"},
    "a picture whose name is too long": {**FIRST, "picture": "a" * 1025},
    "half a model": {**FIRST, "model": {"name": "probe"}},
    "no time zone": {**FIRST, "when": "2026-01-31T14:05:00"},
    "no moment": {**FIRST, "when": "yesterday"},
    "a moment to come": {**FIRST, "when": "2999-01-31T14:05:00Z"},
    "too long": {**FIRST, "note": "a" * 20_000},
}


@pytest.mark.parametrize("scheme", ["file"], indirect=True)
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_verdict_is_refused_in_words(core: Transport, name: str) -> None:
    request = Request("POST", "/verdicts", JSON, {}, json.dumps(BAD[name]).encode())
    response = core.send(request)
    assert response.status == 400, response.body
    assert assert_in_contract(core, request, response)["type"] == f"{PROBLEM_TYPE}malformed-body"
    assert read(core, "a.jpg") == []


@pytest.mark.parametrize("scheme", ["file"], indirect=True)
@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}], ids=["none", "text"])
def test_no_page_can_speak_in_the_name_of_who_is_logged_in(core: Transport, headers: dict[str, str]) -> None:
    """Browsers ask before they send JSON to another origin, and send these without asking."""
    request = Request("POST", "/verdicts", headers, {}, json.dumps(FIRST).encode())
    response = core.send(request)
    assert response.status == 415, response.body
    assert read(core, PICTURE) == []


def test_no_class_is_a_word_of_the_trainer_for_clean() -> None:
    assert CLEAN_WORDS == label_words.CLEAN_WORDS
