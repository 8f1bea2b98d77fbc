"""Which records a task, an agent, a framework and the masters give.

Pure functions of the rows, so that the records of a row that goes can be computed again instead of being stored.
Source: Mesos-DNS ``records/generator.go`` and its documentation of naming.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from mesos_dns.core.labels import agent_suffix, fragment, task_hash
from mesos_dns.core.model import DiscoveryPort, Endpoint, Task
from mesos_dns.core.rules import Rules

Record = tuple[str, str, str]
"""Owner with a trailing dot, kind (A, AAAA or SRV), value; an SRV's value is ``target.:port``."""

BOTH_PROTOCOLS = ("tcp", "udp")


@lru_cache(maxsize=1 << 16)
def address_kind(text: str) -> str | None:
    """Return ``A`` or ``AAAA``; ``None`` for what is no address, or has a scope, which means nothing elsewhere."""
    if "%" in text:
        return None
    try:
        return "A" if ipaddress.ip_address(text).version == 4 else "AAAA"
    except ValueError:
        return None


def address_records(name: str, addresses: Iterable[str]) -> Iterator[Record]:
    """Give one record an address; what is no address is passed over."""
    for address in addresses:
        kind = address_kind(address)
        if kind is not None:
            yield (name, kind, address)


def task_records(task: Task, framework_name: str, agent_addresses: Sequence[str], rules: Rules) -> dict[Record, None]:
    """Return the records of a task that runs, each once, in the order in which Mesos-DNS lists them.

    A task with a discovery name has its records under the sanitised and under the raw name: clients rely on both.
    """
    group = fragment(framework_name, rules.label)
    if not group:
        return {}
    addresses = task_addresses(task, agent_addresses, rules.ip_sources)
    suffix = f"-{task_hash(task.id)}-{agent_suffix(task.agent_id)}"
    base = rules.label(task.discovery_name or task.name)
    bases = (base, task.discovery_name) if task.discovery_name else (base,)
    records: dict[Record, None] = {}
    for each in bases:
        if each:
            found = _records_under(each, f"{each}{suffix}", group, task, addresses, agent_addresses, rules)
            records.update(dict.fromkeys(found))
    return records


def task_addresses(task: Task, agent_addresses: Sequence[str], sources: Sequence[str]) -> Sequence[str]:
    """Return all addresses of the first source that has a valid one."""
    for source in sources:
        told = agent_addresses if source == "host" else getattr(task.addresses, source, ())
        valid = [address for address in told if address_kind(address)]
        if valid:
            return valid
    return ()


def framework_records(name: str, port: int, addresses: Sequence[str], rules: Rules) -> Iterator[Record]:
    """Give a framework's addresses, and its service where its port is known."""
    group = fragment(name, rules.label)
    if group and addresses:
        owner = f"{group}.{rules.domain}."
        yield from address_records(owner, addresses)
        if _is_port(port):
            yield (f"_framework._tcp.{owner}", "SRV", f"{owner}:{port}")


def agent_records(port: int, addresses: Sequence[str], rules: Rules) -> Iterator[Record]:
    """Give an agent's addresses and port; all agents share one name."""
    if addresses:
        yield from address_records(f"slave.{rules.domain}.", addresses)
        if _is_port(port):
            yield (f"_slave._tcp.{rules.domain}.", "SRV", f"slave.{rules.domain}.:{port}")


def master_records(leader: Endpoint | None, masters: Sequence[Endpoint], rules: Rules) -> Iterator[Record]:
    """Give the leader's names and a numbered name for each master; a leader not listed gets the next number."""
    domain = rules.domain
    everybody = list(dict.fromkeys(masters))
    if leader is not None:
        yield from address_records(f"leader.{domain}.", (leader.host,))
        for protocol in BOTH_PROTOCOLS if _is_port(leader.port) else ():
            yield (f"_leader._{protocol}.{domain}.", "SRV", f"leader.{domain}.:{leader.port}")
        if leader not in everybody:
            everybody.append(leader)
    for number, master in enumerate(everybody):
        yield from address_records(f"master.{domain}.", (master.host,))
        yield from address_records(f"master{number}.{domain}.", (master.host,))


def own_records(rules: Rules) -> Iterator[Record]:
    """Give this server's own addresses."""
    return address_records(rules.own_name, rules.own_addresses)


def _is_port(number: int) -> bool:
    return 0 < number <= 65535


def _records_under(
    base: str,
    canonical: str,
    group: str,
    task: Task,
    addresses: Sequence[str],
    agent_addresses: Sequence[str],
    rules: Rules,
) -> Iterator[Record]:
    plain, slave = f"{group}.{rules.domain}.", f"{group}.slave.{rules.domain}."
    yield from address_records(f"{base}.{plain}", addresses)
    yield from address_records(f"{canonical}.{plain}", addresses)
    yield from address_records(f"{base}.{slave}", agent_addresses)
    yield from address_records(f"{canonical}.{slave}", agent_addresses)
    for first, last in task.host_ports:
        for port in range(first, last + 1):
            target = f"{canonical}.{slave}:{port}"
            for protocol in BOTH_PROTOCOLS:
                yield (f"_{base}._{protocol}.{slave}", "SRV", target)
            if not task.discovery_name:
                for protocol in BOTH_PROTOCOLS:
                    yield (f"_{base}._{protocol}.{plain}", "SRV", target)
    if task.discovery_name:
        for announced in task.discovery_ports:
            yield from _discovery_records(announced, base, f"{canonical}.{plain}:{announced.number}", plain, rules)


def _discovery_records(port: DiscoveryPort, base: str, target: str, plain: str, rules: Rules) -> Iterator[Record]:
    protocol = rules.label(port.protocol)
    name = rules.label(port.name)
    for each in (protocol,) if protocol else BOTH_PROTOCOLS:
        owner = f"_{base}._{each}.{plain}"
        yield (owner, "SRV", target)
        if name:
            yield (f"_{name}.{owner}", "SRV", target)
