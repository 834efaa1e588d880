"""The model registry: versions that never change, and for each name one object that says which is in production.

    models/<name>/<sha256>/model.onnx       create-only
    models/<name>/<sha256>/manifest.json    create-only, written last: without it the version is not complete
    models/<name>/production.json           changed by compare-and-swap

Every function raises `StorageError` where the store does. Nothing here imports ONNX Runtime at the start.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from steel_defect.registry_objects import (
    NAME,
    Manifest,
    Production,
    PromotionLost,
    RegistryError,
    VersionDamaged,
    VersionMissing,
    decoded,
    encoded,
    manifest_key,
    model_key,
    production_key,
    version_of,
)
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable

if TYPE_CHECKING:
    from steel_defect.scorer import Scorer
    from steel_defect.storage import Store

_JSON: Final = "application/json"


def publish(store: Store, model: bytes, *, who: str) -> str:
    """Put a model into the registry, under the name in its contract, and give its SHA-256. Nothing serves it yet.

    Publishing the same file again is harmless, and completes what was broken off.

    Raises:
        ModelUnavailable: the file is not a model that could serve.
        RegistryError: its name cannot be used, or another file has its place.
    """
    scorer = _checked(model)
    contract = scorer.contract
    if not re.fullmatch(NAME, contract.name):
        message = f"a model cannot be registered under the name {contract.name!r}; use a-z, 0-9, '.', '_' and '-'"
        raise RegistryError(message)
    try:
        store.put(model_key(contract.name, scorer.sha256), model, if_absent=True)
    except PreconditionFailed:
        fetch(store, contract.name, scorer.sha256)
    manifest = Manifest(
        name=contract.name,
        sha256=scorer.sha256,
        size_bytes=len(model),
        version=contract.version,
        metrics=dict(contract.metrics),
        training_data_digest=contract.training_data_digest,
        git_commit=contract.git_commit,
        published=_now(),
        who=who,
    )
    try:
        store.put(manifest_key(contract.name, scorer.sha256), encoded(manifest), content_type=_JSON, if_absent=True)
    except PreconditionFailed:
        read_manifest(store, contract.name, scorer.sha256)
    return scorer.sha256


def fetch(store: Store, name: str, sha256: str) -> bytes:
    """The model file of a version, with its digest checked.

    Raises:
        VersionMissing: there is none.
        VersionDamaged: the bytes have another digest.
    """
    try:
        model = store.get(model_key(name, sha256)).data
    except ObjectNotFound as error:
        message = f"there is no model {name}/{sha256}"
        raise VersionMissing(message) from error
    found = hashlib.sha256(model).hexdigest()
    if found != sha256:
        message = f"the model file of {name}/{sha256} is damaged: its SHA-256 is {found}"
        raise VersionDamaged(message)
    return model


def load_version(store: Store, name: str, sha256: str, *, threads: int = 1) -> Scorer:
    """A version ready to serve: digest checked, contract read, self-test passed.

    Raises:
        RegistryError: missing, damaged, or a model of another name.
        ModelUnavailable: not a model that can serve.
    """
    scorer = _checked(fetch(store, name, sha256), threads=threads)
    if scorer.contract.name != name:
        message = f"{name}/{sha256} calls itself {scorer.contract.name!r}"
        raise VersionDamaged(message)
    return scorer


def read_manifest(store: Store, name: str, sha256: str) -> Manifest:
    """What is known of a version.

    Raises:
        VersionMissing: there is no manifest: never published, or publishing broke off.
        VersionDamaged: it cannot be read, or is of another version.
    """
    try:
        manifest = decoded(store.get(manifest_key(name, sha256)).data, Manifest, f"manifest of {name}/{sha256}")
    except ObjectNotFound as error:
        message = f"there is no published version {name}/{sha256}; was publishing broken off? Publish it again"
        raise VersionMissing(message) from error
    if (manifest.name, manifest.sha256) != (name, sha256):
        message = f"the manifest of {name}/{sha256} is of {manifest.name}/{manifest.sha256}"
        raise VersionDamaged(message)
    return manifest


def verify(store: Store, name: str, sha256: str) -> Manifest:
    """Read a version to its end, as a function that is to serve it would.

    Raises:
        RegistryError, ModelUnavailable: as `read_manifest` and `load_version`.
    """
    manifest = read_manifest(store, name, sha256)
    load_version(store, name, sha256)
    return manifest


def published(store: Store, name: str | None = None) -> list[tuple[str, str]]:
    """Name and SHA-256 of each complete version of one name or of all, read from the keys alone."""
    found = (version_of(info.key) for info in store.list(f"models/{name}/" if name else "models/"))
    return [version for version in found if version]


def versions(store: Store, name: str | None = None) -> list[Manifest]:
    """The manifests of the complete versions, by name and then newest first.

    Raises:
        VersionDamaged: one cannot be read.
    """
    manifests = [read_manifest(store, *version) for version in published(store, name)]
    newest_first = sorted(manifests, key=lambda manifest: manifest.published, reverse=True)
    return sorted(newest_first, key=lambda manifest: manifest.name)


def production(store: Store, name: str) -> Production | None:
    """What is in production; None where nothing of this name ever was.

    Raises:
        VersionDamaged: the object cannot be read.
    """
    return _production(store, name)[0]


def promote(store: Store, name: str, sha256: str, *, who: str) -> Production:
    """Put a version into production, after `verify`. Does nothing where it is there already.

    Raises:
        PromotionLost: somebody else was faster.
        RegistryError, ModelUnavailable: the version cannot serve; see `verify`.
    """
    before, tag = _production(store, name)
    verify(store, name, sha256)
    if before is None:
        return _swap(store, name, Production(sha256, (), _now(), who), tag)
    if before.sha256 == sha256:
        return before
    return _swap(store, name, Production(sha256, (before.sha256, *before.previous), _now(), who), tag)


def rollback(store: Store, name: str, *, who: str) -> Production:
    """Put the version before into production, after `verify`. The one that was rolled back from is forgotten here.

    Raises:
        PromotionLost: somebody else was faster.
        RegistryError, ModelUnavailable: there is none before, or it cannot serve.
    """
    before, tag = _production(store, name)
    if before is None or not before.previous:
        message = f"{name} has no version before " + (f"{before.sha256}" if before else "any")
        raise RegistryError(message)
    try:
        verify(store, name, before.previous[0])
    except VersionMissing as error:
        message = (
            f"{error}; production is unchanged. Publish that file again, or promote another version: "
            f"`steel-defect models list` names them"
        )
        raise VersionMissing(message) from error
    return _swap(store, name, Production(before.previous[0], before.previous[1:], _now(), who), tag)


def _swap(store: Store, name: str, after: Production, tag: str | None) -> Production:
    data = encoded(after)
    try:
        store.put(production_key(name), data, content_type=_JSON, if_absent=tag is None, if_match=tag)
    except PreconditionFailed as error:
        message = f"somebody else changed what is in production of {name} at the same time; look, and try again"
        raise PromotionLost(message) from error
    except StorageUnavailable:
        # The answer was lost, perhaps not the write.
        if store.get(production_key(name)).data != data:
            raise
    return after


def _production(store: Store, name: str) -> tuple[Production | None, str | None]:
    try:
        found = store.get(production_key(name))
    except ObjectNotFound:
        return None, None
    state = decoded(found.data, Production, f"production.json of {name}")
    return state, found.info.tag


def _checked(model: bytes, *, threads: int = 1) -> Scorer:
    from steel_defect.scorer import Scorer  # noqa: PLC0415 - not before a server forks; see serving.py
    from steel_defect.selftest import self_test  # noqa: PLC0415 - needs numpy

    scorer = Scorer(model, threads=threads)
    self_test(scorer)
    return scorer


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
