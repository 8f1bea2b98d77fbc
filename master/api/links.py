"""``GET /api/v1/agent-link``: agents upgrade their connection to a link. See :mod:`mesos.link`."""

from __future__ import annotations

from master.api import gate
from master.api.calls import Refusal
from master.drivers.leadership import Leadership
from mesos.http.server import Exchange
from mesos.link import LINK_PROTOCOL


class LinkApi:
    """The hot handler of the link endpoint."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership

    def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        term = gate.leading(self._leadership, exchange.target)
        if isinstance(term, gate.Elsewhere):
            Refusal.elsewhere(term).send(exchange)
        elif exchange.headers.get("upgrade", "").lower() != LINK_PROTOCOL:
            exchange.respond(
                426, f"Expecting 'Upgrade: {LINK_PROTOCOL}'".encode(), headers=[("Upgrade", LINK_PROTOCOL)]
            )
        else:
            exchange.upgrade(term.links.open(), protocol_name=LINK_PROTOCOL)
