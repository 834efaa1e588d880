"""The results of one coil, from the store of results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from steel_defect.coils.tally import Tally
from steel_defect.parallel import in_order
from steel_defect.place import Place, place_of
from steel_defect.storage import ObjectNotFound
from steel_defect.uploads import results
from steel_defect.uploads.foreign import reason_to_ignore
from steel_defect.uploads.refs import UNKNOWN_ORDER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from steel_defect.storage import ObjectInfo, Store

# They wait for the network.
_WORKERS: Final = 32
_SHORTENED: Final = re.compile(r"~[0-9a-f]{64}\.json\Z")


@dataclass(frozen=True)
class Source:
    """Where a coil's pictures are known from.

    Attributes:
        results: the store that the upload function writes to.
        pattern: tells the coil from a key.
        prefix: with which the keys of its uploads begin.
        uploads: the whole bucket of uploads, to find pictures without a result; None if it is not looked at.
        ignored_suffixes: ends of names of what is no picture there.
    """

    results: Store
    pattern: re.Pattern[str]
    prefix: str = ""
    uploads: Store | None = None
    ignored_suffixes: tuple[str, ...] = ()


def read_coil(source: Source, coil: str, seen: Callable[[], object] = lambda: None) -> Tally:
    """The tally of all pictures of a coil. Results are read one after the other, and not kept.

    Args:
        source: where they are.
        coil: its name.
        seen: is called after each picture.

    Raises:
        StorageError: a store cannot be read.
    """
    tally = Tally()
    # Of each picture its key and what was in it, in 8 bytes: 100,000 of them are in an upload's place soon.
    judged: set[int] = set()
    names = (info for info in source.results.list(results.FOLDER + source.prefix) if _may_be_of(info, source, coil))
    for name, result in in_order(partial(_read, source.results), names, _WORKERS):
        key = name if result is None else str(result["source"]["key"])
        place = place_of(key, source.pattern)
        if place.coil != coil:
            continue
        if result is None:
            judged.add(hash((key, None)))
            tally.leave(key, place.position_mm, "unreadable", "what is in the place of its result is none")
            continue
        origin = result["source"]
        judged.add(hash((key, origin.get("etag"))))
        _add(tally, key, Place(coil, result.get("position_mm", place.position_mm)), result)
        seen()
    if source.uploads is not None:
        for info in pictures_of(source, coil):
            if not judged & {hash((info.key, results.plain_tag(info.tag))), hash((info.key, None))}:
                position = place_of(info.key, source.pattern).position_mm
                tally.leave(info.key, position, "waiting", "this version of it has no result yet")
    return tally


def pictures_of(source: Source, coil: str) -> Iterator[ObjectInfo]:
    """The uploads of a coil that are pictures, as far as their names tell."""
    assert source.uploads is not None  # noqa: S101 - asked for by those who have it
    for info in source.uploads.list(source.prefix):
        ref = ObjectRef("s3", "-", info.key, UNKNOWN_ORDER, size=info.size)
        if place_of(info.key, source.pattern).coil == coil and not reason_to_ignore(ref, "", source.ignored_suffixes):
            yield info


def _add(tally: Tally, key: str, place: Place, result: dict[str, Any]) -> None:
    try:
        tally.add(key, place, result)
    except (KeyError, TypeError, ValueError) as error:
        tally.leave(key, place.position_mm, "unreadable", f"its result is not as its schema says ({error!r:.100})")


def _may_be_of(info: ObjectInfo, source: Source, coil: str) -> bool:
    """Whether the name of a result is of the coil; a long one does not tell."""
    return bool(_SHORTENED.search(info.key)) or place_of(_key(info.key), source.pattern).coil == coil


def _key(name: str) -> str:
    return name.removeprefix(results.FOLDER).removesuffix(".json")


def _read(store: Store, info: ObjectInfo) -> tuple[str, dict[str, Any] | None]:
    try:
        result = results.decode(store.get(info.key).data)
    except ObjectNotFound:
        result = None
    # That of another picture is none.
    mine = result is not None and results.result_key(result["source"]["key"]) == info.key
    return _key(info.key), result if mine else None
