"""One instance of the upload function that a test can kill: messages come on stdin, what is done goes to stdout.

python -m tests.uploads.storm_worker CLOUD UPLOADS RESULTS REGISTRY TOLD
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from steel_defect.location import Buckets, Location
from steel_defect.serving import ModelSource
from steel_defect.settings import settings_from
from steel_defect.uploads.processor import UploadProcessor
from steel_defect.uploads.refs import ref_from_cloud_storage, refs_in_text


def main(cloud: str, uploads: str, results: str, model: str, told: Path) -> None:
    """Work on one message after another."""
    settings = settings_from({"MODEL_URI": model, "MODEL_REFRESH_SECONDS": "0.5"})

    def publish(outcome: dict[str, object]) -> None:
        with told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome) + "\n")

    buckets = Buckets(Location.parse(uploads), Location.parse(results))
    processor = UploadProcessor(ModelSource(settings), buckets, publish)
    for line in sys.stdin:
        number, message = json.loads(line)
        refs = [ref_from_cloud_storage(json.loads(message))] if cloud == "gs" else refs_in_text(message)
        try:
            for ref in refs:
                processor.process(ref)
        except Exception as error:  # noqa: BLE001 - whatever it was, the message stays in the queue
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            number = None
        sys.stdout.write(json.dumps(number) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], Path(sys.argv[5]))
