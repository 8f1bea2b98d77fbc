"""``mezzo dns``: lookup. For machines without ``dig``."""

from __future__ import annotations

import socket

import click
import dnslib

from mezzo.cli.context import Target, json_option, with_target
from mezzo.cli.output import show
from mezzo.errors import CommandError

COLUMNS = (("NAME", "name"), ("TYPE", "type"), ("TTL", "ttl"), ("VALUE", "value"))
TIMEOUT_S = 5.0
TYPES = ("A", "AAAA", "SRV", "SOA", "NS")


@click.group()
def dns() -> None:
    """Names: lookup."""


@dns.command("lookup")
@click.argument("name")
@click.argument("kind", metavar="TYPE", type=click.Choice(TYPES, case_sensitive=False), default="A")
@click.option("--server", help="HOST:PORT to ask, instead of the local cluster's mesos_dns.")
@json_option
@with_target
def lookup(target: Target, name: str, kind: str, server: str | None, as_json: bool) -> None:
    """Ask for the records of NAME. Exit code 1 when there are none."""
    host, _, port = (server or target.dns).partition(":")
    reply = ask(host, int(port or 53), name, kind.upper())
    rows = [
        {"name": str(each.rname), "type": dnslib.QTYPE.get(each.rtype), "ttl": each.ttl, "value": str(each.rdata)}
        for each in reply.rr
    ]
    code = dnslib.RCODE.get(reply.header.rcode)
    show(rows, COLUMNS, as_json=as_json, empty=f"no {kind.upper()} records for {name} ({code})")
    if not rows:
        raise SystemExit(1)


def ask(host: str, port: int, name: str, kind: str) -> dnslib.DNSRecord:
    """Return a server's reply, by TCP where it does not fit into a datagram.

    :raises CommandError: when nobody answers, or not with DNS.
    """
    question = dnslib.DNSRecord.question(name, kind)
    try:
        reply = dnslib.DNSRecord.parse(question.send(host, port, timeout=TIMEOUT_S))
        if reply.header.tc:
            reply = dnslib.DNSRecord.parse(question.send(host, port, tcp=True, timeout=TIMEOUT_S))
    except (OSError, socket.gaierror) as error:
        raise CommandError(f"{host}:{port} does not answer: {error}") from error
    except dnslib.DNSError as error:
        raise CommandError(f"{host}:{port} does not answer with DNS: {error}") from error
    return reply
