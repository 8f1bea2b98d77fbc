"""Answers on the wire, read back with dnspython."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesos_dns.core.cluster import Cluster
from mesos_dns.core.events import TaskSeen
from mesos_dns.core.settings import ServeSettings
from mesos_dns.core.table import Table, name_rows
from mesos_dns.wire.responder import MAX_ROTATIONS, Forward, Responder
from tests.unit.mesos_dns.build import cluster, names_changed, responder, task


def many(count: int) -> Cluster:
    return cluster(*(task(f"web.{i}", ip=f"12.0.{i >> 8}.{i & 255}", ports=()) for i in range(count)))


def ask(
    by: Responder, name: str, kind: str = "A", *, edns: int | None = None, tcp: bool = False, rd: bool = True
) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=edns is not None, payload=edns or 0)
    query.flags = dns.flags.RD if rd else 0
    reply = by.respond(query.to_wire(), tcp=tcp)
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert query.is_response(message)
    return message


def texts(section: list[dns.rrset.RRset]) -> list[str]:
    return sorted(f"{rrset.name} {item.rdtype.name} {item.to_text()}" for rrset in section for item in rrset)


SOA = "SOA ns1.mesos. root.ns1.mesos. 77 60 600 86400 60"


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "answer", "authority"),
    [
        pytest.param(
            "web.marathon.mesos.", "A", "NOERROR", ["web.marathon.mesos. A 12.0.0.1"], [], id="a name with an address"
        ),
        pytest.param("WEB.Marathon.MESOS.", "A", "NOERROR", ["WEB.Marathon.MESOS. A 12.0.0.1"], [], id="case is kept"),
        pytest.param(
            "_web._tcp.marathon.mesos.",
            "SRV",
            "NOERROR",
            ["_web._tcp.marathon.mesos. SRV 0 1 31000 web-e844k-s0.marathon.slave.mesos."],
            [],
            id="a service",
        ),
        pytest.param(
            "web.marathon.mesos.", "AAAA", "NOERROR", [], [f"web.marathon.mesos. {SOA}"], id="no such data: SOA"
        ),
        pytest.param(
            "_web._tcp.marathon.mesos.",
            "A",
            "NOERROR",
            [],
            [f"_web._tcp.marathon.mesos. {SOA}"],
            id="a service has no address",
        ),
        pytest.param("web.marathon.mesos.", "TXT", "NOERROR", [], [f"web.marathon.mesos. {SOA}"], id="other type"),
        pytest.param("web.marathon.mesos.", "HTTPS", "NOERROR", [], [f"web.marathon.mesos. {SOA}"], id="newer type"),
        pytest.param("nope.mesos.", "A", "NXDOMAIN", [], [f"nope.mesos. {SOA}"], id="no such name"),
        pytest.param("nope.mesos.", "TXT", "NXDOMAIN", [], [f"nope.mesos. {SOA}"], id="no such name, other type"),
        pytest.param("*.mesos.", "A", "NXDOMAIN", [], [f"*.mesos. {SOA}"], id="a wildcard alone is no name"),
        pytest.param("mesos.", "A", "NXDOMAIN", [], [f"mesos. {SOA}"], id="the domain has no address"),
        pytest.param("_nope._tcp.mesos.", "SRV", "NOERROR", [], [], id="no such service: empty, without SOA"),
        pytest.param("web.*.marathon.*.mesos.", "SRV", "NOERROR", [], [], id="a name is no service"),
        pytest.param("any.mesos.", "SOA", "NOERROR", [], [f"any.mesos. {SOA}"], id="SOA of any name, in authority"),
        pytest.param("any.mesos.", "NS", "NOERROR", [], ["any.mesos. NS ns1.mesos."], id="NS of any name"),
        pytest.param(
            "web.marathon.mesos.",
            "ANY",
            "NOERROR",
            ["web.marathon.mesos. A 12.0.0.1"],
            [f"web.marathon.mesos. {SOA}", "web.marathon.mesos. NS ns1.mesos."],
            id="all types",
        ),
    ],
)
def test_answers(name: str, kind: str, rcode: str, answer: list[str], authority: list[str]) -> None:
    by = responder(cluster(task()))
    for _ in range(3):  # built, kept, hot
        message = ask(by, name, kind)
        assert dns.rcode.to_text(message.rcode()) == rcode
        assert texts(message.answer) == answer
        assert texts(message.authority) == sorted(authority)
        assert message.flags & dns.flags.AA and message.flags & dns.flags.RA and message.flags & dns.flags.RD


def test_parts_of_stars_are_left_out_of_names() -> None:
    message = ask(responder(cluster(task())), "web.*.marathon.mesos.")
    assert [item.to_text() for item in message.answer[0]] == ["12.0.0.1"]


def test_services_bring_addresses_along() -> None:
    message = ask(responder(cluster(task())), "_web._tcp.marathon.mesos.", "SRV")
    assert texts(message.additional) == ["web-e844k-s0.marathon.slave.mesos. A 10.0.0.1"]


def test_raw_discovery_names_resolve_and_unreachable_ones_are_passed_over() -> None:
    long = "x" * 63
    zone = cluster(task("a.1", discovery="web.team"), task("b.1", discovery=long), task("c.1", discovery="Web Shop"))
    by = responder(zone)
    for name in ("web.team", "web-team", "webshop", long):
        assert ask(by, f"{name}.marathon.mesos.").answer
    served = {row.name for row in name_rows(zone.zone, zone.zone.names())}
    assert "Web Shop.marathon.mesos." not in served
    assert f"_{long}._tcp.marathon.slave.mesos." not in served


def test_values_take_turns() -> None:
    by = responder(many(4))
    firsts = {ask(by, "web.marathon.mesos.").answer[0][0].to_text() for _ in range(20)}
    assert firsts == {f"12.0.0.{i}" for i in range(4)}


@pytest.mark.parametrize(
    ("edns", "tcp", "kept", "truncated"),
    [
        pytest.param(None, False, 29, True, id="512 bytes by UDP"),
        pytest.param(512, False, 29, True, id="no more with OPT of 512"),
        pytest.param(4096, False, 50, False, id="more when asked for"),
        pytest.param(None, True, 50, False, id="all by TCP"),
    ],
)
def test_truncation(edns: int | None, tcp: bool, kept: int, truncated: bool) -> None:
    by = responder(many(50))
    for _ in range(MAX_ROTATIONS + 2):
        message = ask(by, "web.marathon.mesos.", edns=edns, tcp=tcp)
        assert len(message.answer[0]) == kept
        assert bool(message.flags & dns.flags.TC) is truncated
        assert (message.edns == 0) is (edns is not None)


def test_what_does_not_fit_with_a_service_are_the_addresses_first() -> None:
    zone = cluster(*(task(f"web.{i}", ports=((31000 + i, 31000 + i),)) for i in range(7)))
    message = ask(responder(zone), "_web._tcp.marathon.mesos.", "SRV")
    assert len(message.answer[0]) == 7
    assert not message.additional
    assert message.flags & dns.flags.TC
    silent = ask(responder(zone, ServeSettings(truncate_bit=False)), "_web._tcp.marathon.mesos.", "SRV")
    assert not silent.flags & dns.flags.TC


def test_thousands_of_values_fill_tcp_to_its_limit() -> None:
    message = ask(responder(many(5000)), "web.marathon.mesos.", tcp=True)
    assert message.flags & dns.flags.TC
    assert 4090 <= len(message.answer[0]) <= 4094


def test_changed_names_are_answered_anew() -> None:
    zone = cluster(task())
    by = responder(zone)
    for _ in range(3):
        ask(by, "web.marathon.mesos.")
    assert by.hot
    by.forget(names_changed(zone.step(TaskSeen(task("web.2", ip="12.0.0.2")), 1.0)))
    assert not by.hot
    assert len(ask(by, "web.marathon.mesos.").answer[0]) == 2


def test_strict_answers() -> None:
    zone = cluster(task())
    table = Table(count_inner=True)
    table.apply(name_rows(zone.zone, zone.zone.names()))
    by = Responder(ServeSettings(strict=True), table.lookup, is_inner=table.is_inner)
    by.ready = True
    assert ask(by, "_nope._tcp.mesos.", "SRV").rcode() == dns.rcode.NXDOMAIN
    assert ask(by, "marathon.slave.mesos.").rcode() == dns.rcode.NOERROR
    assert ask(by, "mesos.").rcode() == dns.rcode.NOERROR
    assert ask(by, "none.slave.mesos.").rcode() == dns.rcode.NXDOMAIN
    table.apply([type(row)(row.name, b"") for row in name_rows(zone.zone, zone.zone.names())])
    assert ask(by, "marathon.slave.mesos.").rcode() == dns.rcode.NXDOMAIN


def test_before_the_first_load_nobody_knows() -> None:
    by = responder(cluster(task()), ready=False)
    assert ask(by, "web.marathon.mesos.").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("name", ["example.com.", "notmesos.", "x.marathon.mesos.com.", "1.0.0.10.in-addr.arpa."])
def test_other_names_are_passed_on_or_refused(name: str) -> None:
    zone = cluster(task())
    wire = dns.message.make_query(name, "A").to_wire()
    assert isinstance(responder(zone).respond(wire), Forward)
    refused = ask(responder(zone, ServeSettings(external=False)), name)
    assert refused.rcode() == dns.rcode.REFUSED
    assert not refused.flags & dns.flags.RA


def test_ds_records_are_the_parents() -> None:
    wire = dns.message.make_query("mesos.", "DS").to_wire()
    assert isinstance(responder(cluster()).respond(wire), Forward)


def _packet(
    name: bytes, *, flags: int = 0x0100, counts: tuple[int, int, int, int] = (1, 0, 0, 0), rest: bytes = b""
) -> bytes:
    head = b"\x12\x34" + flags.to_bytes(2, "big") + b"".join(count.to_bytes(2, "big") for count in counts)
    return head + name + b"\0\1\0\1" + rest


WEB = b"\3web\x08marathon\5mesos\0"
OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    ("packet", "rcode"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"\x12\x34\1\0\0\1", None, id="half a header"),
        pytest.param(_packet(WEB, flags=0x8100), None, id="a response"),
        pytest.param(_packet(WEB, flags=0x2000), dns.rcode.NOTIMP, id="NOTIFY"),
        pytest.param(_packet(WEB, flags=0x2800), dns.rcode.NOTIMP, id="UPDATE"),
        pytest.param(_packet(WEB, counts=(0, 0, 0, 0)), dns.rcode.SERVFAIL, id="no question"),
        pytest.param(_packet(WEB, counts=(2, 0, 0, 0), rest=WEB + b"\0\1\0\1"), dns.rcode.FORMERR, id="two questions"),
        pytest.param(_packet(WEB)[:-3], dns.rcode.FORMERR, id="cut in the question"),
        pytest.param(_packet(b"\3web\xc0\x0c"), dns.rcode.FORMERR, id="a pointer to itself"),
        pytest.param(_packet(b"\x40" + b"x" * 64 + b"\0"), dns.rcode.FORMERR, id="a label of 64"),
        pytest.param(_packet(b"\x3f" + b"x" * 63)[:-4], dns.rcode.FORMERR, id="a name without end"),
        pytest.param(_packet((b"\x3f" + b"x" * 63) * 4 + b"\0"), dns.rcode.FORMERR, id="a name of 257"),
        pytest.param(_packet(WEB, counts=(1, 0, 0, 1)), dns.rcode.FORMERR, id="a record missing"),
        pytest.param(_packet(WEB, counts=(1, 0, 0, 2), rest=OPT * 2), dns.rcode.FORMERR, id="two OPT"),
        pytest.param(_packet(WEB, counts=(1, 0, 0, 9999)), dns.rcode.FORMERR, id="too many records"),
        pytest.param(_packet(WEB)[:-1] + b"\3", dns.rcode.REFUSED, id="CHAOS"),
        pytest.param(_packet(WEB, counts=(1, 0, 0, 1), rest=OPT[:6] + b"\1" + OPT[7:]), dns.rcode.BADVERS, id="EDNS 1"),
        pytest.param(_packet(WEB) + b"trailing", dns.rcode.NOERROR, id="bytes after the end"),
    ],
)
def test_bad_packets(packet: bytes, rcode: dns.rcode.Rcode | None) -> None:
    reply = responder(cluster(task())).respond(packet)
    if rcode is None:
        assert reply is None
    else:
        assert isinstance(reply, bytes)
        assert dns.message.from_wire(reply).rcode() == rcode


def test_flags_are_copied_as_they_should() -> None:
    by = responder(cluster(task()), ServeSettings(recursion_available=False))
    message = ask(by, "web.marathon.mesos.", rd=False)
    assert not message.flags & (dns.flags.RD | dns.flags.RA)
    checked = by.respond(_packet(WEB, flags=0x0010))
    assert isinstance(checked, bytes) and checked[3] & 0x10


def test_many_names_do_not_fill_the_memory() -> None:
    by = responder(cluster(task()))
    for i in range(1000):
        ask(by, f"n{i}.mesos.")
        ask(by, "web.*.marathon.mesos.", edns=1232)
    assert len(by.hot) == len(by._compiled) == 0


_ZONE = cluster(task(), *(task(f"db.{i}", "db") for i in range(40)))
_SEEDS = st.sampled_from(
    [
        _packet(WEB),
        _packet(WEB, counts=(1, 0, 0, 1), rest=OPT),
        dns.message.make_query("_db._tcp.marathon.mesos", "SRV", use_edns=0).to_wire(),
        dns.message.make_query("nope.mesos", "ANY").to_wire(),
        dns.message.make_query("example.com", "A").to_wire(),
    ]
)


@given(_SEEDS, st.lists(st.tuples(st.integers(0, 70), st.integers(0, 255)), max_size=6), st.integers(0, 70))
def test_mutilated_packets(seed: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    packet = bytearray(seed)
    for position, value in changes:
        packet[position % len(packet)] = value
    _survives(bytes(packet if cut > 35 else packet[: len(packet) - cut]))


@given(st.binary(max_size=600))
def test_garbage(packet: bytes) -> None:
    _survives(packet)


def _survives(packet: bytes) -> None:
    by = responder(_ZONE)
    for _ in range(2):
        reply = by.respond(packet)
        if isinstance(reply, bytes):
            assert reply[:2] == packet[:2]
            assert reply[2] & 0x80
            assert len(reply) < 1232
            dns.message.from_wire(reply, ignore_trailing=True, one_rr_per_rrset=True)
