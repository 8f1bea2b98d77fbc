"""``POST /api/v1/scheduler``: frameworks subscribe and call. Checks in upstream's order, then 200 or 202."""

from __future__ import annotations

from master.api import gate
from master.api.calls import JSON, Refusal, read_call, require_json_accepted
from master.core import events as ev
from master.core.validation import call_problem, update_problem
from master.drivers.leadership import Leadership, Term
from mesos.clock import IdSource
from mesos.http.server import Exchange
from mesos.types.scheduler import Call, CallType, UpdateFramework

UNSUPPORTED = frozenset({CallType.UNKNOWN, CallType.RECONCILE_OPERATIONS, CallType.ACKNOWLEDGE_OPERATION_STATUS})
"""Calls answered 501: the first as upstream does, the others because operations give no feedback here."""


class SchedulerApi:
    """The hot handler of the scheduler endpoint."""

    def __init__(self, leadership: Leadership, ids: IdSource) -> None:
        self._leadership, self._ids = leadership, ids

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
        call = read_call(exchange, Call)
        problem = call_problem(call)
        if problem is not None:
            raise Refusal(400, f"Failed to validate scheduler::Call: {problem}")
        if call.type is CallType.SUBSCRIBE:
            self._subscribe(exchange, term, call)
            return
        if call.type in UNSUPPORTED:
            raise Refusal(501, "501 Not Implemented.")
        framework_id = self._require_subscribed(exchange, term, call)
        if call.update_framework is not None and call.type is CallType.UPDATE_FRAMEWORK:
            self._require_update(term, framework_id, call.update_framework)
        term.loop.post(ev.Called(framework_id, call))
        exchange.respond(200 if call.type is CallType.UPDATE_FRAMEWORK else 202)

    def _subscribe(self, exchange: Exchange, term: Term, call: Call) -> None:
        require_json_accepted(exchange)
        if "mesos-stream-id" in exchange.headers:
            raise Refusal(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
        assert call.subscribe is not None
        stream_id = self._ids.uuid4_text()
        stream = exchange.stream(content_type=JSON, headers=[("Mesos-Stream-Id", stream_id)])
        number = term.frameworks.add(stream)
        term.loop.post(ev.Subscribed(number, stream_id, call.subscribe))

    def _require_update(self, term: Term, framework_id: str, update: UpdateFramework) -> None:
        machine = term.machine
        problem = update_problem(machine.context.settings, machine.state.frameworks[framework_id], update)
        if problem is not None:
            raise Refusal(400, f"'UpdateFramework' call is not valid: {problem}")

    def _require_subscribed(self, exchange: Exchange, term: Term, call: Call) -> str:
        assert call.framework_id is not None
        framework = term.machine.state.frameworks.get(call.framework_id.value)
        if framework is None:
            raise Refusal(400, "Framework cannot be found")
        if not framework.connected:
            raise Refusal(403, "Framework is not subscribed")
        stream_id = exchange.headers.get("mesos-stream-id")
        if stream_id is None:
            raise Refusal(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
        if stream_id != framework.stream_id:
            raise Refusal(
                400,
                f"The stream ID '{stream_id}' included in this request didn't match the stream ID currently associated "
                f"with framework ID {framework.id}",
            )
        return framework.id
