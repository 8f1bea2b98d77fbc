"""The parts of the file that belong to one service: user list, frontend, backend, servers.

A part is rendered when its app changes and kept; the file is a join of parts. What can only change by a reload is a
:class:`Structure`, compared by value; servers are apart, because HAProxy takes them while it runs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from marathon_lb.core import names
from marathon_lb.core.diff import ServerLine, parse_line
from marathon_lb.core.documents import HealthCheck
from marathon_lb.core.model import Server, Service
from marathon_lb.render import vhosts
from marathon_lb.render.templates import Templates


class Structure(msgspec.Struct, frozen=True):
    """What of a service HAProxy reads from the file only.

    :ivar rank: place among the rules of the shared frontends, the largest first.
    :ivar bind: address and port of its frontend.
    """

    app_id: str
    port: int
    name: str
    balance: str
    bind: tuple[str, int]
    vhosts: tuple[str, ...]
    userlist: str
    rank: int
    http: str
    https: str
    app_id_rule: str
    frontend: str
    backend: str


class Part(msgspec.Struct, frozen=True):
    """One service as it will be in the file.

    :ivar leaving: names of the servers that get nothing new; the file is without them.
    """

    structure: Structure
    servers: dict[str, ServerLine]
    leaving: frozenset[str]
    server_text: str


def parts(services: tuple[Service, ...], templates: Templates) -> tuple[Part, ...]:
    """Render the services of one app. :raises TemplateError: when a template cannot be filled."""
    found = []
    announced = False
    for service in sorted(services, key=lambda each: each.port):
        rule = "" if announced or service.mode != "http" else vhosts.app_id_rules(service, templates)
        announced = announced or bool(rule)
        found.append(_part(service, rule, templates))
    return tuple(found)


def _part(service: Service, app_id_rule: str, templates: Templates) -> Part:
    options = service.options
    lines: dict[str, ServerLine] = {}
    opaque = text = ""
    for server in service.servers:
        rendered = _server(service, server, templates)
        line = parse_line(rendered) if rendered.count("\n") == 1 else None
        if line is None or line.name != server.name:
            opaque += "" if server.leaving else rendered  # a template of its own shape: only the file can hold it
            continue
        lines[server.name] = line
        text += "" if server.leaving else rendered
    structure = Structure(
        app_id=service.app_id,
        port=service.port,
        name=service.name,
        balance=options.balance,
        bind=(options.bind_addr, service.port),
        vhosts=options.vhosts,
        userlist=_userlist(service, templates),
        rank=options.weight,
        http=vhosts.http_rules(service, templates),
        https=vhosts.https_rules(service, templates),
        app_id_rule=app_id_rule,
        frontend=_frontend(service, templates),
        backend=_backend(service, templates) + opaque,
    )
    leaving = frozenset(server.name for server in service.servers if server.leaving)
    return Part(structure, lines, leaving, text)


def _userlist(service: Service, templates: Templates) -> str:
    auth = service.options.auth
    if auth is None:
        return ""
    own = service.options.templates
    return templates.fill("USERLIST_HEAD", own, backend=service.name, user=auth.user, passwd=auth.password)


def _frontend(service: Service, templates: Templates) -> str:
    options = service.options
    head = templates.fill(
        "FRONTEND_HEAD",
        options.templates,
        backend=service.name,
        bindAddr=options.bind_addr,
        servicePort=service.port,
        sslCert=f" ssl crt {options.ssl_cert}" if options.ssl_cert else "",
        bindOptions=f" {options.bind_options}" if options.bind_options else "",
        mode=service.mode,
    )
    return head + templates.fill("FRONTEND_BACKEND_GLUE", options.templates, backend=service.name)


def _backend(service: Service, templates: Templates) -> str:
    options, own = service.options, service.options.templates
    hostname = options.vhosts[0] if options.vhosts else ""
    text = templates.fill("BACKEND_HEAD", own, backend=service.name, balance=options.balance, mode=service.mode)
    if service.mode == "http":
        if options.use_hsts:
            text += templates.fill("BACKEND_HSTS_OPTIONS", own)
        text += templates.fill("BACKEND_HTTP_OPTIONS", own)
        if options.proxypass_path:
            text += templates.fill(
                "HTTP_BACKEND_PROXYPASS_GLUE", own, hostname=hostname, proxypath=options.proxypass_path
            )
        if options.revproxy_path:
            text += templates.fill("HTTP_BACKEND_REVPROXY_GLUE", own, hostname=hostname, rootpath=options.revproxy_path)
        if options.redirect_path:
            text += templates.fill("HTTP_BACKEND_REDIR", hostname=hostname, redirpath=options.redirect_path)
    text += _networks(service, templates)
    if options.sticky:
        text += templates.fill("BACKEND_STICKY_OPTIONS", own)
    if service.check is not None:
        kind = f"BACKEND_{_check_kind(service, service.check)}_HEALTHCHECK_OPTIONS"
        text += templates.fill(kind, own, **_check_values(service.check, service.check.port))
    return text


def _networks(service: Service, templates: Templates) -> str:
    networks = service.options.network_allowed
    if not networks:
        return ""
    kind = "HTTP" if service.mode == "http" else "TCP"
    acls = [
        templates.fill(f"{kind}_BACKEND_NETWORK_ALLOWED_ACL", service.options.templates, network_allowed=network)
        for network in networks
    ]
    return "".join(acls) + templates.fill(f"{kind}_BACKEND_ACL_ALLOW_DENY")


def _server(service: Service, server: Server, templates: Templates) -> str:
    options = service.options
    health = ""
    if service.check is not None:
        kind = f"BACKEND_SERVER_{_check_kind(service, service.check)}_HEALTHCHECK_OPTIONS"
        filled = templates.fill(kind, options.templates, **_check_values(service.check, server.check_port))
        health = f" {filled.strip()}"
    return templates.fill(
        "BACKEND_SERVER_OPTIONS",
        options.templates,
        serverName=server.name,
        host_ipv4=server.ip,
        host=server.host,
        port=server.port,
        serverId=server.id,
        cookieOptions=f" check cookie {names.cookie(server.name)}" if options.sticky else "",
        healthCheckOptions=health,
        otherOptions="",
    )


def _check_kind(service: Service, check: HealthCheck) -> str:
    return "TCP" if service.mode == "tcp" or check.protocol in ("TCP", "MESOS_TCP") else "HTTP"


def _check_values(check: HealthCheck, port: int | None) -> dict[str, Any]:
    failures = check.max_consecutive_failures if check.max_consecutive_failures is not None else 3
    return {
        "healthCheck": "",
        "healthCheckPortIndex": check.port_index if check.port_index is not None else "",
        "healthCheckPort": check.port or "",
        "healthCheckProtocol": check.protocol or "HTTP",
        "healthCheckPath": check.path or "/",
        "healthCheckTimeoutSeconds": _seconds(check.timeout_seconds, 20),
        "healthCheckIntervalSeconds": _seconds(check.interval_seconds, 60),
        "healthCheckGracePeriodSeconds": _seconds(check.grace_period_seconds, 300),
        "healthCheckMaxConsecutiveFailures": failures,
        "healthCheckFalls": failures + 1,
        "healthCheckPortOptions": f" port {port}" if port else "",
    }


def _seconds(value: float | None, default: int) -> str:
    seconds = default if value is None else value
    return str(int(seconds) if seconds == int(seconds) else seconds)
