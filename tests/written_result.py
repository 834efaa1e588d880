"""The least that is a result."""

from __future__ import annotations

WRITTEN_RESULT = (
    b'{"schema_version": 1, "status": "failed", "problem": {"type": "urn:problem-type:steel-defect:not-an-image"},'
    b' "source": {"bucket": "b", "key": "k", "version": null, "order": "", "uri": "s3://b/k"},'
    b' "model": {"name": "probe", "version": "1", "sha256": ""}}'
)
