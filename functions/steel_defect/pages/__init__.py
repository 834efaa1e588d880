"""The pages for people: one HTML file each, style and script inside, and the headers that say what a page may do."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from steel_defect.http import Response

_FOLDER: Final = Path(__file__).parent


@cache
def page_response(name: str, uploads: tuple[str, ...] = ()) -> Response:
    """The page `name`.html of this folder, with its Content-Security-Policy.

    Pictures go to the function that served the page, or to `uploads`, the places its signed URLs are of; nowhere else.
    """
    text = (_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    return Response(
        200,
        {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": content_security_policy(text, uploads),
            "cache-control": "no-cache",
            "permissions-policy": "camera=(self), geolocation=(), microphone=()",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
        text,
    )


def content_security_policy(html: str, uploads: tuple[str, ...]) -> str:
    """What a page may do: run its own script and style, known by their hashes, talk to its own function, and upload.

    `require-trusted-types-for` has the browser refuse a string as HTML, whatever the script does.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(html, 'script')}",
            f"style-src {_hashes(html, 'style')}",
            "img-src blob: data:",
            " ".join(("connect-src 'self'", *uploads)),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hashes(html: str, element: str) -> str:
    contents = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'" for content in contents)
