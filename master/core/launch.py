"""ACCEPT: operations upon offers, applied in order against what is left of them. Source: Mesos ``Master::_accept``."""

from __future__ import annotations

import msgspec

from master.core import offers, operations, tasks
from master.core.context import Context
from master.core.rows import Agent, Executor, Framework, OfferRow, TaskRow
from master.core.validation import task_problem
from mesos.link import RunTask
from mesos.operations import CONVERTING, OperationError
from mesos.resources import EMPTY, Resources
from mesos.types.ids import ExecutorID, FrameworkID, OfferID
from mesos.types.offers import Filters, Operation, OperationType
from mesos.types.scheduler import Accept
from mesos.types.tasks import Reason, Task, TaskInfo, TaskState


class _Acceptance:
    """One ACCEPT while its operations are applied: what is left of the offers, and what was converted on the way."""

    def __init__(self, framework: Framework, agent: Agent, role: str, left: Resources) -> None:
        self.framework, self.agent, self.role, self.left = framework, agent, role, left
        self.converted = EMPTY


def accept(context: Context, framework: Framework, call: Accept) -> None:
    """Use offers up. What is wrong with them, or with a task, is told by updates."""
    context.count("master/messages_launch_tasks")
    rows, problem = _find(context, framework, call.offer_ids)
    if not call.operations:
        offers.decline(context, framework, call.offer_ids, call.filters)
        return
    if problem is not None:
        for row in rows:
            offers.give_back(context, row)
        _refuse_all(context, framework, call.operations, problem)
        return
    total = EMPTY
    for row in rows:
        total += row.resources
        offers.drop(context, row)
    agent = context.state.agents[rows[0].agent_id]
    acceptance = _Acceptance(framework, agent, rows[0].role, total)
    for operation in call.operations:
        _apply(context, acceptance, operation)
    _give_back(context, acceptance, call.filters)


def _give_back(context: Context, acceptance: _Acceptance, filters: Filters | None) -> None:
    """Return what no operation used. What was converted is offered again at once, the rest not before its filter."""
    framework, agent, role = acceptance.framework, acceptance.agent, acceptance.role
    new = {key for key, _ in acceptance.converted}
    fresh = acceptance.left.filter(lambda key: key in new)
    rest = acceptance.left.filter(lambda key: key not in new)
    if fresh:
        context.allocator.uncharge(framework.id, agent.id, role, fresh, later=False)
    if rest:
        context.allocator.uncharge(framework.id, agent.id, role, rest, later=not fresh)
        offers.refuse(context, framework.id, role, agent.id, rest.allocated_to(None), filters)


def _find(context: Context, framework: Framework, offer_ids: tuple[OfferID, ...]) -> tuple[list[OfferRow], str | None]:
    """Return the offers that are this framework's, and what is wrong with the list as a whole."""
    found: list[OfferRow] = []
    problem = None if offer_ids else "No offers specified"
    for offer_id in offer_ids:
        row = context.state.offers.get(offer_id.value)
        if row is None or row.framework_id != framework.id:
            problem = problem or f"Offer {offer_id.value} is no longer valid"
        elif row in found:
            problem = problem or f"Duplicate offer {offer_id.value} in offer list"
        else:
            found.append(row)
    if len({row.agent_id for row in found}) > 1:
        problem = problem or "Aggregated offers must belong to one single agent"
    if len({row.role for row in found}) > 1:
        problem = problem or "Aggregated offers must be allocated to one single role"
    return found, problem


def _refuse_all(context: Context, framework: Framework, asked: tuple[Operation, ...], problem: str) -> None:
    for operation in asked:
        for task in _tasks_of(operation):
            state, reason = TaskState.TASK_DROPPED, Reason.REASON_INVALID_OFFERS
            message = f"Task launched with invalid offers: {problem}"
            status = tasks.from_master(context, framework, task.task_id, state, reason, message, task.agent_id)
            tasks.forward(context, framework, status)
            context.count("master/tasks_dropped" if framework.partition_aware else "master/tasks_lost")
        if not _tasks_of(operation):
            operations.refuse(context, framework, operation, f"Operation attempted with invalid offers: {problem}")


def _tasks_of(operation: Operation) -> tuple[TaskInfo, ...]:
    if operation.launch is not None:
        return operation.launch.task_infos
    return operation.launch_group.task_group.tasks if operation.launch_group is not None else ()


def _apply(context: Context, acceptance: _Acceptance, operation: Operation) -> None:
    framework = acceptance.framework
    if operation.type is OperationType.LAUNCH and operation.launch is not None:
        for task in operation.launch.task_infos:
            problem = "The `id` field cannot be set on LAUNCH operations" if operation.id else ""
            _launch(context, acceptance, task, problem)
    elif operation.type is OperationType.LAUNCH_GROUP and operation.launch_group is not None:
        for task in operation.launch_group.task_group.tasks:
            message = "Task groups cannot be run: no agent of this cluster has a default executor"
            _task_error(context, framework, task, Reason.REASON_TASK_GROUP_INVALID, message)
    elif operation.type in CONVERTING:
        _convert(context, acceptance, operation)
    else:
        kind = operation.type or "an operation without type"
        operations.refuse(context, framework, operation, f"This master cannot apply {kind}")


def _convert(context: Context, acceptance: _Acceptance, operation: Operation) -> None:
    """Reserve, make volumes, or the way back, of what is left of the offers."""
    framework, role = acceptance.framework, acceptance.role
    agent = context.state.agents[acceptance.agent.id]
    if operation.id is not None and context.state.operation_of(framework.id, operation.id.value) is not None:
        operations.refuse(context, framework, operation, f"Operation ID '{operation.id.value}' is in use")
        return
    try:
        change = operations.checked(context, agent, operation, framework)
    except OperationError as error:
        operations.refuse(context, framework, operation, str(error))
        return
    consumed, converted = change.allocated_to(role)
    if not acceptance.left.contains(consumed):
        operations.refuse(context, framework, operation, f"{acceptance.left} does not contain {consumed}")
        return
    operations.apply(context, agent, operation, change, framework.id)
    context.allocator.convert(framework.id, agent.id, role, consumed, converted)
    acceptance.left = acceptance.left - consumed + converted
    acceptance.converted += converted


def _launch(context: Context, acceptance: _Acceptance, task: TaskInfo, problem: str) -> None:
    framework, agent, role = acceptance.framework, acceptance.agent, acceptance.role
    problem = problem or task_problem(context.state, framework, task, agent.id, acceptance.left, role)
    if problem:
        _task_error(context, framework, task, Reason.REASON_TASK_INVALID, problem)
        return
    resources = Resources.from_wire(task.resources).allocated_to(role)
    context.state.use(agent.id, framework.id, resources)
    acceptance.left -= resources.exclusive()
    if task.executor is not None:
        acceptance.left -= _use_executor(context, acceptance, task)
    row = TaskRow(task=_described(framework, task, resources), resources=resources, role=role)
    context.state.put_task(row)
    context.publish("TASK_ADDED", tasks.TaskAdded(row.task))
    wire = tuple(resources.to_wire())
    context.order(agent, RunTask(framework.info, msgspec.structs.replace(task, resources=wire)))


def _use_executor(context: Context, acceptance: _Acceptance, task: TaskInfo) -> Resources:
    """Charge a custom executor that does not run yet; return what it takes."""
    assert task.executor is not None
    key = (acceptance.framework.id, acceptance.agent.id, task.executor.executor_id.value)
    if key in context.state.executors:
        return EMPTY
    resources = Resources.from_wire(task.executor.resources).allocated_to(acceptance.role)
    context.state.executors[key] = Executor(info=task.executor, resources=resources)
    context.state.use(acceptance.agent.id, acceptance.framework.id, resources)
    return resources


def _described(framework: Framework, task: TaskInfo, resources: Resources) -> Task:
    """Return the task as operators see it from now on."""
    command = task.command or (task.executor.command if task.executor else None)
    return Task(
        name=task.name,
        task_id=task.task_id,
        framework_id=FrameworkID(framework.id),
        executor_id=ExecutorID(task.executor.executor_id.value) if task.executor else None,
        agent_id=task.agent_id,
        state=TaskState.TASK_STAGING,
        resources=resources.to_wire(),
        labels=task.labels,
        discovery=task.discovery,
        container=task.container,
        health_check=task.health_check,
        kill_policy=task.kill_policy,
        user=(command.user if command and command.user else framework.info.user),
        limits=task.limits,
    )


def _task_error(context: Context, framework: Framework, task: TaskInfo, reason: Reason, message: str) -> None:
    status = tasks.from_master(context, framework, task.task_id, TaskState.TASK_ERROR, reason, message, task.agent_id)
    tasks.forward(context, framework, status)
    context.count("master/tasks_error")
