"""What to answer: a question and the zone give codes, records and sections, still without wire format.

Source: Mesos-DNS ``resolver.go`` as seen on a running one. Some of it is unlike other servers and clients rely on it:
SOA and NS records are told in the authority section for any name of the domain, a question for services that do not
exist is answered empty without SOA, and names that only have names below them do not exist. ``strict`` turns these
last two into what RFC 1035, 2308 and 8020 say.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from mesos_dns.core.zone import Rows, target_of

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5
BADVERS = 16
"""Response codes. Source: RFC 1035, 6895."""

A, NS, SOA, AAAA, SRV, DS, ANY = 1, 2, 6, 28, 33, 43, 255
"""Types that are told apart; all others are only known to exist or not."""

Lookup = Callable[[str], Rows | None]

_WILD = re.compile(r"\.\*")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in the domain.

    ``records`` (kind, value) all belong to the name asked; ``targets`` are the hosts of services whose addresses go
    along; ``soa`` and ``ns`` say what stands in the authority section. There are never both targets and an authority.
    """

    rcode: int = NOERROR
    records: tuple[tuple[str, str], ...] = ()
    targets: tuple[str, ...] = ()
    soa: bool = False
    ns: bool = False


def clean(name: str) -> str:
    """Return the name that is looked up: parts ``.*`` left out, lower case, with the trailing dot."""
    return _WILD.sub("", name).lower()


def answer(
    name: str, qtype: int, lookup: Lookup, *, strict: bool = False, is_inner: Callable[[str], bool] | None = None
) -> Answer:
    """Answer for ``name``, which is clean and in the domain.

    :param strict: tell missing services and inner names as other servers do.
    :param is_inner: tells whether there are names below one; only asked when ``strict``.
    """
    if qtype == SOA:
        return Answer(soa=True)
    if qtype == NS:
        return Answer(ns=True)
    rows = lookup(name)
    if qtype == SRV and not strict and (rows is None or not rows.srv):
        return Answer()
    if rows is None:
        exists = strict and is_inner is not None and is_inner(name)
        return Answer(rcode=NOERROR if exists else NXDOMAIN, soa=True)
    match qtype:
        case 1:
            records = tuple(("A", value) for value in rows.a)
        case 28:
            records = tuple(("AAAA", value) for value in rows.aaaa)
        case 33:
            records = tuple(("SRV", value) for value in rows.srv)
        case 255:
            records = _all(rows)
        case _:
            records = ()
    if not records:
        return Answer(soa=True)
    if qtype == ANY:
        return Answer(records=records, soa=True, ns=True)
    targets = tuple(dict.fromkeys(target_of(value) for kind, value in records if kind == "SRV"))
    return Answer(records=records, targets=targets)


def _all(rows: Rows) -> tuple[tuple[str, str], ...]:
    return (
        *(("SRV", value) for value in rows.srv),
        *(("A", value) for value in rows.a),
        *(("AAAA", value) for value in rows.aaaa),
    )
