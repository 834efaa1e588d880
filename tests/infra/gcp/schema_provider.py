"""A Terraform provider that knows the schema of a real one, and nothing else: for `validate` and mocked tests.

Runs in an environment of its own as `python -u schema_provider.py google`, or another name in provider_schema.json,
prints where Terraform finds it, and serves until it is stopped; see terraform.py. The library `tf` carries Terraform's
plugin protocol; its own schema classes have no lists of blocks, so the messages are made here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from tf import provider, runner  # type: ignore[import-not-found]  # in an environment of its own
from tf.gen import tfplugin_pb2 as pb  # type: ignore[import-not-found]  # as above

_SCHEMA: Final = Path(__file__).with_name("provider_schema.json")
# What infra/gcp/versions.tf says to the providers themselves.
_CONFIGURATION: Final = {
    "attributes": {
        "project": {"type": "string", "optional": True},
        "region": {"type": "string", "optional": True},
        "default_labels": {"type": ["map", "string"], "optional": True},
        "billing_project": {"type": "string", "optional": True},
        "user_project_override": {"type": "bool", "optional": True},
    },
    "blocks": {},
}


class Schema(provider.ProviderServicer):  # type: ignore[misc]  # as above
    """Answers what there is, and that anything which fits it is right: Terraform itself finds what does not."""

    def __init__(self, name: str) -> None:
        """Take the name of a provider in provider_schema.json."""
        super().__init__(None)
        self._schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))[name]

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        return pb.GetProviderSchema.Response(
            provider=pb.Schema(block=_block(_CONFIGURATION)),
            resource_schemas={name: pb.Schema(block=_block(found)) for name, found in self._schema["resource"].items()},
            data_source_schemas={name: pb.Schema(block=_block(found)) for name, found in self._schema["data"].items()},
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - as above
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - as above
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - as above
        return pb.ValidateDataResourceConfig.Response()


def _block(schema: dict[str, Any]) -> Any:  # noqa: ANN401 - the library ships no types
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(name=name, **{**found, "type": json.dumps(found["type"]).encode()})
            for name, found in schema["attributes"].items()
        ],
        block_types=[_nested(name, found) for name, found in schema["blocks"].items()],
    )


def _nested(name: str, found: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    nesting = pb.Schema.NestedBlock.NestingMode
    if found.get("single"):
        return pb.Schema.NestedBlock(type_name=name, block=_block(found), nesting=nesting.SINGLE)
    limits = {"min_items": found["min"], "max_items": found["max"]}
    return pb.Schema.NestedBlock(type_name=name, block=_block(found), nesting=nesting.LIST, **limits)


class Address:
    """What the library asks a provider for, to say where it is."""

    def __init__(self, name: str) -> None:
        """Take a name as `Schema` does."""
        self._name = name

    def full_name(self) -> str:
        """As Terraform calls it."""
        return f"registry.terraform.io/hashicorp/{self._name}"


if __name__ == "__main__":
    provider.ProviderServicer = lambda address: Schema(address.full_name().rpartition("/")[2])
    runner.run_provider(Address(sys.argv[1]), ["--dev"])
