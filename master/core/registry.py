"""What outlives a master: the agents that were admitted, are unreachable, or are gone.

Keys: ``agents/<id>`` -> :class:`Admitted`, ``unreachable/<id>`` -> :class:`Unreachable`, ``gone/<id>``. Frameworks,
tasks and offers are not remembered: they come back with those who hold them. Source: Mesos ``registry.proto``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from master.core.context import Context
from master.core.rows import Admitted, Unreachable
from master.core.state import State
from mesos.effects import Delete, Persist, Put
from mesos.types.agents import AgentInfo

AGENTS, UNREACHABLE = "agents/", "unreachable/"


def recover(state: State, stored: Mapping[str, bytes]) -> None:
    """Fill the tables of a new leading master."""
    for key, value in stored.items():
        kind, slash, agent_id = key.partition("/")
        match kind + slash:
            case "agents/":
                state.recovered[agent_id] = msgspec.msgpack.decode(value, type=Admitted).info
            case "unreachable/":
                state.unreachable_since_s[agent_id] = msgspec.msgpack.decode(value, type=Unreachable).since_s
            case "gone/":
                state.gone.add(agent_id)


def admit(context: Context, info: AgentInfo) -> None:
    """Remember an agent; also one that comes back."""
    assert info.id is not None
    agent_id = info.id.value
    writes: list[Put | Delete] = [Put(AGENTS + agent_id, msgspec.msgpack.encode(Admitted(info=info)))]
    if context.state.unreachable_since_s.pop(agent_id, None) is not None:
        writes.append(Delete(UNREACHABLE + agent_id))
    context.state.recovered.pop(agent_id, None)
    context.emit(Persist(tuple(writes)))


def unreachable(context: Context, agent_id: str) -> None:
    """Remember that an agent is not heard of any more."""
    context.state.unreachable_since_s[agent_id] = context.now_s
    context.state.recovered.pop(agent_id, None)
    row = msgspec.msgpack.encode(Unreachable(context.now_s))
    context.emit(Persist((Delete(AGENTS + agent_id), Put(UNREACHABLE + agent_id, row))))


def removed(context: Context, agent_id: str) -> None:
    """Forget an agent that left."""
    context.state.recovered.pop(agent_id, None)
    context.emit(Persist((Delete(AGENTS + agent_id),)))
