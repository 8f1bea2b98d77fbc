"""ACCEPT: operations upon offers, applied in order against what is left of them. Source: Mesos ``Master::_accept``."""

from __future__ import annotations

import msgspec

from master.core import offers, tasks
from master.core.context import Context
from master.core.rows import Agent, Executor, Framework, OfferRow, TaskRow
from master.core.validation import task_problem
from mesos.link import RunTask
from mesos.resources import EMPTY, Resources
from mesos.types.ids import ExecutorID, FrameworkID, OfferID
from mesos.types.offers import Operation, OperationStatus, OperationType
from mesos.types.scheduler import Accept, Event, EventType, UpdateOperationStatus
from mesos.types.tasks import Reason, Task, TaskInfo, TaskState


class _Acceptance:
    """One ACCEPT while its operations are applied."""

    def __init__(self, framework: Framework, agent: Agent, role: str, left: Resources) -> None:
        self.framework, self.agent, self.role, self.left = framework, agent, role, left


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
    left = acceptance.left
    if left:
        context.allocator.uncharge(framework.id, agent.id, acceptance.role, left, later=True)
        offers.refuse(context, framework.id, acceptance.role, agent.id, left.allocated_to(None), call.filters)


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


def _refuse_all(context: Context, framework: Framework, operations: tuple[Operation, ...], problem: str) -> None:
    for operation in operations:
        for task in _tasks_of(operation):
            state, reason = TaskState.TASK_DROPPED, Reason.REASON_INVALID_OFFERS
            message = f"Task launched with invalid offers: {problem}"
            status = tasks.from_master(context, framework, task.task_id, state, reason, message, task.agent_id)
            tasks.forward(context, framework, status)
            context.count("master/tasks_dropped" if framework.partition_aware else "master/tasks_lost")
        if not _tasks_of(operation):
            _operation_error(context, framework, operation, f"Operation attempted with invalid offers: {problem}")


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
    else:
        kind = operation.type or "an operation without type"
        _operation_error(context, framework, operation, f"This master cannot apply {kind}")


def _launch(context: Context, acceptance: _Acceptance, task: TaskInfo, problem: str) -> None:
    framework, agent, role = acceptance.framework, acceptance.agent, acceptance.role
    problem = problem or task_problem(context.state, framework, task, agent.id, acceptance.left, role)
    if problem:
        _task_error(context, framework, task, Reason.REASON_TASK_INVALID, problem)
        return
    resources = Resources.from_wire(task.resources).allocated_to(role)
    context.state.use(agent.id, framework.id, resources)
    acceptance.left -= resources
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


def _operation_error(context: Context, framework: Framework, operation: Operation, message: str) -> None:
    context.note("operation refused", "warning", framework_id=framework.id, operation=str(operation.type), why=message)
    if operation.id is None:
        return
    status = OperationStatus(state="OPERATION_ERROR", operation_id=operation.id, message=message)
    event = Event(type=EventType.UPDATE_OPERATION_STATUS, update_operation_status=UpdateOperationStatus(status))
    context.tell(framework, event)
