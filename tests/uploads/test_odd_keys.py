"""Keys as cameras and people make them, through the events and the object stores of both clouds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steel_defect.location import Buckets, Location
from steel_defect.serving import FixedModel
from steel_defect.storage import open_store
from steel_defect.uploads.processor import Outcome, UploadProcessor
from steel_defect.uploads.refs import ObjectRef, ref_from_cloud_storage, refs_in
from steel_defect.uploads.results import result_key
from tests.pictures import strip_jpeg
from tests.uploads import events
from tests.uploads.test_refs import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from steel_defect.scorer import Scorer


def test_every_key_has_its_own_result_below_the_prefix(
    cloud: str, probe: Scorer, make_bucket: Callable[[], str]
) -> None:
    bucket, results_bucket = make_bucket(), make_bucket()
    uploads = open_store(f"{cloud}://{bucket}")
    processor = UploadProcessor(
        FixedModel(probe), Buckets(Location(cloud, bucket), Location(cloud, results_bucket, "kept here"))
    )
    for number, key in enumerate(KEYS):
        info = uploads.put(key, strip_jpeg())
        if cloud == "gs":
            sent = events.cloud_storage(ObjectRef("gs", bucket, key, str(info.version), size=info.size))
            ref = ref_from_cloud_storage(sent)
        else:
            order = f"{number:016X}"
            made = ObjectRef("s3", bucket, key, order, version=info.version, size=info.size, tag=info.tag.strip('"'))
            (ref,) = refs_in(events.s3_notification(made))
        assert processor.process(ref) == Outcome.SCORED, key
    everything = [info.key for info in open_store(f"{cloud}://{results_bucket}").list()]
    assert sorted(everything) == sorted(f"kept here/{result_key(key)}" for key in KEYS)
    results = open_store(f"{cloud}://{results_bucket}/kept here")
    for key in KEYS:
        assert json.loads(results.get(result_key(key)).data)["source"]["key"] == key
