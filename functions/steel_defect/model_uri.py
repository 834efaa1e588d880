"""What `MODEL_URI` may say: a name in a registry (what is in production of it), a version of it, or a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from steel_defect.errors import ModelUnavailable

# ruff: noqa: PLC0415 - settings are read before a server forks, and ONNX Runtime must not be loaded then (see
# serving.py); and a start with the bundled model need not wait for what reads a registry
if TYPE_CHECKING:
    from steel_defect.scorer import Scorer
    from steel_defect.storage import Store


@dataclass(frozen=True)
class ModelFile:
    """One ONNX file: a path of this machine, or the URI of an object."""

    location: str


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
    from steel_defect.registry_objects import NAME, SHA256

    match = re.fullmatch(rf"(?P<store>.+)/models/(?P<name>{NAME})(?:/(?P<sha256>{SHA256}))?/?", uri)
    if match is None:
        message = (
            f"{uri!r} names no model; write STORE/models/NAME for what is in production, STORE/models/NAME/SHA256 for "
            "one version - with a STORE such as s3://bucket - or a path, or a URI that ends in .onnx"
        )
        raise ValueError(message)
    return RegisteredModel(uri, match["store"], match["name"], match["sha256"])


def load_model(source: ModelFile | RegisteredModel, *, threads: int) -> Scorer:
    """Load the model, or fail. A version of a registry is checked as `registry.load_version` says.

    Raises:
        ModelUnavailable: it is not there, damaged, not of the contract, or its store cannot be read.
    """
    from steel_defect.scorer import Scorer

    if isinstance(source, ModelFile):
        scheme, separator, rest = source.location.partition("://")
        if not separator or scheme == "file":
            return Scorer(Path(unquote(rest) if separator else source.location), threads=threads)
    from steel_defect.registry import load_version
    from steel_defect.registry_objects import RegistryError
    from steel_defect.storage import StorageError

    try:
        if isinstance(source, ModelFile):
            folder, _, name = source.location.rpartition("/")
            return Scorer(_opened(folder).get(name).data, threads=threads)
        return load_version(_opened(source.store), source.name, wanted_version(source), threads=threads)
    except (StorageError, RegistryError) as error:
        raise ModelUnavailable(str(error)) from error


def wanted_version(source: RegisteredModel) -> str:
    """The SHA-256 that is to serve.

    Raises:
        RegistryError: nothing of this name is in production, or that object cannot be read.
        StorageError: the store cannot be read.
    """
    from steel_defect.registry import production
    from steel_defect.registry_objects import RegistryError

    if source.sha256 is not None:
        return source.sha256
    state = production(_opened(source.store), source.name)
    if state is None:
        message = f"nothing is in production of {source.name} in {source.store}: promote a version"
        raise RegistryError(message)
    return state.sha256


@cache
def _opened(uri: str) -> Store:
    """The store, opened once: a client costs a tenth of a second, and keeps its connections."""
    from steel_defect.storage import open_store

    return open_store(uri)
