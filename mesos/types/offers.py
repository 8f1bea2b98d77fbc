"""Offers, inverse offers, filters and the operations that use offers up."""

from __future__ import annotations

from enum import StrEnum

from mesos.types.base import URL, DomainInfo, Unavailability, Wire, emitted
from mesos.types.ids import UUID, AgentID, ExecutorID, FrameworkID, OfferID, OperationID, ResourceProviderID
from mesos.types.resources import AllocationInfo, Attribute, Resource, Scalar
from mesos.types.tasks import ExecutorInfo, TaskGroupInfo, TaskInfo


class Filters(Wire, frozen=True):
    """For how many seconds the refused resources need not be offered again."""

    refuse_seconds: float = emitted(5.0)


class Offer(Wire, frozen=True, kw_only=True):
    """Everything that one agent has for one role of one framework."""

    id: OfferID
    framework_id: FrameworkID
    agent_id: AgentID
    hostname: str
    url: URL | None = None
    domain: DomainInfo | None = None
    resources: tuple[Resource, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    executor_ids: tuple[ExecutorID, ...] = ()
    unavailability: Unavailability | None = None
    allocation_info: AllocationInfo | None = None


class InverseOffer(Wire, frozen=True, kw_only=True):
    """A request to give resources back. No resources mean the whole agent."""

    id: OfferID
    framework_id: FrameworkID
    unavailability: Unavailability
    url: URL | None = None
    agent_id: AgentID | None = None
    resources: tuple[Resource, ...] = ()


class OperationType(StrEnum):
    """What may be done with offered resources."""

    LAUNCH = "LAUNCH"
    LAUNCH_GROUP = "LAUNCH_GROUP"
    RESERVE = "RESERVE"
    UNRESERVE = "UNRESERVE"
    CREATE = "CREATE"
    DESTROY = "DESTROY"
    GROW_VOLUME = "GROW_VOLUME"
    SHRINK_VOLUME = "SHRINK_VOLUME"
    CREATE_DISK = "CREATE_DISK"
    DESTROY_DISK = "DESTROY_DISK"


class Launch(Wire, frozen=True):
    """Run tasks, each on its own."""

    task_infos: tuple[TaskInfo, ...] = ()


class LaunchGroup(Wire, frozen=True):
    """Run tasks together in one executor, all or none."""

    executor: ExecutorInfo
    task_group: TaskGroupInfo


class Reserve(Wire, frozen=True):
    """Reserve resources; they carry the new reservation stack."""

    resources: tuple[Resource, ...] = ()
    source: tuple[Resource, ...] = ()


class Unreserve(Wire, frozen=True):
    """Take the top reservation away."""

    resources: tuple[Resource, ...] = ()


class Create(Wire, frozen=True):
    """Make persistent volumes."""

    volumes: tuple[Resource, ...] = ()


class Destroy(Wire, frozen=True):
    """Destroy persistent volumes."""

    volumes: tuple[Resource, ...] = ()


class GrowVolume(Wire, frozen=True):
    """Make a volume larger by ``addition``."""

    volume: Resource
    addition: Resource


class ShrinkVolume(Wire, frozen=True):
    """Make a volume smaller by ``subtract`` MB."""

    volume: Resource
    subtract: Scalar


class Operation(Wire, frozen=True, kw_only=True):
    """One operation of an ACCEPT; ``id`` asks for feedback."""

    type: OperationType | None = None
    id: OperationID | None = None
    launch: Launch | None = None
    launch_group: LaunchGroup | None = None
    reserve: Reserve | None = None
    unreserve: Unreserve | None = None
    create: Create | None = None
    destroy: Destroy | None = None
    grow_volume: GrowVolume | None = None
    shrink_volume: ShrinkVolume | None = None


class OperationStatus(Wire, frozen=True, kw_only=True):
    """What became of an operation. Only one with ``uuid`` is to be acknowledged."""

    state: str
    operation_id: OperationID | None = None
    message: str | None = None
    converted_resources: tuple[Resource, ...] = ()
    uuid: UUID | None = None
    agent_id: AgentID | None = None
    resource_provider_id: ResourceProviderID | None = None


class OperationView(Wire, frozen=True, kw_only=True):
    """An operation on its way, as GET_OPERATIONS shows it."""

    framework_id: FrameworkID | None = None
    agent_id: AgentID | None = None
    info: Operation
    latest_status: OperationStatus
    statuses: tuple[OperationStatus, ...] = ()
    uuid: UUID
