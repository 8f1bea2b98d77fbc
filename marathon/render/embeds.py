"""Which parts of an app or a group an answer holds besides the definition. Source: Marathon ``AppAndGroupResolver``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Embed(Enum):
    """One part."""

    TASKS = "tasks"
    COUNTS = "counts"
    DEPLOYMENTS = "deployments"
    READINESS = "readiness"
    LAST_TASK_FAILURE = "lastTaskFailure"
    TASK_STATS = "taskStats"
    GROUPS = "group.groups"
    APPS = "group.apps"
    PODS = "group.pods"


_PREFIXES = ("group.apps.", "apps.", "app.")
_APP = {
    "tasks": {Embed.TASKS, Embed.DEPLOYMENTS},
    "counts": {Embed.COUNTS},
    "count": {Embed.COUNTS},
    "deployments": {Embed.DEPLOYMENTS},
    "readiness": {Embed.READINESS},
    "lastTaskFailure": {Embed.LAST_TASK_FAILURE},
    "failures": {Embed.TASKS, Embed.LAST_TASK_FAILURE, Embed.DEPLOYMENTS},
    "taskStats": {Embed.TASK_STATS},
}
_GROUP = {"group.groups": Embed.GROUPS, "group.apps": Embed.APPS, "group.pods": Embed.PODS}


def app_embeds(names: Iterable[str]) -> frozenset[Embed]:
    """Return the parts of apps that are asked for; unknown names ask for nothing."""
    found: set[Embed] = set()
    for name in names:
        prefix = next((each for each in _PREFIXES if name.startswith(each)), "")
        found |= _APP.get(name[len(prefix) :], set())
    return frozenset(found)


def group_embeds(names: Iterable[str]) -> frozenset[Embed]:
    """Return the parts of groups that are asked for."""
    return frozenset(_GROUP[name] for name in names if name in _GROUP)
