"""Which version of a model is in production: read, and changed by compare-and-swap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steel_defect.registry.objects import (
    JSON,
    Production,
    PromotionLost,
    RegistryError,
    VersionMissing,
    decoded,
    encoded,
    now,
    production_key,
)
from steel_defect.registry.publishing import verify
from steel_defect.storage import ObjectNotFound, PreconditionFailed, StorageUnavailable

if TYPE_CHECKING:
    from steel_defect.storage import Store


def production(store: Store, name: str) -> Production | None:
    """The version in production; None if no version of this name ever was.

    Raises:
        VersionDamaged: the object cannot be read.
    """
    return _production(store, name)[0]


def promote(store: Store, name: str, sha256: str, *, who: str) -> Production:
    """Put a version into production, after `verify`. Does nothing if it is in production already.

    Raises:
        PromotionLost: somebody else was faster.
        RegistryError, ModelUnavailable: the version cannot serve; see `verify`.
    """
    before, tag = _production(store, name)
    verify(store, name, sha256)
    if before is None:
        return _swap(store, name, Production(sha256, (), now(), who), tag)
    if before.sha256 == sha256:
        return before
    return _swap(store, name, Production(sha256, (before.sha256, *before.previous), now(), who), tag)


def rollback(store: Store, name: str, *, who: str) -> Production:
    """Put the previous version back into production, after `verify`. The history forgets the one rolled back from.

    Raises:
        PromotionLost: somebody else was faster.
        RegistryError, ModelUnavailable: there is no previous version, or it cannot serve.
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
            "`steel-defect models list` names them"
        )
        raise VersionMissing(message) from error
    return _swap(store, name, Production(before.previous[0], before.previous[1:], now(), who), tag)


def _swap(store: Store, name: str, after: Production, tag: str | None) -> Production:
    data = encoded(after)
    try:
        store.put(production_key(name), data, content_type=JSON, if_absent=tag is None, if_match=tag)
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
