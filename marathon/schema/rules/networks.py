"""Networks and ports. Source: Marathon ``NetworkValidation``, ``AppValidation.portDefinitionsValidator``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from marathon.core.model.app import AppDefinition
from marathon.core.model.container import EngineType
from marathon.core.model.network import Network, NetworkMode, PortMapping
from marathon.errors import Violation
from marathon.schema.context import Context


def rules(app: AppDefinition, _: Context) -> Iterator[Violation]:
    """Check networks, port definitions and port mappings."""
    yield from _networks(app)
    if app.uses_host_network:
        yield from _definitions(app)
        if app.container is not None and app.container.port_mappings:
            yield Violation("/container/portMappings", "portMappings are not allowed with host-networking")
    elif app.container is not None:
        yield from _mappings(app.networks, app.container.port_mappings or ())


def _networks(app: AppDefinition) -> Iterator[Violation]:
    modes = [each.mode for each in app.networks]
    names = [each.name for each in app.networks if each.mode is NetworkMode.CONTAINER]
    for index, each in enumerate(app.networks):
        at = f"/networks({index})"
        if each.mode is NetworkMode.HOST and (each.name or each.labels):
            yield Violation(at, "Host networks may not have names or labels")
        if each.mode is NetworkMode.BRIDGE and each.name:
            yield Violation(at, "Bridge networks may not have names")
        if each.mode is NetworkMode.CONTAINER and not each.name:
            yield Violation(at, "Network name must be specified when container network is selected.")
    if len(set(names)) != len(names):
        yield Violation("/networks", "Duplicate networks are not allowed")
    if len(modes) > 1 and set(modes) != {NetworkMode.CONTAINER}:
        text = "May specify a single host network, single bridge network, or else 1-to-n container networks"
        yield Violation("/networks", text)
    is_docker = app.container is not None and app.container.type is EngineType.DOCKER
    if is_docker and modes.count(NetworkMode.CONTAINER) > 1:
        text = "may only specify a single container network when using the Docker container engine"
        yield Violation("/networks", text)


def _definitions(app: AppDefinition) -> Iterator[Violation]:
    definitions = app.port_definitions or ()
    numbers = [(each.port, proto) for each in definitions if each.port for proto in each.protocol.split(",")]
    if len(set(numbers)) != len(numbers):
        yield Violation("/portDefinitions", "Ports must be unique.")
    yield from _unique_names([each.name for each in definitions], "/portDefinitions")


def _mappings(networks: Sequence[Network], mappings: Sequence[PortMapping]) -> Iterator[Violation]:
    at = "/container/portMappings"
    names = [each.name for each in networks if each.name]
    yield from _unique_names([each.name for each in mappings], at)
    ports = [(each.host_port, proto) for each in mappings if each.host_port for proto in each.protocol.split(",")]
    if len(set(ports)) != len(ports):
        yield Violation(at, "Host ports must be unique.")
    for index, each in enumerate(mappings):
        for name_index, name in enumerate(each.network_names):
            if name not in names:
                text = f"is not one of ({','.join(names)})"
                yield Violation(f"{at}({index})/networkNames({name_index})", text)
        if len(names) > 1 and each.host_port is not None and len(each.network_names) != 1:
            yield Violation(
                f"{at}({index})",
                "networkNames must be a single item list when hostPort is specified and more than 1 container "
                "network is defined",
            )


def _unique_names(names: Sequence[str | None], at: str) -> Iterator[Violation]:
    given = [name for name in names if name]
    if len(set(given)) != len(given):
        yield Violation(at, "Port names must be unique.")
