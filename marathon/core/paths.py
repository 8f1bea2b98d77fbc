"""Ids of apps and groups: paths of lower-case names. Source: Marathon ``AbsolutePathId``, ``PathId``."""

from __future__ import annotations

import re

ROOT = "/"

_NAME = r"([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])"
SEGMENT = re.compile(rf"({_NAME}\.)*{_NAME}\Z")
"""What a name between two slashes may be."""

SEGMENT_RULE = r"^(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])|(\.|\.\.)$"
"""The rule as errors cite it."""

RESERVED = ("restart", "tasks", "versions", ".", "..")
"""Names that an id must not end in, because routes do."""


def absolute(text: str, base: str = ROOT) -> str:
    """Return ``text`` as an absolute path: relative ones start at ``base``, dots are resolved, slashes put right."""
    names = [] if text.startswith("/") else segments(base)
    for name in segments(text):
        if name == "..":
            del names[-1:]
        elif name != ".":
            names.append(name)
    return "/" + "/".join(names)


def segments(path: str) -> list[str]:
    """Return the names of a path."""
    return [name for name in path.split("/") if name]


def parent(path: str) -> str:
    """Return the path above; the root's is the root."""
    return path.rpartition("/")[0] or ROOT


def ancestors(path: str) -> list[str]:
    """Return the path and all above it, from the root on."""
    found = [ROOT]
    for name in segments(path):
        found.append(f"{found[-1].rstrip('/')}/{name}")
    return found


def is_within(path: str, group: str) -> bool:
    """Tell whether ``path`` is ``group`` or below it."""
    return group == ROOT or path == group or path.startswith(group + "/")
