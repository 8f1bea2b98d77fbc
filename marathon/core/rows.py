"""The keys and values under which state is stored.

::

    framework-id
    root/<version>                 there was a root group of this version
    apps/<id>/<version>            a definition, or an empty value where the app was removed
    groups/<id>/<version>          what a group says besides its members, or an empty value
    instances/<id>
    deployments/<id>
    taskFailures/<app id>

A root change writes only what it changes, however many apps there are; the root of any version is the newest entry of
each app and group up to it. Ids of apps and groups are written with ``_`` for ``/``, as Marathon writes them.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from marathon.core.model.instance import Instance

T = TypeVar("T")

FRAMEWORK_ID = "framework-id"
INSTANCES = "instances/"
DEPLOYMENTS = "deployments/"
FAILURES = "taskFailures/"
APPS = "apps/"
GROUPS = "groups/"
ROOTS = "root/"

_encoder = msgspec.json.Encoder()


def encode(row: object) -> bytes:
    """Return the stored form of a row."""
    return _encoder.encode(row)


def decode(data: bytes, kind: type[T]) -> T:
    """Read a stored row. :raises msgspec.DecodeError: when it is none of ``kind``."""
    return msgspec.json.decode(data, type=kind)


def safe(path: str) -> str:
    """Write an id without slashes: ``/prod/web`` is ``prod_web``, the root is empty."""
    return path.strip("/").replace("/", "_")


def unsafe(name: str) -> str:
    """Read an id that :func:`safe` wrote; ids have no ``_`` of their own."""
    return "/" + name.replace("_", "/")


def instance_key(instance: Instance) -> str:
    """Return where an instance is stored."""
    return f"{INSTANCES}{instance.id}"


def deployment_key(deployment_id: str) -> str:
    """Return where a deployment is stored."""
    return f"{DEPLOYMENTS}{deployment_id}"


def app_key(app_id: str, version: str) -> str:
    """Return where a version of an app is stored."""
    return f"{APPS}{safe(app_id)}/{version}"


def group_key(group_id: str, version: str) -> str:
    """Return where a version of a group's own fields is stored."""
    return f"{GROUPS}{safe(group_id)}/{version}"


def root_key(version: str) -> str:
    """Return where a version of the root is noted."""
    return f"{ROOTS}{version}"


def failure_key(app_id: str) -> str:
    """Return where the last failure of an app is stored."""
    return f"{FAILURES}{safe(app_id)}"
