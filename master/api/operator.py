"""``POST /api/v1``: what operators ask, and the event stream. Source: Mesos v1 ``master.proto``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from master.api import gate
from master.api.calls import JSON, Refusal, read_call, require_json_accepted
from master.api.v1 import V1Views
from master.core import events as ev
from master.core.errors import NoSuchFramework
from master.drivers.leadership import Leadership, Term
from mesos import recordio
from mesos.codec import encode
from mesos.http.server import Exchange
from mesos.loop import LoopFailed
from mesos.metrics import Metrics
from mesos.types.base import Version, Wire, emitted
from mesos.types.ids import FrameworkID

log = logging.getLogger(__name__)

HEARTBEAT = recordio.encode(b'{"type":"HEARTBEAT"}')

CALL_NAMES = """
    UNKNOWN GET_HEALTH GET_FLAGS GET_VERSION GET_METRICS GET_LOGGING_LEVEL SET_LOGGING_LEVEL LIST_FILES READ_FILE
    GET_STATE GET_AGENTS GET_FRAMEWORKS GET_EXECUTORS GET_OPERATIONS GET_TASKS GET_ROLES GET_WEIGHTS UPDATE_WEIGHTS
    GET_MASTER SUBSCRIBE RESERVE_RESOURCES UNRESERVE_RESOURCES CREATE_VOLUMES DESTROY_VOLUMES GROW_VOLUME SHRINK_VOLUME
    GET_MAINTENANCE_STATUS GET_MAINTENANCE_SCHEDULE UPDATE_MAINTENANCE_SCHEDULE START_MAINTENANCE STOP_MAINTENANCE
    GET_QUOTA UPDATE_QUOTA SET_QUOTA REMOVE_QUOTA TEARDOWN MARK_AGENT_GONE DRAIN_AGENT DEACTIVATE_AGENT
    REACTIVATE_AGENT
    """
KNOWN_CALLS = frozenset(CALL_NAMES.split())
"""Types that the proto has; any other name is as good as none."""


class TearDown(Wire, frozen=True):
    """Which framework is to end."""

    framework_id: FrameworkID


class OperatorCall(Wire, frozen=True, kw_only=True):
    """One call; only payloads that are looked at are declared."""

    type: str | None = None
    get_metrics: dict[str, Any] | None = None
    teardown: TearDown | None = None


class _Entry(Wire, frozen=True):
    name: str
    value: Any = emitted(None)


class OperatorApi:
    """The hot handler of the operator endpoint."""

    def __init__(self, leadership: Leadership, flags: Mapping[str, str], metrics: Metrics, version: Version) -> None:
        self._leadership, self._flags, self._metrics, self._version = leadership, flags, metrics, version
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: dict[str, Callable[[Term, OperatorCall], bytes]] = {
            "GET_HEALTH": lambda term, call: b'{"healthy":true}',
            "GET_VERSION": lambda term, call: encode({"version_info": self._version}),
            "GET_FLAGS": lambda term, call: encode({"flags": _entries(self._flags)}),
            "GET_METRICS": self._get_metrics,
            "GET_STATE": lambda term, call: V1Views(term.machine).state(),
            "GET_AGENTS": lambda term, call: V1Views(term.machine).agents(),
            "GET_FRAMEWORKS": lambda term, call: V1Views(term.machine).frameworks(),
            "GET_EXECUTORS": lambda term, call: V1Views(term.machine).executors(),
            "GET_TASKS": lambda term, call: V1Views(term.machine).tasks(),
            "GET_ROLES": lambda term, call: V1Views(term.machine).roles(),
            "GET_MASTER": lambda term, call: V1Views(term.machine).master(),
        }

    def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        try:
            self._serve(exchange)
        except Refusal as refusal:
            refusal.send(exchange)

    def _serve(self, exchange: Exchange) -> None:
        term = gate.leading(self._leadership, exchange.target)
        if isinstance(term, gate.Elsewhere):
            raise Refusal.elsewhere(term)
        call = read_call(exchange, OperatorCall)
        if call.type is None or call.type not in KNOWN_CALLS:
            raise Refusal(400, "Failed to validate master::Call: Expecting 'type' to be present")
        require_json_accepted(exchange)
        if call.type == "SUBSCRIBE":
            self._subscribe(exchange, term)
        elif call.type == "TEARDOWN":
            self._tear_down(exchange, term, call)
        elif call.type in self._answers:
            payload = self._answers[call.type](term, call)
            body = b'{"type":"%b","%b":%b}' % (call.type.encode(), call.type.lower().encode(), payload)
            exchange.respond(200, body, content_type=JSON)
        else:
            raise Refusal(501, "501 Not Implemented.")

    def _subscribe(self, exchange: Exchange, term: Term) -> None:
        stream = exchange.stream(content_type=JSON)
        state = b'{"get_state":%b,"heartbeat_interval_seconds":15.0}' % V1Views(term.machine).state()
        stream.send(recordio.encode(b'{"type":"SUBSCRIBED","subscribed":%b}' % state))
        stream.send(HEARTBEAT)
        term.operators.add(stream)

    def _get_metrics(self, term: Term, call: OperatorCall) -> bytes:
        if call.get_metrics is None:
            raise Refusal(400, "Failed to validate master::Call: Expecting 'get_metrics' to be present")
        return encode({"metrics": _entries(self._metrics.snapshot())})

    def _tear_down(self, exchange: Exchange, term: Term, call: OperatorCall) -> None:
        if call.teardown is None:
            raise Refusal(400, "Failed to validate master::Call: Expecting 'teardown' to be present")
        framework_id = call.teardown.framework_id.value
        task = asyncio.ensure_future(_answer_tear_down(exchange, term, framework_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def tear_down(term: Term, framework_id: str) -> tuple[int, str]:
    """End a framework and return status and text of the answer."""
    try:
        await term.loop.ask(lambda ask_id: ev.TearDown(ask_id, framework_id))
    except NoSuchFramework as error:
        return 400, str(error)
    except LoopFailed as error:
        return 503, str(error)
    return 200, ""


async def _answer_tear_down(exchange: Exchange, term: Term, framework_id: str) -> None:
    status, text = await tear_down(term, framework_id)
    exchange.respond(status, text.encode())


def _entries(values: Mapping[str, Any]) -> list[_Entry]:
    return [_Entry(name, value) for name, value in values.items()]
