"""The model that this process serves: loaded once, shared by all threads, kept up to date with a registry.

A request gets the present model at once. If the last check of the registry is older than `MODEL_REFRESH_SECONDS`, the
request also starts a thread that checks again. A promoted model is loaded and tested in that thread, and replaces the
old one in one assignment, so the first requests after a promotion still get the old model. A timer would not be sooner
on Lambda, which freezes the process between requests. The wall clock decides: after a restore from a snapshot it is
right again, and the monotonic clock may not be.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Literal, Protocol

from steel_defect.errors import ModelUnavailable
from steel_defect.model_uri import ModelFile

# ONNX Runtime starts threads when it is imported, and they do not survive a fork: a server that forks its workers after
# loading this code would hang when they stop. So everything heavy is imported at the first call.

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.model_uri import RegisteredModel
    from steel_defect.scorer import Scorer
    from steel_defect.settings import Settings

# Lambda ends a start after 10 s; the registry has the rest that the imports leave.
_START_SECONDS: Final = 6.0
# A call that cannot go on without the registry waits so long for it.
_WAIT_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegistryState:
    """How the model that serves relates to the one that the registry names.

    Attributes:
        uri: `MODEL_URI`.
        state: "current" - the version that the registry names serves; "stale" - a model from the registry serves, but
            the last check or the model it found failed; "bundled" - no model came from the registry yet, the bundled
            one serves.
        error: why it is not current; None if it is, and before the first check has ended.
        checked: when the last check ended, ISO 8601, UTC.
    """

    uri: str
    state: Literal["current", "stale", "bundled"]
    error: str | None
    checked: str | None


class _Served(Protocol):
    """A model in service, fixed or following a registry."""

    @property
    def state(self) -> RegistryState | None:
        """Its relation to the registry; None without a registry."""

    def current(self) -> Scorer:
        """The model that serves now."""

    def registered(self) -> Scorer:
        """See `ModelSource`."""

    def confirmed(self) -> Scorer:
        """See `ModelSource`."""

    def check(self, wait_seconds: float) -> None:
        """Check the registry, and wait for the end of that at most so long."""


class ModelSource:
    """Gives the model, at every call.

    Attributes:
        settings: which say what to serve.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        """Load nothing yet, and start no thread."""
        self.settings = settings
        self._clock = clock
        self._lock = Lock()
        self._served: _Served | None = None

    def __call__(self) -> Scorer:
        """The model that serves now. Safe to call from several threads.

        Raises:
            ModelUnavailable: there is none: the file is missing, damaged, or does not follow the contract. The next
                call tries again.
        """
        if self._served is None:
            with self._lock:
                if self._served is None:
                    self._served = self._load()
        return self._served.current()

    def begin(self) -> None:
        """Begin to load a file of this machine; the caller goes on with its start, and the first call waits for it.

        Not before a server forks, as it imports ONNX Runtime.
        """
        source = self.settings.model
        if isinstance(source, ModelFile) and source.path is not None:
            from steel_defect.session import open_ahead

            open_ahead(source.path, self.settings.threads)

    def registered(self) -> Scorer:
        """The model that serves, but never the bundled one in place of one that the registry names.

        Raises:
            ModelUnavailable: as a call does; or no model came from the registry yet.
        """
        self()
        assert self._served is not None  # noqa: S101 - it was loaded just now
        return self._served.registered()

    def confirmed(self) -> Scorer:
        """The model that is in production now: the registry is checked, due or not.

        Raises:
            ModelUnavailable: as a call does; or the registry cannot be read, or its model cannot serve.
        """
        self()
        assert self._served is not None  # noqa: S101 - as above
        return self._served.confirmed()

    def state(self) -> RegistryState | None:
        """The relation of the model that serves to the registry; None if `MODEL_URI` names none."""
        return None if self._served is None else self._served.state

    def check_now(self, wait_seconds: float) -> None:
        """Check the registry, due or not, and wait at most that long: for after a restore from a snapshot."""
        if self._served is not None:
            self._served.check(wait_seconds)

    def _load(self) -> _Served:
        from steel_defect.loading import load_model
        from steel_defect.settings import BUNDLED_MODEL

        source, override, threads = self.settings.model, self.settings.override, self.settings.threads
        if isinstance(source, ModelFile):
            return FixedModel(load_model(source, override, threads=threads))
        follower = _Follower(source, self.settings, self._clock)
        follower.check(_START_SECONDS)
        if not follower.ready():
            # A check that takes longer continues, and its model replaces this one.
            follower.take_bundled(load_model(ModelFile(str(BUNDLED_MODEL)), override, threads=threads))
        return follower


class FixedModel:
    """A model that never changes."""

    state: Final = None

    def __init__(self, scorer: Scorer) -> None:
        """Take the model."""
        self._scorer = scorer

    def current(self) -> Scorer:
        """The model."""
        return self._scorer

    registered = confirmed = current

    def check(self, wait_seconds: float) -> None:
        """No registry has to be checked."""


class _Follower:
    """Follows one model of a registry. The model and `state` are each replaced as a whole."""

    def __init__(self, source: RegisteredModel, settings: Settings, clock: Callable[[], float]) -> None:
        self._scorer: Scorer | None = None
        self.state = RegistryState(source.uri, "bundled", None, None)
        self._source = source
        self._settings = settings
        self._clock = clock
        self._checked = clock()
        self._begun = 0
        self._lock = Lock()
        self._done = Event()
        self._done.set()

    def ready(self) -> bool:
        """Whether there is a model."""
        return self._scorer is not None

    def current(self) -> Scorer:
        """The model that serves. Starts a check if the last one is too long ago."""
        assert self._scorer is not None  # noqa: S101 - a follower is used when it is ready
        age = self._clock() - self._checked
        # If the clock was set back, the age is unknown.
        if not 0 <= age < self._settings.model_refresh_seconds:
            self.check(0)
        return self._scorer

    def registered(self) -> Scorer:
        """See `ModelSource`."""
        if self.state.state == "bundled":
            self.check(_WAIT_SECONDS)
        return self._of_registry("current", "stale")

    def confirmed(self) -> Scorer:
        """See `ModelSource`."""
        began = self._begun
        self.check(_WAIT_SECONDS)
        if self._begun == began:  # That was another's check, which may have read before a promotion.
            self.check(_WAIT_SECONDS)
        if not self._done.is_set():
            message = f"the registry does not say what is in production of {self._source.uri}: it does not answer"
            raise ModelUnavailable(message)
        return self._of_registry("current")

    def _of_registry(self, *states: str) -> Scorer:
        # Read before the model, which is replaced first: so the state never promises more of the model than is true.
        state = self.state
        if state.state not in states:
            reason = state.error or "it does not answer"
            message = f"the registry does not say what is in production of {state.uri}: {reason}"
            raise ModelUnavailable(message)
        return self.current()

    def take_bundled(self, bundled: Scorer) -> None:
        """Serve the bundled model, unless one of the registry has come meanwhile."""
        with self._lock:
            self._scorer = self._scorer or bundled

    def check(self, wait_seconds: float) -> None:
        """Start a check, unless one is under way, and wait for it at most that long."""
        with self._lock:
            if self._done.is_set():
                self._done.clear()
                self._begun += 1
                try:
                    Thread(target=self._check, name="model-registry", daemon=True).start()
                except RuntimeError:  # No thread can be started: the request is answered all the same.
                    _log.exception("no thread to check the registry with")
                    self._done.set()
        if wait_seconds:
            self._done.wait(wait_seconds)

    def _check(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - whatever it was, the present model still serves
            self._set_state("bundled" if self.state.state == "bundled" else "stale", _line(error))
            from steel_defect.registry import RegistryError
            from steel_defect.storage import StorageError

            said = "the model that %s names cannot be served; what serves stays: %s"
            # Where the error says all there is, its traceback would only hide that.
            known = isinstance(error, RegistryError | StorageError | ModelUnavailable)
            _log.error(said, self._source.uri, _line(error), exc_info=None if known else error)
        finally:
            self._checked = self._clock()
            self._done.set()

    def _follow(self) -> None:
        from steel_defect.loading import load_model, wanted_version

        wanted = wanted_version(self._source)
        before = None if self._scorer is None else self._scorer.sha256
        if wanted != before:
            source = replace(self._source, sha256=wanted)
            found = load_model(source, self._settings.override, threads=self._settings.threads)
            with self._lock:
                self._scorer = found
            _log.warning("model %s serves from now on; before: %s", wanted, before)
        self._set_state("current", None)

    def _set_state(self, state: Literal["current", "stale", "bundled"], error: str | None) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        self.state = RegistryState(self._source.uri, state, error, now)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:500]
