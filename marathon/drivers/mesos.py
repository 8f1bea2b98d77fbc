"""Marathon's end of the v1 scheduler API: its registration, events for the core, calls from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from marathon.core import events as ev
from mesos.clock import IdSource
from mesos.election import Detector
from mesos.http.scheduler import SchedulerClient
from mesos.types import scheduler as api
from mesos.types.agents import Capability
from mesos.types.frameworks import FrameworkInfo
from mesos.types.ids import FrameworkID
from mesos.types.masters import MasterInfo

CAPABILITIES = ("PARTITION_AWARE", "REGION_AWARE", "MULTI_ROLE", "TASK_KILLING_STATE")
"""What marathon always tells. Source: Marathon ``MarathonSchedulerDriver``; TASK_KILLING is a feature there."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What the framework tells of itself, without its id and roles."""

    name: str
    user: str
    hostname: str
    webui_url: str
    failover_timeout_s: float = 604800.0
    checkpoint: bool = True
    principal: str | None = None
    gpus: bool = False


class MesosDriver:
    """One leader's subscription. Start :meth:`run`, cancel it to stop.

    :param post: takes the events for the core.
    :param roles: the roles to subscribe with, asked at each subscription.
    """

    def __init__(
        self,
        detector: Detector,
        ids: IdSource,
        registration: Registration,
        *,
        framework_id: str | None,
        roles: Callable[[], Iterable[str]],
        post: Callable[[ev.Event], None],
    ) -> None:
        self._registration, self._roles, self._post = registration, roles, post
        self._framework_id = framework_id
        self.master: MasterInfo | None = None
        self._client = SchedulerClient(
            detector,
            ids,
            subscribe=self._subscribe,
            on_event=self._event,
            on_disconnected=self._disconnected,
            max_pause_s=5.0,
        )

    async def run(self) -> None:
        """Stay subscribed until cancelled."""
        await self._client.run()

    def send(self, call: api.Call) -> None:
        """Send a call of the core; without a subscription it is lost, as the core expects."""
        if self._framework_id is not None:
            self._client.send(msgspec.structs.replace(call, framework_id=FrameworkID(self._framework_id)))

    def register_anew(self) -> None:
        """Let the next subscription be that of a new framework."""
        self._framework_id = None

    def update_roles(self) -> None:
        """Tell the master that the roles have changed."""
        info = self._info()
        self.send(
            api.Call(type=api.CallType.UPDATE_FRAMEWORK, update_framework=api.UpdateFramework(framework_info=info))
        )

    def _info(self) -> FrameworkInfo:
        told = self._registration
        names = (*CAPABILITIES, "GPU_RESOURCES") if told.gpus else CAPABILITIES
        return FrameworkInfo(
            user=told.user,
            name=told.name,
            id=FrameworkID(self._framework_id) if self._framework_id else None,
            failover_timeout=told.failover_timeout_s,
            checkpoint=told.checkpoint,
            roles=tuple(self._roles()),
            hostname=told.hostname,
            principal=told.principal,
            webui_url=told.webui_url,
            capabilities=tuple(Capability(name) for name in names),
        )

    def _subscribe(self) -> api.Call:
        framework_id = FrameworkID(self._framework_id) if self._framework_id else None
        subscribe = api.Subscribe(framework_info=self._info())
        return api.Call(type=api.CallType.SUBSCRIBE, framework_id=framework_id, subscribe=subscribe)

    def _event(self, event: api.Event) -> None:
        match event.type:
            case api.EventType.SUBSCRIBED if event.subscribed is not None:
                self._framework_id = event.subscribed.framework_id.value
                self.master = event.subscribed.master_info
                self._post(ev.Subscribed(self._framework_id, _address(self.master)))
            case api.EventType.OFFERS if event.offers is not None:
                self._post(ev.OffersArrived(event.offers.offers))
            case api.EventType.UPDATE if event.update is not None:
                self._post(ev.StatusArrived(event.update.status))
            case api.EventType.ERROR if event.error is not None:
                self._post(ev.MasterError(event.error.message))
            case api.EventType.MESSAGE if event.message is not None:
                said = event.message
                self._post(ev.FrameworkMessage(said.executor_id.value, said.agent_id.value, said.data))
            case _:
                return  # a rescinded offer was answered when it came; heartbeats are the client's

    def _disconnected(self, reason: str) -> None:
        self.master = None
        self._post(ev.Disconnected(reason))


def _address(master: MasterInfo | None) -> str:
    if master is None:
        return ""
    return f"{master.hostname or ''}:{master.port}"
