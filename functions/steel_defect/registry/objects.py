"""The objects of the model registry: their keys, their content, and what can be wrong with them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from steel_defect.model_uri import NAME, SHA256

SCHEMA_VERSION: Final = 1
JSON: Final = "application/json"
_MANIFEST: Final = re.compile(rf"models/(?P<name>{NAME})/(?P<sha256>{SHA256})/manifest\.json")


class RegistryError(Exception):
    """The request cannot be carried out; `str(error)` says why, in one line."""


class VersionMissing(RegistryError):
    """There is no such version, or its publishing was interrupted."""


class VersionDamaged(RegistryError):
    """An object of the registry is not what it must be: another digest, unreadable JSON, an unknown schema."""


class PromotionLost(RegistryError):
    """Somebody else changed the version in production at the same time; nothing was done."""


@dataclass(frozen=True)
class Manifest:
    """Facts about one version, for readers without the model file. `published` is ISO 8601, UTC."""

    name: str
    sha256: str
    size_bytes: int
    version: str
    metrics: dict[str, Any]
    training_data_digest: str
    git_commit: str
    published: str
    who: str
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Production:
    """Which version of a name is in production.

    Attributes:
        sha256: the version.
        previous: the versions before it, newest first; a roll back takes the first.
        changed: when, ISO 8601, UTC.
        who: changed it, as they called themselves.
        schema_version: of this object.
    """

    sha256: str
    previous: tuple[str, ...]
    changed: str
    who: str
    schema_version: int = SCHEMA_VERSION


Content = TypeVar("Content", Manifest, Production)


def encoded(content: Manifest | Production) -> bytes:
    """As JSON, for people as well."""
    return json.dumps(asdict(content), indent=2).encode()


def decoded(data: bytes, kind: type[Content], what: str) -> Content:
    """From JSON. `what` is for the message.

    Raises:
        VersionDamaged: not JSON, of another schema, or with other fields.
    """
    try:
        values = json.loads(data)
        if values["schema_version"] != SCHEMA_VERSION:
            message = f"the {what} has schema version {values['schema_version']}; this program reads {SCHEMA_VERSION}"
            raise VersionDamaged(message)
        if "previous" in values:
            values["previous"] = tuple(values["previous"])
        content: Content = kind(**values)
    except (ValueError, TypeError, KeyError) as error:
        message = f"the {what} cannot be read: {type(error).__name__}: {error}"
        raise VersionDamaged(message) from error
    digests = [content.sha256, *(content.previous if isinstance(content, Production) else ())]
    if not all(isinstance(digest, str) and re.fullmatch(SHA256, digest) for digest in digests):
        message = f"the {what} names something that is no SHA-256"
        raise VersionDamaged(message)
    return content


def model_key(name: str, sha256: str) -> str:
    """Where the file of a version is."""
    return f"models/{name}/{sha256}/model.onnx"


def manifest_key(name: str, sha256: str) -> str:
    """Where the manifest of a version is."""
    return f"models/{name}/{sha256}/manifest.json"


def version_of(key: str) -> tuple[str, str] | None:
    """Name and SHA-256 of the version whose manifest this is; None for any other object."""
    match = _MANIFEST.fullmatch(key)
    return (match["name"], match["sha256"]) if match else None


def production_key(name: str) -> str:
    """Where the version in production is named."""
    return f"models/{name}/production.json"


def now() -> str:
    """The present time as objects state it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
