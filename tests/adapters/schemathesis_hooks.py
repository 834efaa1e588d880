"""What schemathesis cannot know: what a picture is. It loads this file by SCHEMATHESIS_HOOKS."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies

from tests.pictures import encoded, gradient, gray, strip_jpeg

_STRIP = gray(gradient(64, 400))
_PICTURES = [strip_jpeg(), *(encoded(_STRIP, name) for name in ("PNG", "WEBP", "BMP", "TIFF", "GIF"))]

for kind in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, strategies.sampled_from(_PICTURES) | strategies.binary(max_size=200))
