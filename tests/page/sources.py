"""What the page is made of, before it is one file."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "page"
MARKUP = (FOLDER / "page.html").read_text(encoding="utf-8")
TEXTS = (FOLDER / "script" / "texts.js").read_text(encoding="utf-8")
SCRIPTS = "".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "script").iterdir()))
