"""What the template's roles and policies grant, action by action and resource by resource."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tests.infra.aws.template import Resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

Permission = tuple[str, str]


def statements(role: str, **parameters: str) -> Iterator[tuple[set[str], set[str]]]:
    """Those of a role or a policy of template.yaml, with the policies of the template that the role has."""
    resources = Resolved(**parameters).resources
    properties = resources[role]["Properties"]
    # Those of the template; none of AWS's own.
    shared = [resources[name]["Properties"] for name in properties.get("ManagedPolicyArns", [])]
    return statements_of([properties, *shared])


def statements_of(holders: list[dict[str, Any]]) -> Iterator[tuple[set[str], set[str]]]:
    """Actions and resources of each statement of roles or policies. All allow, and no action has a wildcard."""
    policies = [policy for holder in holders for policy in holder.get("Policies", [holder])]
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert "NotAction" not in statement
            actions, places = as_set(statement["Action"]), as_set(statement["Resource"])
            assert not any("*" in action for action in actions), statement
            assert "*" not in places, statement
            yield actions, places


def as_set(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def granted(role: str, **parameters: str) -> set[Permission]:
    """Every action with every resource that the role grants it on."""
    return {
        (action, where) for actions, places in statements(role, **parameters) for action in actions for where in places
    }


def covers(grant: Permission, need: Permission) -> bool:
    return grant[0] == need[0] and fnmatchcase(need[1], grant[1])


def check(grants: set[Permission], needs: set[Permission], platform: set[Permission]) -> None:
    """Nothing is missing, nothing is too much."""
    assert [need for need in needs if not any(covers(grant, need) for grant in grants)] == []
    assert platform <= grants
    assert [grant for grant in grants - platform if not any(covers(grant, need) for need in needs)] == []
