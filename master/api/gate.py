"""Who may be asked: a leader answers, a standby redirects, and while nobody leads there is nothing to say.

Source: Mesos ``Master::Http::redirect`` and the order of checks of the scheduler endpoint.
"""

from __future__ import annotations

from typing import NamedTuple

from master.drivers.leadership import Leadership, Term
from mesos.election import master_of

NO_LEADER = "No leader elected"
RECOVERING = "Master has not finished recovery"


class Elsewhere(NamedTuple):
    """An answer that says where, or when, to ask again."""

    status: int
    text: str = ""
    location: str | None = None


def leading(leadership: Leadership, target: str) -> Term | Elsewhere:
    """Return the term when this master leads and is ready, else what to answer to a request for ``target``."""
    if leadership.term is not None:
        return leadership.term
    if leadership.recovering:
        return Elsewhere(503, RECOVERING)
    return redirect(leadership, target)


def redirect(leadership: Leadership, target: str) -> Elsewhere:
    """Return the answer that leads to the leader: ``//host:port`` without a scheme, as upstream."""
    if leadership.leader is None:
        return Elsewhere(503, NO_LEADER)
    info = master_of(leadership.leader)
    return Elsewhere(307, "", f"//{info.hostname}:{info.port}{target}")
