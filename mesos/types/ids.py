"""Ids, wrapped as v1 JSON wraps them: ``{"value": "..."}``."""

from __future__ import annotations

from mesos.types.base import Wire


class FrameworkID(Wire, frozen=True):
    """``<master id>-<nnnn>``, assigned by a master or brought by the framework."""

    value: str


class AgentID(Wire, frozen=True):
    """``<master id>-S<n>``, assigned at registration."""

    value: str


class OfferID(Wire, frozen=True):
    """``<master id>-O<n>``; inverse offers share the counter."""

    value: str


class TaskID(Wire, frozen=True):
    """Chosen by the framework, unique within it."""

    value: str


class ExecutorID(Wire, frozen=True):
    """Chosen by the framework, unique within it and an agent."""

    value: str


class OperationID(Wire, frozen=True):
    """Chosen by the framework to get feedback on an operation."""

    value: str


class ResourceProviderID(Wire, frozen=True):
    """A resource provider of an agent."""

    value: str


class ContainerID(Wire, frozen=True):
    """A container; nested ones name their parent."""

    value: str
    parent: ContainerID | None = None


class UUID(Wire, frozen=True):
    """16 raw bytes, base64 in JSON."""

    value: bytes
