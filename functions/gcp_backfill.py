"""The Cloud Run job: scores every upload below a prefix that has no result of this model yet.

    python -m gcp_backfill [PREFIX]

Each task takes its share. Cloud Run starts a failed task again, and it continues where it was.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from steel_defect.errors import ModelUnavailable
from steel_defect.location import LocationError
from steel_defect.serving import ModelSource
from steel_defect.settings import SettingsError, load_settings
from steel_defect.storage import StorageError
from steel_defect.uploads.backfill import Backfill, Share

if TYPE_CHECKING:
    from collections.abc import Mapping

# They wait for the network most of the time.
_WORKERS_PER_PROCESSOR: Final = 4


def main(prefix: str) -> int:
    """Run one task. The exit status is 0 unless something was left undone that another run may do."""
    try:
        share = _share(os.environ)
        chosen = load_settings()
        buckets = chosen.require_buckets()
        models = ModelSource(chosen)
        # Never the bundled model in place of one that cannot be loaded: every result would be by that model.
        models.confirmed()
        buckets = replace(buckets, uploads=buckets.uploads.below(prefix))
        work = Backfill(
            models,
            buckets,
            camera=chosen.camera,
            ignored_suffixes=chosen.ignored_suffixes,
            coil_pattern=chosen.coil_pattern,
        )
        counts: Counter[str] = Counter()
        for done in work.run(_WORKERS_PER_PROCESSOR * chosen.threads, share):
            counts["error" if done.outcome is None else done.outcome.value] += 1
            if done.error:
                say("ERROR", f"{done.uri}: {done.error}")
        model = models.registered().identity  # A promotion meanwhile is followed.
    except (SettingsError, LocationError, ModelUnavailable, StorageError) as error:
        say("CRITICAL", str(error))
        return 1
    say("INFO", f"task {share.index} of {share.count}: {counts.total()} objects", **counts, model=model)
    return 1 if counts["error"] else 0


def _share(environment: Mapping[str, str]) -> Share:
    """The share that Cloud Run gives this task; everything if it gives none."""
    index, count = (environment.get(f"CLOUD_RUN_TASK_{name}") for name in ("INDEX", "COUNT"))
    try:
        return Share(int(index or 0), int(count or 1))
    except ValueError as error:
        message = f"CLOUD_RUN_TASK_INDEX is {index!r} and CLOUD_RUN_TASK_COUNT {count!r}: {error}"
        raise SettingsError(message) from error


def say(severity: str, message: str, **fields: object) -> None:
    """One line for Cloud Logging."""
    sys.stdout.write(json.dumps({"severity": severity, "message": message, **fields}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
