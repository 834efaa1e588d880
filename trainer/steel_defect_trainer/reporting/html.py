"""HTML reports that need no other file: pictures are inside them."""

from __future__ import annotations

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined


def html_environment(package: str) -> Environment:
    """Templates in the folder of a package, with a filter `data_uri(bytes, kind)`; an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = lambda data, kind: f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return environment
