"""Apps as Marathon answers them, for tables."""

from __future__ import annotations

from typing import Any

import msgspec

from marathon_lb.core.build import Around, Rules
from marathon_lb.core.documents import App
from marathon_lb.render import templates

SETTINGS = {
    "log": "",
    "maxconn": 1000,
    "hard_stop_after_ms": 60000,
    "stats_socket": "/s/stats.sock",
    "endpoints_socket": "/s/endpoints.sock",
    "state_file": "/s/servers.state",
    "options": "  option dontlognull\n",
    "stats_port": 9090,
    "http_port": 80,
    "https_port": 443,
    "appid_port": 9091,
}
TEMPLATES = templates.load(SETTINGS, {"HAPROXY_HEAD": "global"})
RULES = Rules(groups=frozenset(("external",)), health=False, templates=TEMPLATES.replaceable)


def app(app_id: str = "/nginx", ports: tuple[int, ...] = (10000,), **more: Any) -> App:
    labels = {"HAPROXY_GROUP": "external"} | more.pop("labels", {})
    document = {
        "id": app_id,
        "instances": 1,
        "networks": [{"mode": "host"}],
        "portDefinitions": [{"port": port} for port in ports],
        "labels": labels,
        "tasks": [task("t", (1024,))],
    }
    return msgspec.convert(document | more, App)


def task(name: str, ports: tuple[int, ...], host: str = "agent1", state: str = "TASK_RUNNING", **more: Any) -> Any:
    return {"id": name, "host": host, "ports": list(ports), "state": state} | more


def around(**more: Any) -> Around:
    known: dict[str, Any] = {"killing": {}, "gone": {}, "alive": {}}
    return Around(**({"addresses": {"agent1": "1.1.1.1", "agent2": "1.1.1.2"}} | known | more))
