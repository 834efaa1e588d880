"""Templates as data, with their references and substitutions resolved to names that tests can know."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from tests.conftest import REPOSITORY

NAMES: Final = {
    "AWS::StackName": "stack",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_ARNS: Final = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-central-1:111122223333:{}",
    "AWS::Events::EventBus": "arn:aws:events:eu-central-1:111122223333:event-bus/{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-central-1:111122223333:log-group:{}:*",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role{Path}{}",
}


class _Loader(yaml.SafeLoader):
    """Reads the short forms, such as !Ref, as their long ones."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Any:  # noqa: ANN401 - YAML
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def template(path: str = "template.yaml") -> dict[str, Any]:
    """A template as it stands, short forms as long ones."""
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, with tags that make plain data
    return found


def defaults(source: dict[str, Any]) -> dict[str, str]:
    """The value of each parameter that is not given."""
    return {name: str(parameter.get("Default")) for name, parameter in source["Parameters"].items()}


def _merged(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """As SAM merges what is global with what a function has itself."""
    both = {
        name: _merged(shared[name], own[name]) for name in shared.keys() & own.keys() if isinstance(own[name], dict)
    }
    return {**shared, **own, **both}


class Resolved:
    """The template for some parameters; what is not given has its default."""

    def __init__(self, source: dict[str, Any] | None = None, /, **parameters: str) -> None:
        """Take another source than the template as it stands, if one is given: what became of it, say."""
        self._template = template() if source is None else source
        self._parameters = {**defaults(self._template), **parameters}
        self.resources: dict[str, Any] = {}
        shared = self._template.get("Globals", {}).get("Function", {})
        for name, resource in self._template["Resources"].items():
            if "Condition" not in resource or self._holds(resource["Condition"]):
                whole = {"Properties": shared} if resource["Type"] == "AWS::Serverless::Function" else {}
                self.resources[name] = self.value(_merged(whole, resource))

    def value(self, node: Any) -> Any:  # noqa: ANN401, PLR0911 - YAML; one line for each of its forms
        """The node with everything resolved in it."""
        match node:
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": str(path)}:
                return self._attribute(*path.split("."))
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return self._substituted(text, {})
            case {"Fn::Sub": [str(text), {**more}]}:
                return self._substituted(text, {str(name): self.value(value) for name, value in more.items()})
            case {"Fn::If": [str(name), yes, no]}:
                return self.value(yes if self._holds(name) else no)
            case {**mapping}:
                found = {str(name): self.value(value) for name, value in mapping.items()}
                return {name: value for name, value in found.items() if value is not None}
            case [*items]:
                return [value for value in map(self.value, items) if value is not None]
            case _:
                return node

    def _holds(self, name: str) -> bool:
        return bool(self._test(self._template["Conditions"][name]))

    def _test(self, node: Any) -> bool:  # noqa: ANN401 - YAML
        match node:
            case {"Fn::Equals": [left, right]}:
                return str(self.value(left)) == str(self.value(right))
            case {"Fn::Not": [inner]}:
                return not self._test(inner)
            case {"Fn::Or": [*inner]}:
                return any(map(self._test, inner))
            case {"Fn::And": [*inner]}:
                return all(map(self._test, inner))
            case {"Condition": str(name)}:
                return self._holds(name)
            case _:
                message = f"a condition of no known form: {node}"
                raise ValueError(message)

    def _ref(self, name: str) -> str | None:
        if name == "AWS::NoValue":
            return None
        # A resource's physical name stands for it: its own name here.
        return NAMES.get(name) or self._parameters.get(name, name)

    def _attribute(self, name: str, attribute: str) -> str:
        resource = self._template["Resources"][name]
        kind = resource["Type"]
        if kind == "AWS::SSM::Parameter" and attribute == "Value":
            return str(self.value(resource["Properties"]["Value"]))
        if attribute != "Arn" or kind not in _ARNS:
            return f"{name}.{attribute}"
        return _ARNS[kind].format(name, Path=self.value(resource["Properties"].get("Path")))

    def _substituted(self, text: str, more: dict[str, str]) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name in more:
                return str(more[name])
            return self._attribute(*name.split(".")) if "." in name else str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of all resources of a type, by name."""
    return {name: found["Properties"] for name, found in resources.items() if found["Type"] == kind}
