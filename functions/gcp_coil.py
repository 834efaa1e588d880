"""The Cloud Run job that closes a coil: waits until its pictures are judged, and writes its report.

    python -m gcp_coil line-3/4711/coil.json

The upload function starts it when a coil's marker comes (see `start`), and anybody may again.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from requests import RequestException

import gcp_topic
from gcp_backfill import say
from steel_defect.coils.acceptance import AcceptanceError
from steel_defect.coils.closing import MarkerError, closing_of
from steel_defect.settings import SettingsError, load_settings
from steel_defect.storage import StorageError

if TYPE_CHECKING:
    import requests

_LOOK_SECONDS: Final = 15
_RUN: Final = "https://run.googleapis.com"
_TIMEOUT_SECONDS: Final = 10
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


class NotStarted(RuntimeError):
    """The job was not started; the event of the marker is sent again."""


def main(key: str) -> int:
    """Wait and report. The exit status is 0 once the report is written and its outcome published."""
    if os.environ.get("CLOUD_RUN_TASK_INDEX", "0") != "0":
        return 0  # One task closes a coil.
    try:
        settings = load_settings()
        publish = gcp_topic.publisher(settings.outcome_topic)
        closing = closing_of(settings, key)
        while not closing.is_finished():
            time.sleep(min(_LOOK_SECONDS, settings.coil_quiet_seconds))
        outcome = closing.report()
        if publish is not None:
            publish(outcome)
    except (
        SettingsError, MarkerError, AcceptanceError, StorageError, gcp_topic.NotPublished, RequestException,
    ) as error:  # fmt: skip
        say("CRITICAL", f"{key}: {error}")
        return 1
    say("INFO", f"coil {outcome['coil']!r}: {outcome['decision']}", **outcome)
    return 0


def start(job: str, key: str) -> None:
    """Start the job `projects/PROJECT/locations/REGION/jobs/JOB` for one marker.

    Raises:
        NotStarted: it was not.
    """
    container = {"args": ["-m", "gcp_coil", key]}
    body = {"overrides": {"containerOverrides": [container], "taskCount": 1}}
    try:
        answer = _session().post(f"{_RUN}/v2/{job}:run", json=body, timeout=_TIMEOUT_SECONDS)
    except RequestException as error:
        message = f"Cloud Run cannot be reached: {error}"
        raise NotStarted(message) from error
    if not answer.ok:
        message = f"Cloud Run did not start {job}: {answer.status_code} {answer.text[:200]}"
        raise NotStarted(message)


def _session() -> requests.Session | Any:  # noqa: ANN401 - google.auth states no types
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return AuthorizedSession(credentials)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
