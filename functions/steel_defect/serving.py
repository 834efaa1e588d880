"""The model that this process serves: loaded once, shared by all threads, kept up to date with a registry.

A request gets the model that is there, at once. When the last look at the registry is `MODEL_REFRESH_SECONDS` ago, a
request also starts a thread that looks again; a promoted model is loaded and tested there, whole, and replaces the old
one in one assignment. So a promotion is served by the requests that come after the first one beyond that time. A timer
would not be sooner on Lambda, which freezes the process between requests. The wall clock decides: it is right again
after a restore from a snapshot, when the monotonic clock may not be.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Literal

from steel_defect.errors import ModelUnavailable

# ruff: noqa: PLC0415 - ONNX Runtime starts threads when it is imported, and they do not survive a fork: a server that
# forks its workers after loading this code would hang when they stop. Everything heavy is imported at the first call.

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.model_uri import RegisteredModel
    from steel_defect.scorer import Scorer
    from steel_defect.settings import Settings

# Lambda ends a start after 10 s; the registry has the part of it that the imports leave.
_START_SECONDS: Final = 6.0
# A call that cannot go on without the registry waits so long for it.
_LOOK_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegistryState:
    """How what serves relates to what the registry says.

    Attributes:
        uri: `MODEL_URI`.
        state: "current" - what the registry says serves; "stale" - a model from the registry serves, but the last look
            or the model it found failed; "bundled" - the registry gave no model yet, the bundled one serves.
        error: why it is not current; None where it is, and before the first look came to its end.
        checked: when the last look came to its end, ISO 8601, UTC.
    """

    uri: str
    state: Literal["current", "stale", "bundled"]
    error: str | None
    checked: str | None


def model_source(settings: Callable[[], Settings]) -> ModelSource:
    """The source of the model for the settings, which are read at its first call."""
    return ModelSource(settings)


class FixedModel:
    """One model that nothing replaces, where a `ModelSource` is asked for."""

    def __init__(self, scorer: Scorer) -> None:
        """Take the model."""
        self._scorer = scorer

    def registered(self) -> Scorer:
        """The model."""
        return self._scorer

    def confirmed(self) -> Scorer:
        """The model."""
        return self._scorer


class ModelSource:
    """Gives the model, at every call."""

    def __init__(self, settings: Callable[[], Settings], clock: Callable[[], float] = time.time) -> None:
        """Load nothing yet, and start no thread."""
        self._settings = settings
        self._clock = clock
        self._lock = Lock()
        self._loaded: Scorer | _Follower | None = None

    def __call__(self) -> Scorer:
        """The model that serves now. Safe to call from several threads.

        Raises:
            ModelUnavailable: there is none: the file is missing, damaged, or not of the contract. The next call tries
                again.
        """
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = self._load()
        if isinstance(self._loaded, _Follower):
            self._loaded.look_if_due()
            return self._loaded.current()
        return self._loaded

    def registered(self) -> Scorer:
        """The model that serves, but never the bundled one in place of one that the registry names.

        Raises:
            ModelUnavailable: as a call does; or the registry gave no model yet.
        """
        scorer = self()
        if isinstance(self._loaded, _Follower) and self._loaded.state.state == "bundled":
            self._loaded.look(_LOOK_SECONDS)
            return self._loaded.of_registry()
        return scorer

    def confirmed(self) -> Scorer:
        """The model that is in production now: the registry is asked, due or not.

        Raises:
            ModelUnavailable: as a call does; or the registry cannot be read, or its model cannot serve.
        """
        scorer = self()
        if isinstance(self._loaded, _Follower):
            self._loaded.look_anew(_LOOK_SECONDS)
            return self._loaded.of_registry(current=True)
        return scorer

    def state(self) -> RegistryState | None:
        """What serves, in relation to the registry; None where `MODEL_URI` names none."""
        return self._loaded.state if isinstance(self._loaded, _Follower) else None

    def look_now(self, wait_seconds: float) -> None:
        """Look at the registry, due or not, and wait at most that long. For after a restore from a snapshot."""
        if isinstance(self._loaded, _Follower):
            self._loaded.look(wait_seconds)

    def _load(self) -> Scorer | _Follower:
        from steel_defect.model_uri import ModelFile, load_model
        from steel_defect.settings import BUNDLED_MODEL

        chosen = self._settings()
        if isinstance(chosen.model, ModelFile):
            return load_model(chosen.model, threads=chosen.threads)
        follower = _Follower(chosen.model, chosen, self._clock)
        follower.look(_START_SECONDS)
        if not follower.ready():
            # A look that takes longer goes on, and its model replaces this one.
            follower.take_bundled(load_model(ModelFile(str(BUNDLED_MODEL)), threads=chosen.threads))
        return follower


class _Follower:
    """Follows one model of a registry. The model and `state` are each replaced as a whole."""

    def __init__(self, source: RegisteredModel, settings: Settings, clock: Callable[[], float]) -> None:
        self._scorer: Scorer | None = None
        self.state = RegistryState(source.uri, "bundled", None, None)
        self._source = source
        self._settings = settings
        self._clock = clock
        self._looked = clock()
        self._begun = 0
        self._lock = Lock()
        self._done = Event()
        self._done.set()

    def ready(self) -> bool:
        """Whether there is a model."""
        return self._scorer is not None

    def current(self) -> Scorer:
        """The model that serves."""
        assert self._scorer is not None  # noqa: S101 - nobody has a follower that is not ready
        return self._scorer

    def of_registry(self, *, current: bool = False) -> Scorer:
        """The model that serves, if the registry gave it; if `current`, at the last look.

        Raises:
            ModelUnavailable: it did not.
        """
        # The state follows the model: read before it, it never says more of the model than is so.
        state = self.state
        if state.state == "bundled" or (current and state.state != "current"):
            message = f"the registry does not say what is in production of {state.uri}: {state.error or 'no answer'}"
            raise ModelUnavailable(message)
        return self.current()

    def take_bundled(self, bundled: Scorer) -> None:
        """Serve the bundled model, unless one of the registry came meanwhile."""
        with self._lock:
            self._scorer = self._scorer or bundled

    def look_if_due(self) -> None:
        """Start a look where the last one is too long ago."""
        age = self._clock() - self._looked
        # A clock that was set back says nothing of the age.
        if not 0 <= age < self._settings.model_refresh_seconds:
            self.look(0)

    def look_anew(self, wait_seconds: float) -> None:
        """Wait for a look that began after this call, for at most that long."""
        began = self._begun
        self.look(wait_seconds)
        if self._begun == began:  # That was another's, which may have read before a promotion.
            self.look(wait_seconds)
        if not self._done.is_set():
            self._say("bundled" if self.state.state == "bundled" else "stale", "the registry does not answer")

    def look(self, wait_seconds: float) -> None:
        """Start a look, unless one is under way, and wait for it at most that long."""
        with self._lock:
            if self._done.is_set():
                self._done.clear()
                self._begun += 1
                try:
                    Thread(target=self._look, name="model-registry", daemon=True).start()
                except RuntimeError:  # No thread to be had: the request that asked is answered all the same.
                    _log.exception("no thread to look at the registry with")
                    self._done.set()
        if wait_seconds:
            self._done.wait(wait_seconds)

    def _look(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - as said below
            # Whatever it was, the model that serves goes on serving.
            self._say("bundled" if self.state.state == "bundled" else "stale", _line(error))
            _log.exception("the model that %s names cannot be served; what serves stays", self._source.uri)
        finally:
            self._looked = self._clock()
            self._done.set()

    def _follow(self) -> None:
        from steel_defect.model_uri import load_model, wanted_version

        wanted = wanted_version(self._source)
        before = None if self._scorer is None else self._scorer.sha256
        if wanted != before:
            found = load_model(replace(self._source, sha256=wanted), threads=self._settings.threads)
            with self._lock:
                self._scorer = found
            _log.warning("model %s serves from now on; before: %s", wanted, before)
        self._say("current", None)

    def _say(self, state: Literal["current", "stale", "bundled"], error: str | None) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        self.state = RegistryState(self._source.uri, state, error, now)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:500]
