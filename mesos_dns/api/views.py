"""What the API shows of the zone. Functions of the tables, without HTTP."""

from __future__ import annotations

from typing import Any

from mesos_dns.config import Config
from mesos_dns.core.answers import clean
from mesos_dns.core.cluster import Cluster
from mesos_dns.core.records import Record
from mesos_dns.core.zone import target_of

HIDDEN = "********"
"""Stands for a secret; the original shows it."""


def config_view(config: Config, serial: int) -> dict[str, Any]:
    """Return all settings; the serial is the current one."""
    shown = vars(config) | {"SOASerial": serial}
    if config.MesosCredentials["Secret"]:
        shown["MesosCredentials"] = config.MesosCredentials | {"Secret": HIDDEN}
    return shown


def hosts_view(cluster: Cluster, host: str) -> list[dict[str, str]]:
    """Return the addresses of a name; one empty element when there are none."""
    name = _full(host)
    rows = cluster.zone.lookup(name)
    addresses = (*rows.a, *rows.aaaa) if rows else ()
    return [{"host": name, "ip": address} for address in addresses] or [{"host": "", "ip": ""}]


def services_view(cluster: Cluster, service: str) -> list[dict[str, str]]:
    """Return where a service is; one empty element when it is nowhere."""
    rows = cluster.zone.lookup(_full(service))
    found = []
    for value in rows.srv if rows else ():
        target, port = target_of(value), value.rpartition(":")[2]
        host = cluster.zone.lookup(target.lower())
        for addresses in (host.a, host.aaaa) if host else ():
            if addresses:
                found.append({"service": service, "host": target, "ip": addresses[0], "port": port})
    return found or [{"service": "", "host": "", "ip": "", "port": ""}]


def enumerate_view(cluster: Cluster) -> dict[str, Any]:
    """Return all records by the task that gives them; a shared one is shown with the first task only."""
    seen: set[Record] = set()
    frameworks = []
    for framework in cluster.frameworks.values():
        tasks = []
        for key in cluster.tasks_of(framework.id):
            task = cluster.tasks[key]
            if task.announced:
                new = [record for record in cluster.records_of(key) if record not in seen]
                seen.update(new)
                records = [{"name": name, "host": value, "rtype": kind} for name, kind, value in new]
                tasks.append({"name": task.name, "id": task.id, "records": records or None})
        frameworks.append({"tasks": tasks, "name": framework.name})
    return {"frameworks": frameworks or None}


def axfr_view(cluster: Cluster, config: Config, serial: int) -> dict[str, Any]:
    """Return the whole zone."""
    records = {
        f"{kind}s": {name: list(table[name]) for name in sorted(table)} for kind, table in cluster.zone.tables.items()
    }
    return {
        "TTL": config.TTL,
        "Serial": serial,
        "RefreshSeconds": config.RefreshSeconds,
        "Mname": config.SOAMname,
        "Rname": config.SOARname,
        "Domain": config.Domain,
        "Records": records,
    }


def _full(name: str) -> str:
    return clean(name).rstrip(".") + "."
