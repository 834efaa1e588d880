"""The Cloud Run job for uploads that were given up: processes the dead letters as the upload function does.

    python -m gcp_redrive

A message is acknowledged once its result is written and its outcome published; what fails stays. Every task takes
messages until there are none left, and each message once.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from requests import RequestException

import gcp_topic
from gcp_backfill import say
from gcp_events import ref_in_message
from gcp_subscription import Received, Subscription, SubscriptionError
from steel_defect.errors import ModelUnavailable
from steel_defect.serving import ModelSource
from steel_defect.settings import SettingsError, load_settings
from steel_defect.storage import StorageError
from steel_defect.uploads.processor import UploadProcessor

if TYPE_CHECKING:
    from steel_defect.settings import Settings


def main() -> int:
    """Run one task. The exit status is 0 unless something was left."""
    try:
        settings = load_settings()
        buckets = settings.require_buckets()
        subscription = Subscription(_dead_letters(settings))
        # Never the bundled model in place of one that cannot be loaded: the function would not take it either.
        models = ModelSource(settings)
        models.confirmed()
        publish = gcp_topic.publisher(settings.outcome_topic)
        processor = UploadProcessor(
            models,
            buckets,
            publish,
            camera=settings.camera,
            ignored_suffixes=settings.ignored_suffixes,
            coil_pattern=settings.coil_pattern,
        )
        counts, failed = _redrive(subscription, processor)
        model = models.registered().identity  # A promotion meanwhile is followed.
    except (SettingsError, ModelUnavailable, StorageError, SubscriptionError, RequestException) as error:
        say("CRITICAL", str(error))
        return 1
    say("INFO", f"{counts.total()} dead letters", **counts, model=model)
    with suppress(SubscriptionError, RequestException):  # Then they come again a little later.
        for received in failed.values():
            subscription.release(received)
    return 1 if failed else 0


def _redrive(subscription: Subscription, processor: UploadProcessor) -> tuple[Counter[str], dict[str, Received]]:
    """What came of the messages, and those that failed by their ids."""
    counts: Counter[str] = Counter()
    failed: dict[str, Received] = {}
    for received in subscription.messages():
        if received.id in failed:
            continue  # Its time was up. The next run has it.
        try:
            ref = ref_in_message(received.message)
            outcome = "ignored" if ref is None else processor.process(ref).value
            subscription.acknowledge(received)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are processed
            failed[received.id], outcome = received, "error"
            say("ERROR", f"message {received.id} stays: {error}", attributes=received.message.get("attributes", {}))
        counts[outcome] += 1
    return counts, failed


def _dead_letters(settings: Settings) -> str:
    if settings.dead_letters is None:
        message = "set DEAD_LETTERS: the subscription of the uploads that were given up"
        raise SettingsError(message)
    return settings.dead_letters


if __name__ == "__main__":
    sys.exit(main())
