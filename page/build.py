#!/usr/bin/env python3
"""Writes the one file that the functions serve from the sources in this folder; --check says if it is out of date."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import minify

SOURCE: Final = Path(__file__).parent
BUILT: Final = SOURCE.parent / "functions" / "steel_defect" / "pages" / "page.html"

_STYLES: Final = re.compile(r'(?:<link rel="stylesheet" href="[\w/.]+">\n)+')
_SCRIPTS: Final = re.compile(r'(?:<script src="[\w/.]+"></script>\n)+')


def built() -> str:
    """The page: `page.html` with its style sheets as one, and its scripts as one, in the order it names them."""
    skeleton = (SOURCE / "page.html").read_text(encoding="utf-8")
    style = minify.string("text/css", _named(_STYLES, skeleton))
    # Inside a function, whose names can be short.
    script = minify.string("application/javascript", f"(() => {{'use strict';\n{_named(_SCRIPTS, skeleton)}}})();")
    page = _STYLES.sub(lambda _: f"<style>{style}</style>\n", skeleton)
    page = _SCRIPTS.sub(lambda _: f"<script>{script}</script>\n", page)
    return re.sub(r"^ +", "", page, flags=re.MULTILINE)


def _named(elements: re.Pattern[str], skeleton: str) -> str:
    (block,) = elements.findall(skeleton)
    files = [SOURCE / name for name in re.findall(r'"(\w+/[\w.]+)"', block)]
    unnamed = set(files[0].parent.iterdir()) - set(files)
    if unnamed:
        names = ", ".join(sorted(path.name for path in unnamed))
        sys.exit(f"page/page.html does not name {names}")
    return "".join(path.read_text(encoding="utf-8") for path in files)


def main() -> None:
    """Write it, or compare."""
    page = built()
    if "--check" not in sys.argv:
        BUILT.write_text(page, encoding="utf-8")
    elif page != BUILT.read_text(encoding="utf-8"):
        sys.exit("functions/steel_defect/pages/page.html is out of date: run page/build.py")


if __name__ == "__main__":
    main()
