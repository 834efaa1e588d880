"""What a deployment configures by environment variables, read once and here only."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from steel_defect.camera import STATED, Camera, CameraError, stated_camera
from steel_defect.capturing import Capturing
from steel_defect.location import Buckets, Location, LocationError
from steel_defect.machine import memory_bytes, processors
from steel_defect.model_uri import ModelFile, RegisteredModel, parse_model_uri
from steel_defect.override import Override, OverrideError
from steel_defect.place import USUAL_PATTERN, PlaceError, pattern_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BUNDLED_MODEL: Final = Path(__file__).parent / "bundled" / "model.onnx"


# What writers name a file while it is not whole, and what cameras and labelling tools put beside a picture.
IGNORED_SUFFIXES: Final = (
    ".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".json", ".xml", ".csv", ".txt", ".md5",
    ".sha256", ".log", ".db", ".ds_store",
)  # fmt: skip
_PICTURES: Final = {"jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp"}
# What a share or a probability is.
_SHARE: Final = (lambda value: 0 <= value <= 1, "from 0 to 1")
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?", re.ASCII)
_A_DAY: Final = (lambda value: value in range(1001), "from 0 to 1000, a whole one")
_SECONDS: Final = (lambda value: 0 <= value < math.inf, "from 0 on")


@dataclass(frozen=True)
class Settings:
    """The configuration of this process.

    Attributes:
        model: the model to serve (`MODEL_URI`; see `parse_model_uri`; default the bundled file).
        model_refresh_seconds: how old the last check of the registry may be before a request starts the next
            (`MODEL_REFRESH_SECONDS`; default 60).
        threads: ONNX Runtime's threads for one call (`MODEL_THREADS`; default the whole processors this process has,
            one below two).
        buckets: where uploads come and where their results go (`UPLOADS_URI` and `RESULTS_URI`, given together;
            default neither: no uploads).
        uploads_endpoint: URL of the service that has the uploads, as a browser reaches it (`AWS_ENDPOINT_URL_S3`,
            `AWS_ENDPOINT_URL`, `STORAGE_EMULATOR_HOST`; default that of S3 in `AWS_REGION`, or of Cloud Storage).
        outcome_bus: EventBridge bus that is told of each result (`OUTCOME_BUS`, a name or an ARN; default nobody).
        outcome_topic: Pub/Sub topic that is (`OUTCOME_TOPIC`, projects/PROJECT/topics/TOPIC; default nobody).
        dead_letters: Pub/Sub subscription of the uploads that were given up (`DEAD_LETTERS`,
            projects/PROJECT/subscriptions/SUBSCRIPTION; needed by gcp_redrive alone).
        log_sample_rate: share of the successes that get their log line (`LOG_SAMPLE_RATE`, 0..1; default 0.1).
        ignored_suffixes: ends of names, in lower case, of uploads that are no pictures and get no result
            (`IGNORED_SUFFIXES`, separated by commas; default `IGNORED_SUFFIXES` of this module; empty for none).
        camera: what took the pictures (`MM_PER_PIXEL`, `BIT_DEPTH`, `ORIENTATION`; default nothing is known of it). A
            request can state another.
        coil_pattern: tells from the whole key of an upload which coil it is of, and where (`COIL_PATTERN`, a regular
            expression with a group `coil` and perhaps `position_mm`; default `USUAL_PATTERN` of `place`).
        coil_quiet_seconds: how long no other picture may have come after a coil's marker that states no number
            (`COIL_QUIET_SECONDS`; default 60).
        coil_longest_seconds: how long after its marker a coil gets its report, whatever is missing
            (`COIL_LONGEST_SECONDS`; default 900).
        coil_job: Cloud Run job that the upload function starts for a marker (`COIL_JOB`,
            projects/PROJECT/locations/REGION/jobs/JOB; default none: nobody reports).
        capturing: which uploads the function keeps for people to look at (`CAPTURE_DAILY`, `CAPTURE_RANDOM`,
            `CAPTURE_NEAR`; default none).
        shadow: a candidate model that scores uploads, too, and decides nothing (`SHADOW_MODEL_URI`, a version or a
            file; default none).
        allowed_origins: whose pages may call the HTTP interface from a browser, beside its own (`ALLOWED_ORIGINS`, with
            commas between them; default none).
        memory_bytes: that this process may have (`AWS_LAMBDA_FUNCTION_MEMORY_SIZE` in MB, else the limit of its control
            group); None if there is no limit.
        override: threshold and review band of this deployment, for whatever model it serves (`THRESHOLD`, `REVIEW_LOW`,
            `REVIEW_HIGH`; each by default the model file's own).
        google_project: for the traces in log lines (`GOOGLE_CLOUD_PROJECT`; default none: lines are not linked).
    """

    model: ModelFile | RegisteredModel
    model_refresh_seconds: float
    threads: int
    buckets: Buckets | None = None
    uploads_endpoint: str | None = None
    outcome_bus: str | None = None
    outcome_topic: str | None = None
    dead_letters: str | None = None
    log_sample_rate: float = 0.1
    google_project: str | None = None
    ignored_suffixes: tuple[str, ...] = IGNORED_SUFFIXES
    camera: Camera = Camera()  # noqa: RUF009 - frozen
    coil_pattern: re.Pattern[str] = pattern_of(USUAL_PATTERN)  # noqa: RUF009 - frozen
    coil_quiet_seconds: float = 60
    coil_longest_seconds: float = 900
    coil_job: str | None = None
    capturing: Capturing = Capturing()  # noqa: RUF009 - frozen
    shadow: ModelFile | RegisteredModel | None = None
    allowed_origins: frozenset[str] = frozenset()
    memory_bytes: int | None = None
    override: Override = Override()  # noqa: RUF009 - frozen

    def require_buckets(self) -> Buckets:
        """The buckets, for a program that is of no use without them.

        Raises:
            SettingsError: there are none.
        """
        if self.buckets is None:
            message = "set UPLOADS_URI and RESULTS_URI: where pictures come, and where their results go"
            raise SettingsError(message)
        return self.buckets


class SettingsError(ValueError):
    """A variable of the environment has an invalid value, or is missing."""


@cache
def load_settings() -> Settings:
    """The settings of this process."""
    return settings_from(os.environ)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: names the variable and its value.
    """
    return Settings(
        model=_model(environment),
        model_refresh_seconds=_refresh_seconds(environment),
        threads=_threads(environment),
        buckets=_buckets(environment),
        uploads_endpoint=_uploads_endpoint(environment),
        outcome_bus=environment.get("OUTCOME_BUS") or None,
        outcome_topic=environment.get("OUTCOME_TOPIC") or None,
        dead_letters=environment.get("DEAD_LETTERS") or None,
        log_sample_rate=_sample_rate(environment),
        google_project=environment.get("GOOGLE_CLOUD_PROJECT") or None,
        ignored_suffixes=_ignored_suffixes(environment),
        camera=_camera(environment),
        coil_pattern=_coil_pattern(environment),
        coil_quiet_seconds=_number(environment, "COIL_QUIET_SECONDS", 60, *_SECONDS),
        coil_longest_seconds=_number(environment, "COIL_LONGEST_SECONDS", 900, *_SECONDS),
        coil_job=environment.get("COIL_JOB") or None,
        capturing=_capturing(environment),
        shadow=_shadow(environment),
        allowed_origins=_allowed_origins(environment),
        memory_bytes=memory_bytes(environment),
        override=_override(environment),
    )


def _camera(environment: Mapping[str, str]) -> Camera:
    try:
        return stated_camera({name: environment.get(name.upper(), "") for name in STATED}, Camera())
    except CameraError as error:
        message = f"{', '.join(name.upper() for name in STATED)}: {error}"
        raise SettingsError(message) from error


def _coil_pattern(environment: Mapping[str, str]) -> re.Pattern[str]:
    try:
        return pattern_of(environment.get("COIL_PATTERN") or USUAL_PATTERN)
    except PlaceError as error:
        message = f"COIL_PATTERN: {error}"
        raise SettingsError(message) from error


def _capturing(environment: Mapping[str, str]) -> Capturing:
    default = Capturing()
    daily = _number(environment, "CAPTURE_DAILY", default.daily, *_A_DAY)
    random = _number(environment, "CAPTURE_RANDOM", default.random, *_SHARE)
    return Capturing(int(daily), random, _number(environment, "CAPTURE_NEAR", default.near, *_SHARE))


def _override(environment: Mapping[str, str]) -> Override:
    try:
        return Override(*(_probability(environment, name) for name in ("REVIEW_LOW", "THRESHOLD", "REVIEW_HIGH")))
    except OverrideError as error:
        raise SettingsError(str(error)) from error


def _refresh_seconds(environment: Mapping[str, str]) -> float:
    return _number(environment, "MODEL_REFRESH_SECONDS", 60, lambda value: 0 < value < math.inf, "above 0")


def _sample_rate(environment: Mapping[str, str]) -> float:
    return _number(environment, "LOG_SAMPLE_RATE", 0.1, *_SHARE)


def _probability(environment: Mapping[str, str], name: str) -> float | None:
    return _number(environment, name, 0, *_SHARE) if environment.get(name) else None


def _number(
    environment: Mapping[str, str], name: str, default: float, is_valid: Callable[[float], bool], words: str
) -> float:
    stated = environment.get(name)
    if not stated:
        return default
    try:
        value = float(stated)
    except ValueError:
        value = math.nan  # no comparison holds of it
    if not is_valid(value):
        message = f"{name} must be a number {words}, not {stated!r}"
        raise SettingsError(message)
    return value


def _allowed_origins(environment: Mapping[str, str]) -> frozenset[str]:
    origins = frozenset(filter(None, (one.strip() for one in environment.get("ALLOWED_ORIGINS", "").split(","))))
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            message = f"ALLOWED_ORIGINS has {origin!r}; an origin is as https://line-3.example:8443, without a path"
            raise SettingsError(message)
    return origins


def _ignored_suffixes(environment: Mapping[str, str]) -> tuple[str, ...]:
    stated = environment.get("IGNORED_SUFFIXES")
    if stated is None:
        return IGNORED_SUFFIXES
    suffixes = tuple(suffix.strip().lower() for suffix in stated.split(",") if suffix.strip())
    for suffix in suffixes:
        if suffix.strip(".") in _PICTURES:
            message = f"IGNORED_SUFFIXES must not name {suffix!r}: pictures end so, and none would be scored"
            raise SettingsError(message)
    return suffixes


def _uploads_endpoint(environment: Mapping[str, str]) -> str | None:
    scheme = environment.get("UPLOADS_URI", "").partition("://")[0]
    if scheme == "gs":
        return environment.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
    if scheme != "s3":
        return None
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    own = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    return own or f"https://s3.{region}.{domain}"


def _buckets(environment: Mapping[str, str]) -> Buckets | None:
    uploads, results = environment.get("UPLOADS_URI"), environment.get("RESULTS_URI")
    if not uploads and not results:
        return None
    if not uploads or not results:
        message = "RESULTS_URI and UPLOADS_URI go together: set both, or neither"
        raise SettingsError(message)
    try:
        return Buckets(Location.parse(uploads), Location.parse(results))
    except LocationError as error:
        message = f"UPLOADS_URI and RESULTS_URI: {error}"
        raise SettingsError(message) from error


def _model(environment: Mapping[str, str]) -> ModelFile | RegisteredModel:
    try:
        return parse_model_uri(environment.get("MODEL_URI") or str(BUNDLED_MODEL))
    except ValueError as error:
        message = f"MODEL_URI: {error}"
        raise SettingsError(message) from error


def _shadow(environment: Mapping[str, str]) -> ModelFile | RegisteredModel | None:
    stated = environment.get("SHADOW_MODEL_URI")
    if not stated:
        return None
    try:
        source = parse_model_uri(stated)
    except ValueError as error:
        message = f"SHADOW_MODEL_URI: {error}"
        raise SettingsError(message) from error
    if isinstance(source, RegisteredModel) and source.sha256 is None:
        message = f"SHADOW_MODEL_URI must name one version, STORE/models/NAME/SHA256, not {stated!r}"
        raise SettingsError(message)
    return source


def _threads(environment: Mapping[str, str]) -> int:
    stated = environment.get("MODEL_THREADS")
    if stated:
        if not stated.isascii() or not stated.isdigit() or int(stated) < 1:
            message = f"MODEL_THREADS must be a whole number from 1, not {stated!r}"
            raise SettingsError(message)
        return int(stated)
    return max(1, int(processors(environment)))
