"""The v1 scheduler API: calls of a framework and events of the master.

Source: Mesos v1 ``scheduler.proto``. ``type`` is optional in both, as in the proto: an unknown type name arrives as no
type and is refused by validation, not by the parser.
"""

from __future__ import annotations

from enum import StrEnum

from mesos.types.base import Wire, emitted
from mesos.types.containers import KillPolicy
from mesos.types.frameworks import FrameworkInfo, OfferConstraints
from mesos.types.ids import AgentID, ExecutorID, FrameworkID, OfferID, OperationID, ResourceProviderID, TaskID
from mesos.types.masters import MasterInfo
from mesos.types.offers import Filters, InverseOffer, Offer, Operation, OperationStatus
from mesos.types.resources import Resource
from mesos.types.tasks import TaskStatus


class CallType(StrEnum):
    """What a framework may ask."""

    UNKNOWN = "UNKNOWN"
    SUBSCRIBE = "SUBSCRIBE"
    TEARDOWN = "TEARDOWN"
    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    ACCEPT_INVERSE_OFFERS = "ACCEPT_INVERSE_OFFERS"
    DECLINE_INVERSE_OFFERS = "DECLINE_INVERSE_OFFERS"
    REVIVE = "REVIVE"
    SUPPRESS = "SUPPRESS"
    KILL = "KILL"
    SHUTDOWN = "SHUTDOWN"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    ACKNOWLEDGE_OPERATION_STATUS = "ACKNOWLEDGE_OPERATION_STATUS"
    RECONCILE = "RECONCILE"
    RECONCILE_OPERATIONS = "RECONCILE_OPERATIONS"
    MESSAGE = "MESSAGE"
    REQUEST = "REQUEST"
    UPDATE_FRAMEWORK = "UPDATE_FRAMEWORK"


class Subscribe(Wire, frozen=True, kw_only=True):
    """Open the event stream."""

    framework_info: FrameworkInfo
    suppressed_roles: tuple[str, ...] = ()
    offer_constraints: OfferConstraints | None = None


class Accept(Wire, frozen=True, kw_only=True):
    """Use offers of one agent; what the operations leave is declined with ``filters``."""

    offer_ids: tuple[OfferID, ...] = ()
    operations: tuple[Operation, ...] = ()
    filters: Filters | None = None


class Decline(Wire, frozen=True):
    """Give offers back."""

    offer_ids: tuple[OfferID, ...] = ()
    filters: Filters | None = None


class InverseOfferAnswer(Wire, frozen=True):
    """Agree, or not, to give resources back."""

    inverse_offer_ids: tuple[OfferID, ...] = ()
    filters: Filters | None = None


class Roles(Wire, frozen=True):
    """Roles to revive or suppress; none means all."""

    roles: tuple[str, ...] = ()


class Kill(Wire, frozen=True):
    """End a task."""

    task_id: TaskID
    agent_id: AgentID | None = None
    kill_policy: KillPolicy | None = None


class Shutdown(Wire, frozen=True):
    """End an executor."""

    executor_id: ExecutorID
    agent_id: AgentID


class Acknowledge(Wire, frozen=True):
    """Confirm that a status update is dealt with."""

    agent_id: AgentID
    task_id: TaskID
    uuid: bytes


class AcknowledgeOperationStatus(Wire, frozen=True, kw_only=True):
    """Confirm that an operation's status is dealt with. Here the uuid is plain base64."""

    uuid: bytes
    operation_id: OperationID
    agent_id: AgentID | None = None
    resource_provider_id: ResourceProviderID | None = None


class ReconcileTask(Wire, frozen=True):
    """A task whose state is asked for."""

    task_id: TaskID
    agent_id: AgentID | None = None


class Reconcile(Wire, frozen=True):
    """Ask for the state of these tasks; of all, when there are none."""

    tasks: tuple[ReconcileTask, ...] = ()


class ReconcileOperation(Wire, frozen=True):
    """An operation whose state is asked for."""

    operation_id: OperationID
    agent_id: AgentID | None = None
    resource_provider_id: ResourceProviderID | None = None


class ReconcileOperations(Wire, frozen=True):
    """Ask for the state of these operations."""

    operations: tuple[ReconcileOperation, ...] = ()


class Message(Wire, frozen=True):
    """Bytes for an executor, or from one. Not reliable."""

    agent_id: AgentID
    executor_id: ExecutorID
    data: bytes


class RequestItem(Wire, frozen=True):
    """A wish for resources."""

    agent_id: AgentID | None = None
    resources: tuple[Resource, ...] = ()


class Request(Wire, frozen=True):
    """Wishes for resources; the allocator takes no notice, as upstream's."""

    requests: tuple[RequestItem, ...] = ()


class UpdateFramework(Wire, frozen=True, kw_only=True):
    """Change what the framework told of itself."""

    framework_info: FrameworkInfo
    suppressed_roles: tuple[str, ...] = ()
    offer_constraints: OfferConstraints | None = None


class Call(Wire, frozen=True, kw_only=True):
    """One call; the payload has the name of the type in lower case."""

    type: CallType | None = None
    framework_id: FrameworkID | None = None
    subscribe: Subscribe | None = None
    accept: Accept | None = None
    decline: Decline | None = None
    accept_inverse_offers: InverseOfferAnswer | None = None
    decline_inverse_offers: InverseOfferAnswer | None = None
    revive: Roles | None = None
    suppress: Roles | None = None
    kill: Kill | None = None
    shutdown: Shutdown | None = None
    acknowledge: Acknowledge | None = None
    acknowledge_operation_status: AcknowledgeOperationStatus | None = None
    reconcile: Reconcile | None = None
    reconcile_operations: ReconcileOperations | None = None
    message: Message | None = None
    request: Request | None = None
    update_framework: UpdateFramework | None = None


class EventType(StrEnum):
    """What a master tells."""

    UNKNOWN = "UNKNOWN"
    SUBSCRIBED = "SUBSCRIBED"
    OFFERS = "OFFERS"
    INVERSE_OFFERS = "INVERSE_OFFERS"
    RESCIND = "RESCIND"
    RESCIND_INVERSE_OFFER = "RESCIND_INVERSE_OFFER"
    UPDATE = "UPDATE"
    UPDATE_OPERATION_STATUS = "UPDATE_OPERATION_STATUS"
    MESSAGE = "MESSAGE"
    FAILURE = "FAILURE"
    ERROR = "ERROR"
    HEARTBEAT = "HEARTBEAT"


class Subscribed(Wire, frozen=True, kw_only=True):
    """The subscription stands."""

    framework_id: FrameworkID
    heartbeat_interval_seconds: float = emitted(15.0)
    master_info: MasterInfo | None = None


class Offers(Wire, frozen=True):
    """New offers, one for each agent and role."""

    offers: tuple[Offer, ...] = ()


class InverseOffers(Wire, frozen=True):
    """New inverse offers."""

    inverse_offers: tuple[InverseOffer, ...] = ()


class Rescind(Wire, frozen=True):
    """An offer is no longer valid."""

    offer_id: OfferID


class RescindInverseOffer(Wire, frozen=True):
    """An inverse offer is no longer valid."""

    inverse_offer_id: OfferID


class Update(Wire, frozen=True):
    """What became of a task."""

    status: TaskStatus


class UpdateOperationStatus(Wire, frozen=True):
    """What became of an operation."""

    status: OperationStatus


class Failure(Wire, frozen=True):
    """An agent, or an executor with its raw wait status, is gone."""

    agent_id: AgentID | None = None
    executor_id: ExecutorID | None = None
    status: int | None = None


class Error(Wire, frozen=True):
    """The subscription ends, and why."""

    message: str


class Event(Wire, frozen=True, kw_only=True):
    """One event; the payload has the name of the type in lower case."""

    type: EventType | None = None
    subscribed: Subscribed | None = None
    offers: Offers | None = None
    inverse_offers: InverseOffers | None = None
    rescind: Rescind | None = None
    rescind_inverse_offer: RescindInverseOffer | None = None
    update: Update | None = None
    update_operation_status: UpdateOperationStatus | None = None
    message: Message | None = None
    failure: Failure | None = None
    error: Error | None = None
