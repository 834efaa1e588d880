"""SAM's own translation of a template into CloudFormation. Run as a program, in an environment of its own.

Standard input is a JSON object: the template, and the values of its parameters. Standard output is what CloudFormation
would get.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]  # not in our environment


class _NoPolicies:
    """The template names AWS's managed policies by their ARN, so that nobody is asked for them."""

    def load(self) -> dict[str, str]:
        """Names and ARNs."""
        return {}


def main() -> None:
    """Translate."""
    asked: list[dict[str, Any]] = json.load(sys.stdin)
    found = [transform(one["template"], one["parameters"], _NoPolicies()) for one in asked]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
