"""The model registry: versions that never change, and for each name one object that says which is in production.

    models/<name>/<sha256>/model.onnx       create-only
    models/<name>/<sha256>/manifest.json    create-only, written last: without it the version is not complete
    models/<name>/production.json           changed by compare-and-swap

Every function raises `StorageError` if the store does. Nothing here imports ONNX Runtime before it loads a model.
"""

from steel_defect.registry.objects import (
    Manifest,
    Production,
    PromotionLost,
    RegistryError,
    VersionDamaged,
    VersionMissing,
)
from steel_defect.registry.promotion import production, promote, rollback
from steel_defect.registry.publishing import (
    fetch,
    load_version,
    publish,
    published,
    read_manifest,
    verify,
    versions,
)

__all__ = [
    "Manifest",
    "Production",
    "PromotionLost",
    "RegistryError",
    "VersionDamaged",
    "VersionMissing",
    "fetch",
    "load_version",
    "production",
    "promote",
    "publish",
    "published",
    "read_manifest",
    "rollback",
    "verify",
    "versions",
]
