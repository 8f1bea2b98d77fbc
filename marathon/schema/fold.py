"""Folds what older clients send into the present form, and fills in what depends on the kind of network.

Source: Marathon ``AppNormalization``, ``NetworkNormalization``. Works on checked values, before they become structs;
collects contradictions and raises them all at once.
"""

from __future__ import annotations

from typing import Any

from marathon.errors import Invalid, Violation
from marathon.schema.context import Context

Value = dict[str, Any]

HOST, BRIDGE, CONTAINER = "host", "container/bridge", "container"
ARCHIVES = (".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".tgz", ".tbz2", ".txz", ".zip")
"""Ends of paths that were unpacked when they came by ``uris``."""

_OLD_MODES = {"HOST": HOST, "BRIDGE": BRIDGE, "USER": CONTAINER}


def fold(given: Value, context: Context) -> Value:
    """Return the present form. :raises Invalid: when old and new fields contradict each other."""
    app = dict(given)
    wrong: list[Violation] = []
    _fold_uris(app, wrong)
    _fold_ports(app, wrong)
    old_network = _fold_container(app, wrong)
    _fold_networks(app, old_network, context, wrong)
    _fold_discovery(app, wrong)
    if wrong:
        raise Invalid(wrong)
    app.pop("ipAddress", None)
    if all(each["mode"] == HOST for each in app["networks"]):
        _settle_host_ports(app, dropping=old_network is not None)
    else:
        _settle_mappings(app)
    return app


def _fold_uris(app: Value, wrong: list[Violation]) -> None:
    uris = app.pop("uris", None)
    if not uris:
        return
    if not app.get("fetch"):
        app["fetch"] = [{"uri": each, "extract": each.partition("?")[0].endswith(ARCHIVES)} for each in uris]
    elif [each["uri"] for each in app["fetch"]] != uris:
        wrong.append(Violation("/uris", "may not be set in conjunction with fetch"))


def _fold_ports(app: Value, wrong: list[Violation]) -> None:
    """``ports`` remain as a list of numbers only until it is known what network they are for."""
    ports = app.get("ports")
    if ports is None:
        return
    named = [each for each in ports if each]
    if len(set(named)) != len(named):
        wrong.append(Violation("/ports", "ports must be unique"))
    if app.get("ipAddress") is not None and ports:
        wrong.append(Violation("/", "cannot specify both an IP address and port"))
    definitions = app.get("portDefinitions")
    if definitions is not None:
        del app["ports"]
        if ports and [each.get("port", 0) for each in definitions] != ports:
            wrong.append(Violation("/", "cannot specify both ports and port definitions"))


def _fold_container(app: Value, wrong: list[Violation]) -> str | None:
    """Move ``docker.portMappings`` up and take ``docker.network`` out. Return the latter."""
    container = app.get("container")
    if container is None:
        return None
    container = app["container"] = dict(container)
    container.setdefault("type", "DOCKER")
    docker = container.get("docker")
    if docker is None:
        return None
    docker = container["docker"] = dict(docker)
    if docker.pop("credential", None):
        wrong.append(Violation("/container/docker/credential", "must be empty"))
    network: str | None = docker.pop("network", None)
    mappings = docker.pop("portMappings", None)
    if container["type"] == "MESOS":
        olds = (("network", network), ("portMappings", mappings))
        wrong += [Violation(f"/container/docker/{name}", "must be empty") for name, value in olds if value]
    elif mappings is not None:
        if container.get("portMappings") and mappings and container["portMappings"] != mappings:
            wrong.append(Violation("/container", "cannot specify both portMappings and docker.portMappings"))
        if not container.get("portMappings"):
            container["portMappings"] = mappings
    if network == "NONE":
        wrong.append(Violation("/container/docker/network", "unsupported docker network type None"))
    return network


def _fold_networks(app: Value, old: str | None, context: Context, wrong: list[Violation]) -> None:
    networks = [{"mode": CONTAINER, **each} for each in app.get("networks") or ()]
    address = app.get("ipAddress")
    if old is not None and networks and [each["mode"] for each in networks] != [_OLD_MODES.get(old)]:
        wrong.append(Violation("/", "must not specify both container.docker.network and networks"))
    if address is not None and networks:
        wrong.append(Violation("/", "must not specify both networks and ipAddress"))
    if not networks and old in _OLD_MODES:
        networks = [_old_network(_OLD_MODES[old], address)]
    elif not networks and address is not None:
        named_bridge = address.get("networkName") == context.bridge_name
        networks = [_old_network(BRIDGE if named_bridge else CONTAINER, address)]
        app.setdefault("container", {"type": "MESOS"})
    for each in networks:
        if each["mode"] == CONTAINER and "name" not in each and context.default_network_name:
            each["name"] = context.default_network_name
    app["networks"] = networks or [{"mode": HOST}]


def _old_network(mode: str, address: Value | None) -> Value:
    network: Value = {"mode": mode}
    if address is not None and mode != HOST:
        if address.get("labels"):
            network["labels"] = address["labels"]
        if mode == CONTAINER and address.get("networkName"):
            network["name"] = address["networkName"]
    return network


def _fold_discovery(app: Value, wrong: list[Violation]) -> None:
    discovery = (app.get("ipAddress") or {}).get("discovery") or {}
    ports = discovery.get("ports")
    if not ports:
        return
    container = app.setdefault("container", {"type": "MESOS"})
    if container.get("type") == "DOCKER":
        wrong.append(Violation("/ipAddress/discovery", "ipAddress/discovery is not allowed for Docker containers"))
        return
    kept = ("name", "protocol", "labels")
    container["portMappings"] = [
        {"containerPort": each["number"], **{key: each[key] for key in kept if key in each}} for each in ports
    ]


def _settle_host_ports(app: Value, *, dropping: bool) -> None:
    """In the host's network ports are definitions. Mappings go when they came by the old form or are empty."""
    ports = app.pop("ports", None)
    container = app.get("container")
    if container is not None and (dropping or not container.get("portMappings")):
        container.pop("portMappings", None)
    if app.get("portDefinitions") is None:
        if ports is None:
            app["portDefinitions"] = [{"port": 0, "name": "default"}]
        else:
            app["portDefinitions"] = [{"port": each} for each in ports]


def _settle_mappings(app: Value) -> None:
    """Elsewhere ports are mappings, at least as many as were asked for in other ways."""
    asked = len(app.pop("ports", None) or app.get("portDefinitions") or ())
    app.pop("portDefinitions", None)
    app["requirePorts"] = False
    container = app.setdefault("container", {"type": "MESOS"})
    mappings = container.get("portMappings")
    if mappings is None:
        mappings = [{"containerPort": 0, "name": "default"}]
    mappings = [dict(each) for each in mappings]
    mappings += [{"containerPort": 0} for _ in range(asked - len(mappings))]
    if any(each["mode"] == BRIDGE for each in app["networks"]):
        for each in mappings:
            each.setdefault("hostPort", 0)
    container["portMappings"] = mappings
