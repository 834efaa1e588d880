"""Which pictures are drawn at random: each has its lot by its name and version, the same whoever asks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def lot_of(source: Mapping[str, Any]) -> float:
    """A number from 0 to below 1, of the `source` of a result. A share s of all pictures has less than s.

    It knows nothing of what is on the picture, so those that are drawn are like all others.
    """
    version = source["version"] or source.get("etag") or ""
    digest = hashlib.sha256(f"{source['key']}\n{version}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
