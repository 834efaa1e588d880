"""Versions of models: published, read, and verified."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from steel_defect.model_uri import NAME
from steel_defect.registry.objects import (
    JSON,
    Manifest,
    RegistryError,
    VersionDamaged,
    VersionMissing,
    decoded,
    encoded,
    manifest_key,
    model_key,
    now,
    version_of,
)
from steel_defect.storage import ObjectNotFound, PreconditionFailed

if TYPE_CHECKING:
    from steel_defect.scorer import Scorer
    from steel_defect.storage import Store


def publish(store: Store, model: bytes, *, who: str) -> str:
    """Put a model into the registry, under the name in its contract, and give its SHA-256. Nothing serves it yet.

    Publishing the same file again is harmless, and completes an interrupted publishing.

    Raises:
        ModelUnavailable: the file is not a model that can serve.
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
        published=now(),
        who=who,
    )
    try:
        store.put(manifest_key(contract.name, scorer.sha256), encoded(manifest), content_type=JSON, if_absent=True)
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
    """The facts about a version.

    Raises:
        VersionMissing: there is no manifest: never published, or publishing was interrupted.
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


def _checked(model: bytes, *, threads: int = 1) -> Scorer:
    from steel_defect.scorer import Scorer  # not before a server forks; see serving.py
    from steel_defect.selftest import self_test

    scorer = Scorer(model, threads=threads)
    self_test(scorer)
    return scorer
