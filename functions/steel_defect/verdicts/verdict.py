"""One person's verdict on one picture, as JSON says it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

from steel_defect.storage import MAX_KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: Final = frozenset({"picture", "version", "model", "verdict", "class", "note", "who", "when"})
# What the trainer reads as "no defect": none of them is a class of defects.
CLEAN_WORDS: Final = ("clean", "good", "ok", "normal")
_LONGEST_NAME: Final = 100
_LONGEST_NOTE: Final = 2_000
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


class VerdictError(ValueError):
    """The JSON is no verdict; says why."""


class Word(StrEnum):
    """What a person says: the steel may pass, it has a defect, or an earlier word of theirs does not count."""

    PASS = "pass"  # noqa: S105 - no password
    REJECT = "reject"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Verdict:
    """What one person said of one picture.

    Attributes:
        picture: the whole name of its object in the bucket of uploads: `source.key` of its result.
        version: of that object that was looked at, `source.version` of its result; None if it was not stated.
        model: whose answer the person saw: name, version and sha256; None if it was not stated.
        word: what they said.
        class_name: of the defect; None if they named none.
        note: in their own words.
        who: they are. Nobody checks it.
        when: they said it, with a time zone.
        received: when it came here, with a time zone.
        identity: tells it from every other one.
    """

    picture: str
    version: str | None
    model: Mapping[str, str] | None
    word: Word
    class_name: str | None
    note: str
    who: str
    when: datetime
    received: datetime
    identity: str

    @classmethod
    def read(cls, content: object, received: datetime, identity: str) -> Self:
        """Read what a person sent.

        Raises:
            VerdictError: it is no verdict.
        """
        if not isinstance(content, dict):
            message = (
                'the JSON must be an object such as {"picture": "line-3/0815.jpg", "verdict": "reject", "who": "Anna"}'
            )
            raise VerdictError(message)
        unknown = sorted(str(name)[:100] for name in content.keys() - FIELDS)
        if unknown:
            message = f"there is no field {', '.join(unknown)} in a verdict; it has {', '.join(sorted(FIELDS))}"
            raise VerdictError(message)
        picture = _text(content, "picture", MAX_KEY_BYTES)
        word, class_name = _word(content), _text(content, "class", _LONGEST_NAME)
        if class_name and word is not Word.REJECT:
            message = f"class goes with the verdict reject, not with {word.value}"
            raise VerdictError(message)
        if class_name.casefold() in CLEAN_WORDS:
            message = f"class {class_name!r} reads as if there were no defect; the verdict for that is pass"
            raise VerdictError(message)
        who = _text(content, "who", _LONGEST_NAME)
        for name, value in (("picture", picture), ("who", who)):
            if not value:
                message = f"{name} must be stated"
                raise VerdictError(message)
        return cls(
            picture=picture,
            version=_text(content, "version", MAX_KEY_BYTES) or None,
            model=_model(content.get("model")),
            word=word,
            class_name=class_name or None,
            note=_text(content, "note", _LONGEST_NOTE, breaks=True),
            who=who,
            when=_when(content.get("when"), received),
            received=received,
            identity=identity,
        )

    def as_json(self) -> dict[str, Any]:
        """As it is kept and answered."""
        return {
            "id": self.identity,
            "received": self.received.isoformat(),
            "picture": self.picture,
            "version": self.version,
            "model": None if self.model is None else dict(self.model),
            "verdict": self.word.value,
            "class": self.class_name,
            "note": self.note,
            "who": self.who,
            "when": self.when.isoformat(),
        }


def _text(content: Mapping[str, Any], name: str, longest: int, *, breaks: bool = False) -> str:
    """A text without spaces around it; empty if it is not stated. The name of an object keeps its own."""
    value = content.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        message = f"{name} must be a text"
        raise VerdictError(message)
    value = value if name == "picture" else value.strip()
    try:
        length = len(value.encode())
    except UnicodeEncodeError as error:
        message = f"{name} is not valid Unicode"
        raise VerdictError(message) from error
    if length > longest:
        message = f"{name} has {length:,} bytes; at most {longest:,} are kept"
        raise VerdictError(message)
    if name != "picture" and any(unicodedata.category(c) == "Cc" and not (breaks and c in "\n\t\r") for c in value):
        message = f"{name} has control characters in it"
        raise VerdictError(message)
    return value


def _word(content: Mapping[str, Any]) -> Word:
    try:
        return Word(str(content.get("verdict")))
    except ValueError as error:
        message = f"verdict must be one of {', '.join(Word)}"
        raise VerdictError(message) from error


def _model(stated: object) -> Mapping[str, str] | None:
    match stated:
        case None:
            return None
        case {"name": str(name), "version": str(version), "sha256": str(sha256)}:
            parts = {"name": name, "version": version, "sha256": sha256}
            return {part: _text(parts, part, _LONGEST_NAME) for part in parts}
        case _:
            message = "model must have name, version and sha256, as answers state them"
            raise VerdictError(message)


def _when(stated: object, received: datetime) -> datetime:
    if stated is None:
        return received
    try:
        when = datetime.fromisoformat(stated) if isinstance(stated, str) else None
        late = when is not None and when.tzinfo is not None and when > received + _CLOCKS_DIFFER
    except (ValueError, OverflowError):
        when = None
    if when is None or when.tzinfo is None:
        message = "when must be a moment with its time zone, such as 2026-01-31T14:05:00Z"
        raise VerdictError(message)
    if late:
        message = f"when is {stated}, which is still to come: set the clock"
        raise VerdictError(message)
    return when
