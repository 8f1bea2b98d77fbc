"""Which records rows give: the tables and the worked example of the documentation."""

from __future__ import annotations

from typing import Any

import pytest

from mesos_dns.core.model import Addresses, DiscoveryPort, Endpoint
from mesos_dns.core.records import framework_records, master_records, task_addresses, task_records
from mesos_dns.core.rules import Rules
from tests.unit.mesos_dns.build import task

APP_0 = "app-0.team0.instance-00000000-562f-11e4-a088-c20493233aa5._app.1"


def _lines(records: Any) -> set[str]:
    return {f"{name} {kind} {value}" for name, kind, value in records}


def test_task_with_discovery() -> None:
    found = task_records(
        task(
            APP_0,
            "ignored",
            ports=((31000, 31001),),
            discovery="Web_Shop.v2",
            discovery_ports=(DiscoveryPort(31000, "http", "tcp"), DiscoveryPort(31001, "admin", "tcp")),
        ),
        "marathon",
        ("10.0.0.1",),
        Rules(),
    )
    sanitised = {line for line in _lines(found) if "Web" not in line}
    assert sanitised == {
        "web-shop-v2.marathon.mesos. A 12.0.0.1",
        "web-shop-v2-7xwt4-s0.marathon.mesos. A 12.0.0.1",
        "web-shop-v2.marathon.slave.mesos. A 10.0.0.1",
        "web-shop-v2-7xwt4-s0.marathon.slave.mesos. A 10.0.0.1",
        "_web-shop-v2._tcp.marathon.slave.mesos. SRV web-shop-v2-7xwt4-s0.marathon.slave.mesos.:31000",
        "_web-shop-v2._udp.marathon.slave.mesos. SRV web-shop-v2-7xwt4-s0.marathon.slave.mesos.:31000",
        "_web-shop-v2._tcp.marathon.slave.mesos. SRV web-shop-v2-7xwt4-s0.marathon.slave.mesos.:31001",
        "_web-shop-v2._udp.marathon.slave.mesos. SRV web-shop-v2-7xwt4-s0.marathon.slave.mesos.:31001",
        "_web-shop-v2._tcp.marathon.mesos. SRV web-shop-v2-7xwt4-s0.marathon.mesos.:31000",
        "_http._web-shop-v2._tcp.marathon.mesos. SRV web-shop-v2-7xwt4-s0.marathon.mesos.:31000",
        "_web-shop-v2._tcp.marathon.mesos. SRV web-shop-v2-7xwt4-s0.marathon.mesos.:31001",
        "_admin._web-shop-v2._tcp.marathon.mesos. SRV web-shop-v2-7xwt4-s0.marathon.mesos.:31001",
    }
    raw = {line for line in _lines(found) if "Web" in line}
    assert {line.replace("Web_Shop.v2", "web-shop-v2") for line in raw} == sanitised


def test_task_without_discovery() -> None:
    row = task("y", "app-1.team1", ip=None, ports=((31002, 31003),))
    found = _lines(task_records(row, "chronos", ("10.0.0.2",), Rules()))
    canonical = next(line.split(".")[0] for line in found if line.startswith("app-1-team1-"))
    services = {
        f"_app-1-team1._{protocol}.chronos.{where}mesos. SRV {canonical}.chronos.slave.mesos.:{port}"
        for protocol in ("tcp", "udp")
        for where in ("", "slave.")
        for port in (31002, 31003)
    }
    hosts = {
        f"{name}.chronos.{where}mesos. A 10.0.0.2" for name in ("app-1-team1", canonical) for where in ("", "slave.")
    }
    assert found == services | hosts


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(DiscoveryPort(80, "", ""), {"_svc._tcp", "_svc._udp"}, id="no protocol: both"),
        pytest.param(DiscoveryPort(80, "", "UDP"), {"_svc._udp"}, id="protocol in lower case"),
        pytest.param(DiscoveryPort(80, "web.x", "tcp"), {"_svc._tcp", "_web-x._svc._tcp"}, id="name is a label"),
    ],
)
def test_discovery_ports(port: DiscoveryPort, expected: set[str]) -> None:
    row = task(ports=(), discovery="svc", discovery_ports=(port,))
    found = task_records(row, "marathon", ("10.0.0.1",), Rules())
    assert {name.removesuffix(".marathon.mesos.") for name, kind, _ in found if kind == "SRV"} == expected


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("netinfo", "host"), ("1.1.1.1", "fd00::1")),
        (("docker", "netinfo"), ("2.2.2.2",)),
        (("mesos", "docker"), ("2.2.2.2",)),
        (("host",), ("10.0.0.1",)),
        (("mesos",), ()),
    ],
)
def test_the_first_source_with_an_address_wins(sources: tuple[str, ...], expected: tuple[str, ...]) -> None:
    addresses = Addresses(1.0, ("1.1.1.1", "fd00::1", "junk", "fe80::1%eth0"), ("2.2.2.2",), ("junk",))
    assert tuple(task_addresses(task(addresses=addresses), ("10.0.0.1",), sources)) == expected


def test_ipv6_gives_aaaa() -> None:
    found = _lines(task_records(task(ip="fd00::7", ports=()), "marathon", ("10.0.0.1",), Rules()))
    assert "web.marathon.mesos. AAAA fd00::7" in found
    assert "web.marathon.slave.mesos. A 10.0.0.1" in found


def test_framework() -> None:
    assert _lines(framework_records("marathon.prod", 8080, ("10.1.1.1",), Rules())) == {
        "marathon.prod.mesos. A 10.1.1.1",
        "_framework._tcp.marathon.prod.mesos. SRV marathon.prod.mesos.:8080",
    }
    assert not list(framework_records("marathon", 8080, (), Rules()))


@pytest.mark.parametrize(
    ("leader", "masters", "expected"),
    [
        pytest.param(None, ("1.1.1.1",), {"master A 1.1.1.1", "master0 A 1.1.1.1"}, id="no leader"),
        pytest.param(
            "1.1.1.1",
            ("2.2.2.2", "1.1.1.1"),
            {
                "leader A 1.1.1.1",
                "_leader._tcp SRV leader.mesos.:5050",
                "_leader._udp SRV leader.mesos.:5050",
                "master A 2.2.2.2",
                "master0 A 2.2.2.2",
                "master A 1.1.1.1",
                "master1 A 1.1.1.1",
            },
            id="numbers follow the list",
        ),
        pytest.param(
            "fd00::1",
            ("2.2.2.2",),
            {
                "leader AAAA fd00::1",
                "_leader._tcp SRV leader.mesos.:5050",
                "_leader._udp SRV leader.mesos.:5050",
                "master A 2.2.2.2",
                "master0 A 2.2.2.2",
                "master AAAA fd00::1",
                "master1 AAAA fd00::1",
            },
            id="a leader not in the list is numbered next",
        ),
    ],
)
def test_masters(leader: str | None, masters: tuple[str, ...], expected: set[str]) -> None:
    known = Endpoint(leader, 5050) if leader else None
    found = _lines(master_records(known, [Endpoint(host, 5050) for host in masters], Rules()))
    assert found == {line.replace(" ", ".mesos. ", 1) for line in expected}
