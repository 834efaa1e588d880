"""Verdicts and pictures as a folder to train on: `labels.csv` and the pictures that it names.

A picture is called by what is in it, so that one that came under two names is there once, with what was said of both.
On what people differ, nothing is learnt.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from steel_defect.parallel import in_order
from steel_defect.pictures.formats import SIGNATURE_BYTES, format_of
from steel_defect.place import place_of
from steel_defect.storage import ObjectNotFound
from steel_defect.verdicts.verdict import CLEAN_WORDS, Word

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from steel_defect.storage import Store
    from steel_defect.verdicts.agreed import Agreed, Looked

TABLE: Final = "labels.csv"
LEFT_OUT: Final = "left-out.csv"
PICTURES: Final = "pictures"
# Of a picture that was rejected without a class.
UNNAMED: Final = "defect"
_CLEAN: Final = CLEAN_WORDS[0]
_WORKERS: Final = 8


@dataclass
class _Picture:
    """One picture by its bytes: its file, the names it came under, and what was said of them."""

    file: str
    keys: list[str] = field(default_factory=list)
    said: list[Agreed] = field(default_factory=list)


@dataclass(frozen=True)
class Places:
    """Where pictures are.

    Attributes:
        uploads: the store of the whole bucket that they came into.
        results: the store of results, which has those that were captured.
        captured: where in it, as `uploads.capture.captured` gives it.
    """

    uploads: Store
    results: Store
    captured: Mapping[Looked, str]


@dataclass(frozen=True)
class Labelled:
    """What became of the verdicts.

    Attributes:
        labels: how many pictures have each label.
        left_out: for each picture that nothing is learnt from, its key and why.
    """

    labels: Mapping[str, int]
    left_out: tuple[tuple[str, str], ...]


def write_labels(
    found: Mapping[Looked, Agreed],
    places: Places,
    folder: Path,
    pattern: re.Pattern[str],
    seen: Callable[[], object],
) -> Labelled:
    """Write the folder; its table last, so that one without it is known to be unfinished.

    Args:
        found: what was said.
        places: that have the pictures.
        folder: to write into.
        pattern: tells from a key which coil it is of; pictures of one coil are one group.
        seen: called after each picture.

    Raises:
        StorageError: a picture cannot be read.
        OSError: the folder cannot be written.
    """
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    pictures: dict[str, _Picture] = {}
    left_out: list[tuple[str, str]] = []
    for (key, _), said, data in in_order(partial(_read, places), found.items(), _WORKERS):
        seen()
        kind = None if isinstance(data, str) else format_of(data[:SIGNATURE_BYTES])
        if isinstance(data, str) or kind is None:
            left_out.append((key, data if isinstance(data, str) else "it is no picture"))
            continue
        digest = hashlib.sha256(data).hexdigest()
        picture = pictures.setdefault(digest, _Picture(f"{PICTURES}/{digest[:32]}.{kind.lower()}"))
        picture.keys.append(key)
        picture.said.append(said)
        (folder / picture.file).write_bytes(data)
    spelling: dict[str, str] = {}
    labels: dict[str, int] = {}
    rows = []
    for picture in pictures.values():
        names = _labels(picture, spelling)
        if not names:
            who = ", ".join(f"{verdict.who}: {verdict.word}" for said in picture.said for verdict in said.verdicts)
            left_out.extend((key, f"people differ ({who})") for key in picture.keys)
            (folder / picture.file).unlink()
        for name in names:
            labels[name] = labels.get(name, 0) + 1
            rows.append((picture.file, name, place_of(picture.keys[0], pattern).coil or "", picture.keys[0]))
    _write(folder / LEFT_OUT, ("picture", "reason"), left_out)
    _write(folder / TABLE, ("file", "label", "group", "picture"), rows)
    return Labelled(labels, tuple(left_out))


def _read(places: Places, item: tuple[Looked, Agreed]) -> tuple[Looked, Agreed, bytes | str]:
    """The bytes that people looked at, or why there are none."""
    looked, said = item
    key, version = looked
    try:
        if version is not None:
            return looked, said, _of_version(places, key, version)
        stored = places.uploads.get(key)
        # Reading one object need not tell when it was written; a list does.
        info = next((info for info in places.uploads.list(key) if info.key == key), None)
    except ObjectNotFound:
        return looked, said, "it is not there any more"
    if info is None or info.tag != stored.info.tag or info.modified is None:
        return looked, said, "it was replaced while it was read"
    if any(info.modified > verdict.received for verdict in said.verdicts):
        return looked, said, "it was replaced after somebody looked at it, and they did not say at which version"
    return looked, said, stored.data


def _of_version(places: Places, key: str, version: str) -> bytes:
    try:
        return places.uploads.get(key, version=version).data
    except ObjectNotFound:
        kept = places.captured.get((key, version))
        if kept is None:
            raise
        return places.results.get(kept).data


def _labels(picture: _Picture, spelling: dict[str, str]) -> list[str]:
    """The labels of a picture; none if people differ. A class keeps the spelling in which it was named first."""
    words = {said.word for said in picture.said}
    if words == {Word.PASS}:
        return [_CLEAN]
    if words != {Word.REJECT}:
        return []
    named = dict.fromkeys(" ".join(name.split()) for said in picture.said for name in said.class_names)
    return list(dict.fromkeys(spelling.setdefault(name.casefold(), name) for name in named)) or [UNNAMED]


def _write(path: Path, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
