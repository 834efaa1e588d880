"""Writes provider_schema.json: what Terraform's providers take and give, for the blocks that infra/gcp uses.

The providers themselves cannot be had from a package index, but the Python bindings that were generated from their
schemas can. After infra/gcp uses a new kind of resource (some 100 MB are fetched and read):

    uv run --no-project --isolated --with cdktf-cdktf-provider-google==16.12.1 \
        --with cdktf-cdktf-provider-google-beta==16.12.1 --with cdktf-cdktf-provider-time==11.0.1 \
        --with python-hcl2 tests/infra/gcp/make_provider_schema.py

The bindings do not say which attributes the provider fills in where they are not set, so all that is optional counts as
such; nor whether an order matters, so a set is shown as a list.
"""

from __future__ import annotations

import json
import re
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

import hcl2

_HERE: Final = Path(__file__).parent
_TERRAFORM: Final = _HERE.parents[2] / "infra" / "gcp"
_PRIMITIVES: Final = {"string": "string", "number": "number", "boolean": "bool"}
# What the bindings' classes have beside the attributes.
_OF_THE_BINDINGS: Final = {
    "cdktfProperties", "complexObjectIndex", "complexObjectIsFromSet", "connection", "constructNodeMetadata", "count",
    "creationStack", "dependsOn", "forEach", "fqn", "friendlyUniqueId", "internalValue", "lifecycle", "node",
    "provider", "provisioners", "rawOverrides", "terraformAttribute", "terraformGeneratorMetadata",
    "terraformMetaArguments", "terraformResourceType", "tfResourceType", "timeouts", "terraformResource",
    "terraformDependsOn",
}  # fmt: skip


class Bindings:
    """The generated bindings of one provider."""

    def __init__(self, package: str) -> None:
        installed = distribution(package).files or []
        (archive,) = (path.locate() for path in installed if path.name.endswith(".tgz"))
        with tarfile.open(str(archive)) as opened:
            self._types = _member(opened, "package/.jsii")["types"]
            stated = _member(opened, "package/package.json")["cdktf"]["provider"]
        self.source, self.version = stated["name"], stated["version"]
        self._prefix = f"@cdktf/{package.removeprefix('cdktf-cdktf-')}."

    def block(self, kind: str, name: str) -> dict[str, Any]:
        """The schema of a resource or a data source."""
        words = "".join(word.title() for word in name.split("_"))
        # Most providers' bindings leave their own name out of those of resources, google-beta's do not.
        own = self.source.rpartition("/")[2].title()
        for called in [f"Data{words}"] if kind == "data" else [words.removeprefix(own), words]:
            outer = f"{self._prefix}{called[0].lower()}{called[1:]}.{called}"
            if outer in self._types:
                return self._schema(f"{outer}Config", outer)
        message = f"{self.source} has no {kind} {name}"
        raise ValueError(message)

    def _schema(self, taken: str, given: str) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        inputs = self._types.get(taken, {}).get("properties", [])
        for found in inputs:
            name = _snake(found["name"])
            if found["name"] in _OF_THE_BINDINGS - {"timeouts"} or found.get("overrides"):
                continue
            many, inner = _structure(found["type"])
            if inner is None:
                attributes[name] = {"type": _type(found["type"])}
                attributes[name] |= (
                    {"optional": True, "computed": True} if found.get("optional") else {"required": True}
                )
                continue
            nested = self._schema(inner, f"{inner}OutputReference")
            if name == "timeouts":
                blocks[name] = {"single": True, **nested}
            else:
                limits = {"min": 0 if found.get("optional") else 1, "max": 0 if many else 1}
                blocks[name] = {**limits, **nested}
        known = {found["name"] for found in inputs} | _OF_THE_BINDINGS
        for found in self._types.get(given, {}).get("properties", []):
            if found["name"] not in known and not found["name"].endswith("Input") and not found.get("static"):
                attributes[_snake(found["name"])] = {"type": self._given_type(found["type"]), "computed": True}
        return {"attributes": attributes, "blocks": blocks}

    def _given_type(self, stated: dict[str, Any]) -> Any:  # noqa: ANN401 - Terraform's notation of types is JSON
        """The type of an attribute that only the provider sets."""
        name = stated.get("fqn", "")
        if name.startswith(self._prefix) and name.endswith("List"):
            inner = name.removesuffix("List")
            return ["list", _as_type(self._schema(inner, f"{inner}OutputReference"))]
        if name.startswith("cdktf.") and name.endswith("Map"):
            return ["map", name.removeprefix("cdktf.").removesuffix("Map").lower().replace("boolean", "bool")]
        return _type(stated)


def _member(archive: tarfile.TarFile, name: str) -> Any:  # noqa: ANN401 - JSON
    opened = archive.extractfile(name)
    assert opened is not None
    return json.load(opened)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", re.sub(r"(\d+)", r"\1", name)).lower()


def _alternatives(stated: dict[str, Any]) -> list[dict[str, Any]]:
    """The ways to give a value, without the bindings' own."""
    union = stated.get("union", {}).get("types", [stated])
    ways = [way for way in union if way.get("fqn") != "cdktf.IResolvable"]
    return ways or [{"primitive": "boolean"}]  # A truth value that the provider sets has no other type.


def _structure(stated: dict[str, Any]) -> tuple[bool, str | None]:
    """For a block: whether there may be several, and the name of its structure."""
    (way,) = _alternatives(stated)
    if way.get("fqn", "").startswith("@cdktf/"):
        return False, str(way["fqn"])
    element = way.get("collection", {}).get("elementtype", {})
    if element.get("fqn", "").startswith("@cdktf/"):
        return True, str(element["fqn"])
    return False, None


def _type(stated: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    (way,) = _alternatives(stated)
    if "primitive" in way:
        return _PRIMITIVES[way["primitive"]]
    if "collection" in way:
        return [{"array": "list", "map": "map"}[way["collection"]["kind"]], _type(way["collection"]["elementtype"])]
    message = f"a type that this program does not know: {stated}"
    raise ValueError(message)


def _as_type(schema: dict[str, Any]) -> list[Any]:
    """A nested block as the type of an attribute."""
    fields = {name: found["type"] for name, found in schema["attributes"].items()}
    fields |= {name: ["list", _as_type(found)] for name, found in schema["blocks"].items()}
    return ["object", fields]


def used() -> dict[str, set[tuple[str, str]]]:
    """The resources and data sources in infra/gcp: of each kind the provider and the name."""
    found: dict[str, set[tuple[str, str]]] = {"resource": set(), "data": set()}
    for path in _TERRAFORM.glob("*.tf"):
        content = hcl2.loads(path.read_text(encoding="utf-8"))
        for kind, names in found.items():
            for quoted, labelled in ((name, body) for block in content.get(kind, []) for name, body in block.items()):
                name, (body,) = quoted.strip('"'), labelled.values()
                provider = body.get("provider", name.partition("_")[0]).strip("${}").partition(".")[0]
                names |= {(provider, name)}
    return found


def main() -> None:
    """Write the file."""
    bindings = {name: Bindings(f"cdktf-cdktf-provider-{name}") for name in ("google", "google-beta", "time")}
    providers: dict[str, Any] = {
        name: {"source": found.source, "version": found.version, "resource": {}, "data": {}}
        for name, found in bindings.items()
    }
    for kind, names in used().items():
        for provider, name in sorted(names):
            providers[provider][kind][name] = bindings[provider].block(kind, name)
    lines = json.dumps(providers, indent=1, sort_keys=True)
    # One line for each attribute or limit, not one for each word.
    lines = re.sub(r"\{\n\s+([^{}\[\]]*?)\n\s+\}", lambda found: "{" + re.sub(r"\n\s+", " ", found[1]) + "}", lines)
    (_HERE / "provider_schema.json").write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
