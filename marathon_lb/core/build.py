"""From one app document to its services. Costs what the app costs, whatever else is balanced.

Source: marathon-lb ``marathon_lb.py`` (``get_apps``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from marathon_lb.core import labels, names, ports
from marathon_lb.core.documents import App, HealthCheck, Task
from marathon_lb.core.labels import Options
from marathon_lb.core.model import Server, Service

LEFT_OUT = frozenset(
    f"TASK_{state}"
    for state in [
        "STAGING",
        "STARTING",
        "FINISHED",
        "FAILED",
        "KILLED",
        "ERROR",
        "DROPPED",
        "GONE",
        "GONE_BY_OPERATOR",
        "UNKNOWN",
    ]
)
"""States without a server. A task that is lost or unreachable may well still serve: only Mesos does not see it."""

KILLING = "TASK_KILLING"

_APP_ID = re.compile(r"/[A-Za-z0-9._/-]*\Z")


class Rules(msgspec.Struct, frozen=True):
    """What the operator wants balanced.

    :ivar groups: ``*`` takes everything.
    :ivar strict: only services with ``HAPROXY_{n}_ENABLED=true``.
    :ivar health: a task of an app with health checks needs a good result.
    :ivar templates: names of the templates that labels may replace.
    """

    groups: frozenset[str]
    strict: bool = False
    health: bool = True
    templates: frozenset[str] = frozenset()


class Around(NamedTuple):
    """What is known besides the app's document.

    :ivar addresses: of host names.
    :ivar killing: instances that Marathon is about to kill.
    :ivar gone: tasks that have ended, whatever an older document says.
    :ivar alive: the last health result of tasks.
    """

    addresses: Mapping[str, str]
    killing: Collection[str]
    gone: Collection[str]
    alive: Mapping[str, bool]


class AppProblem(ValueError):
    """An app cannot be balanced; the text says why."""


class _Placed(NamedTuple):
    task: Task
    ip: str
    ports: tuple[int, ...]
    leaving: bool


def services(app: App, rules: Rules, around: Around, assigned: ports.PortRange) -> tuple[Service, ...]:
    """Return the services of the app that the rules admit, with the servers of its usable tasks.

    :raises AppProblem: when a label or the id cannot be used.
    """
    if not app.labels and "*" not in rules.groups:
        return ()
    if _APP_ID.match(app.id) is None:
        raise AppProblem(f"{app.id!r} is no app id")
    try:
        options = labels.read(app.labels or {}, rules.templates)
    except labels.LabelError as error:
        raise AppProblem(str(error)) from error
    app_groups = labels.app_groups(app.labels or {})
    mode = ports.mode(app)
    numbers = ports.service_ports(app, mode, assigned)
    admitted = [
        (index, number, own)
        for index, number in enumerate(numbers)
        if number is not None and _admitted(own := options.get(index, Options()), app_groups, rules)
    ]
    if not admitted:
        return ()
    placed = _placed(app, mode, rules, around)
    return tuple(_service(app, index, number, own, placed, len(numbers)) for index, number, own in admitted)


def last_results(app: App) -> dict[str, bool]:
    """Return by task whether any probe found it alive, for the tasks that were probed."""
    return {
        task.id: any(result.alive for result in task.health_check_results if result)
        for task in app.tasks or ()
        if task.health_check_results
    }


def _admitted(options: Options, app_groups: tuple[str, ...], rules: Rules) -> bool:
    enabled = options.enabled if options.enabled is not None else not rules.strict
    groups = options.groups if options.groups is not None else app_groups
    return enabled and ("*" in rules.groups or not rules.groups.isdisjoint(groups))


def _placed(app: App, mode: ports.Mode, rules: Rules, around: Around) -> list[_Placed]:
    found = []
    for task in app.tasks or ():
        if not _usable(app, task, rules, around):
            continue
        ip = ports.task_address(mode, task, around.addresses)
        if ip is not None:
            leaving = task.state == KILLING or names.instance_of(task.id) in around.killing
            found.append(_Placed(task, ip, ports.task_ports(app, mode, task), leaving))
    return found


def _usable(app: App, task: Task, rules: Rules, around: Around) -> bool:
    if not task.host or task.state in LEFT_OUT or task.id in around.gone:
        return False
    if not rules.health or not app.health_checks:
        return True
    return around.alive.get(task.id, False)


def _service(app: App, index: int, number: int, options: Options, placed: list[_Placed], count: int) -> Service:
    if options.vhosts and options.mode == "tcp":
        raise AppProblem(f"HAPROXY_{index}_MODE=tcp: a service with a vhost must be http")
    port = options.port or number
    checks = app.health_checks or ()
    check = _check(checks, index)
    probed = options.check_port_index
    if probed is not None and not 0 <= probed < count:
        probed = None
    if check is None and probed is not None:
        check = _check(checks, probed)
    return Service(
        app_id=app.id,
        index=index,
        port=port,
        name=names.backend(app.id, port),
        mode=options.mode or _default_mode(options, check),
        options=options,
        check=check,
        servers=_servers(placed, index, probed, check),
    )


def _default_mode(options: Options, check: HealthCheck | None) -> str:
    return "http" if options.vhosts or (check is not None and check.protocol == "HTTP") else "tcp"


def _check(checks: tuple[HealthCheck, ...], index: int) -> HealthCheck | None:
    """Return the check with a port of its own, else the one of this port index."""
    own = next((check for check in checks if check.port), None)
    return own or next((check for check in checks if check.port_index == index), None)


def _servers(placed: list[_Placed], index: int, probed: int | None, check: HealthCheck | None) -> tuple[Server, ...]:
    last = sorted(placed, key=lambda each: not each.leaving)  # at one place, who stays goes before who leaves
    rows = {(each.task.host or "", each.ports[index]): each for each in last if index < len(each.ports)}
    taken: set[int] = set()
    servers: dict[str, Server] = {}
    for (host, port), each in sorted(rows.items()):
        name = names.server(host, each.ip, port)
        if name in servers:
            continue  # two tasks at one place: Marathon has not yet noticed that one of them is gone
        check_port = check.port if check is not None and check.port else None
        if probed is not None and probed < len(each.ports):
            check_port = each.ports[probed]
        servers[name] = Server(name, host, each.ip, port, names.server_id(name, taken), check_port, each.leaving)
    return tuple(servers.values())
