"""Loads the model that `MODEL_URI` names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from steel_defect.errors import ModelUnavailable
from steel_defect.model_uri import ModelFile, RegisteredModel
from steel_defect.override import OverrideError

# ONNX Runtime must not be loaded before a server forks (see serving.py), and a start with the bundled model need not
# wait for what reads a registry: both are imported when they are used.
if TYPE_CHECKING:
    from steel_defect.override import Override
    from steel_defect.scorer import Scorer
    from steel_defect.storage import Store


def load_model(source: ModelFile | RegisteredModel, override: Override, *, threads: int) -> Scorer:
    """Load the model, to decide as `override` says. A version of a registry is checked as `registry.load_version` does.

    Raises:
        ModelUnavailable: it is missing, damaged, or does not follow the contract, or its store cannot be read; or its
            own threshold and review band do not fit those of `override`.
    """
    scorer = _loaded(source, threads)
    if not override:
        return scorer
    try:
        return scorer.deciding_by(override.apply(scorer.contract))
    except OverrideError as error:
        raise ModelUnavailable(str(error)) from error


def _loaded(source: ModelFile | RegisteredModel, threads: int) -> Scorer:
    from steel_defect.scorer import Scorer

    if isinstance(source, ModelFile) and source.path is not None:
        return Scorer(source.path, threads=threads)
    from steel_defect.registry import RegistryError, load_version
    from steel_defect.storage import StorageError

    try:
        if isinstance(source, ModelFile):
            folder, _, name = source.location.rpartition("/")
            return Scorer(_opened(folder).get(name).data, threads=threads)
        return load_version(_opened(source.store), source.name, wanted_version(source), threads=threads)
    except (StorageError, RegistryError) as error:
        raise ModelUnavailable(str(error)) from error


def wanted_version(source: RegisteredModel) -> str:
    """The SHA-256 of the version that should serve.

    Raises:
        RegistryError: no version of this name is in production, or that object cannot be read.
        StorageError: the store cannot be read.
    """
    from steel_defect.registry import RegistryError, production

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
