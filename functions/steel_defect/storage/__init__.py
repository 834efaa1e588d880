"""Objects under keys, in memory, a local folder, S3 or Cloud Storage: one port, one behaviour, typed errors.

    store = open_store("s3://bucket/prefix")
    seen = store.get("counter")
    store.put("counter", b"2", if_match=seen.info.tag)

Importing this package loads no back end; `open_store` loads the one that the URI names.
"""

from steel_defect.storage.errors import (
    ObjectNotFound,
    PreconditionFailed,
    SigningUnsupported,
    StorageError,
    StorageRefused,
    StorageUnavailable,
)
from steel_defect.storage.opening import open_store
from steel_defect.storage.port import MAX_KEY_BYTES, ObjectInfo, SignedUpload, Store, Stored

__all__ = [
    "MAX_KEY_BYTES",
    "ObjectInfo",
    "ObjectNotFound",
    "PreconditionFailed",
    "SignedUpload",
    "SigningUnsupported",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "Store",
    "Stored",
    "open_store",
]
