"""The forms of `MODEL_URI`: a name in a registry (its version in production), one version of it, or a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What a model and a version of it may be called in a registry.
NAME: Final = r"[a-z0-9][a-z0-9._-]{0,62}"
SHA256: Final = r"[0-9a-f]{64}"


@dataclass(frozen=True)
class ModelFile:
    """One ONNX file: a path of this machine, or the URI of an object."""

    location: str

    @property
    def path(self) -> Path | None:
        """The file on this machine; None for an object of a store."""
        scheme, separator, rest = self.location.partition("://")
        if not separator:
            return Path(self.location)
        if scheme != "file":
            return None
        from urllib.parse import unquote  # the bundled model needs none of it, and nor does a bucket's

        return Path(unquote(rest))


@dataclass(frozen=True)
class RegisteredModel:
    """A model of a registry.

    Attributes:
        uri: as it was given.
        store: the URI of the registry's store.
        name: of the model.
        sha256: the version; None for the one in production.
    """

    uri: str
    store: str
    name: str
    sha256: str | None


def parse_model_uri(uri: str) -> ModelFile | RegisteredModel:
    """Read a `MODEL_URI`.

    Raises:
        ValueError: it is of none of the forms.
    """
    if "://" not in uri or uri.endswith(".onnx"):
        return ModelFile(uri)
    match = re.fullmatch(rf"(?P<store>.+)/models/(?P<name>{NAME})(?:/(?P<sha256>{SHA256}))?/?", uri)
    if match is None:
        message = (
            f"{uri!r} names no model; write STORE/models/NAME for what is in production, STORE/models/NAME/SHA256 for "
            "one version - with a STORE such as s3://bucket - or a path, or a URI that ends in .onnx"
        )
        raise ValueError(message)
    return RegisteredModel(uri, match["store"], match["name"], match["sha256"])
