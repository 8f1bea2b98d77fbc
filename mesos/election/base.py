"""Who leads: the interfaces that the ZooKeeper and the standalone versions share.

Callbacks are plain functions, called on the event loop in the order of what happened; they must not block. A program
that has to do more than note the change starts a task, or posts an event to its loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec


class Leader(msgspec.Struct, frozen=True):
    """The contender that leads.

    ``node`` is the name of its node, ``data`` what it published there: compact MasterInfo JSON for masters,
    ``host:port`` for marathons. ``term`` grows from leader to leader (the transaction that created the node);
    ``session`` is the ZooKeeper session that owns the node.
    """

    node: str
    data: bytes
    term: int = 0
    session: int = 0


OnLeader = Callable[[Leader | None], None]
"""Told each time the leader changes; ``None`` when nobody leads, or nobody can be seen to lead."""


class Detector(Protocol):
    """Follows who leads, without contending."""

    def start(self, on_change: OnLeader) -> None:
        """Begin to follow. ``on_change`` is called when the leader is first known and at each change after that."""
        ...

    async def leader(self) -> Leader:
        """Wait until somebody leads and return it; returns at once when somebody does."""
        ...

    async def stop(self) -> None:
        """Follow no longer; no callback comes after this."""
        ...


class Contender(Protocol):
    """Stands for election until it is stopped."""

    async def start(self) -> None:
        """Begin to contend, and go on by itself through every loss of the connection or the session."""
        ...

    async def stop(self) -> None:
        """Withdraw."""
        ...


class Election(Protocol):
    """Contends, and says when this program leads. The process lives on through every change."""

    async def run(
        self,
        on_elected: Callable[[int], None],
        on_lost: Callable[[str], None],
        on_leader_changed: OnLeader,
    ) -> None:
        """Contend until cancelled, then withdraw.

        :param on_elected: called with the term when this program starts to lead; terms only grow, and a store
            opened with a term refuses writers of earlier ones.
        :param on_lost: called with the reason the moment this program must stop leading; whatever it sends after
            that may contradict another leader. Elections go on, so ``on_elected`` may follow.
        :param on_leader_changed: called at each change of the leader, this program included.
        """
        ...

    async def abdicate(self) -> None:
        """Stop leading and contend again behind everybody else; nothing happens when not leading."""
        ...
