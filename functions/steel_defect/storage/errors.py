"""The errors of a store, by what a caller can do about them."""

from __future__ import annotations


class StorageError(Exception):
    """Base of the errors of every back end. `str(error)` says what happened to which object, in one line."""


class ObjectNotFound(StorageError):
    """No object has this key, or it has no such version."""


class PreconditionFailed(StorageError):
    """Create-only, and there is an object; or compare-and-swap, and the object is another one by now, or gone."""


class StorageUnavailable(StorageError):
    """Throttled, timed out, no network, a fault of the service: the same call may succeed later.

    After a write it is not known whether it was done.
    """


class StorageRefused(StorageError):
    """Access denied, no such bucket, an invalid key or URI: the same call will fail again."""


class SigningUnsupported(StorageRefused):
    """This back end, or these credentials, cannot make signed URLs."""
