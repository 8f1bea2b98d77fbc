"""Is a call or a task what the rules ask for? Texts are upstream's. Source: Mesos ``master/validation.cpp``."""

from __future__ import annotations

import math
import re

from master.core import roles
from master.core.rows import Framework
from master.core.settings import Settings
from master.core.state import State
from mesos.resources import ResourceError, Resources
from mesos.types.frameworks import FrameworkInfo
from mesos.types.scheduler import Call, CallType, Subscribe, UpdateFramework
from mesos.types.tasks import TaskInfo

MAX_ID_LENGTH = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f/\\]")
MAX_FAILOVER_S = 2**63 / 1e9

WITHOUT_PAYLOAD = frozenset({CallType.TEARDOWN, CallType.REVIVE, CallType.SUPPRESS})
"""Calls that say everything by their type; REVIVE and SUPPRESS may name roles."""


def call_problem(call: Call) -> str | None:
    """Return why a call cannot even be looked at, ``None`` when it can. The API answers 400 with it."""
    if call.type is None:
        return "Expecting 'type' to be present"
    if call.type is CallType.SUBSCRIBE:
        return _subscribe_problem(call)
    if call.framework_id is None:
        return "Expecting 'framework_id' to be present"
    payload = call.type.lower()
    if call.type is CallType.UNKNOWN:
        return None
    if call.type not in WITHOUT_PAYLOAD and getattr(call, payload) is None:
        return f"Expecting '{payload}' to be present"
    if call.update_framework is not None and call.framework_id != call.update_framework.framework_info.id:
        return "'framework_id' differs from 'update_framework.framework_info.id'"
    if call.type is CallType.ACKNOWLEDGE and call.acknowledge is not None:
        return _uuid_problem(call.acknowledge.uuid)
    if call.type is CallType.ACKNOWLEDGE_OPERATION_STATUS and call.acknowledge_operation_status is not None:
        return _uuid_problem(call.acknowledge_operation_status.uuid)
    return None


def _uuid_problem(uuid: bytes) -> str | None:
    return None if len(uuid) == 16 else "Not a valid UUID"


def _subscribe_problem(call: Call) -> str | None:
    if call.subscribe is None:
        return "Expecting 'subscribe' to be present"
    info = call.subscribe.framework_info
    if call.framework_id != info.id:
        return "'framework_id' differs from 'subscribe.framework_info.id'"
    return None


def subscription_problem(state: State, settings: Settings, subscribe: Subscribe) -> str | None:
    """Return why a framework may not subscribe, ``None`` when it may. The stream gets an ERROR with it."""
    info = subscribe.framework_info
    problem = _roles_problem(info, settings) or _info_problem(info, settings)
    if problem is not None:
        return problem
    for role in subscribe.suppressed_roles:
        if role not in info.all_roles:
            return f"Suppressed role '{role}' is not contained in the list of roles"
    framework_id = info.id.value if info.id else None
    if framework_id is None:
        return None
    if framework_id in state.completed:
        return "Framework has been removed"
    known = state.frameworks.get(framework_id)
    if known is not None and not known.recovered and known.info.principal != info.principal:
        return "Changing framework's principal is not allowed."
    return id_problem(framework_id)


def update_problem(settings: Settings, framework: Framework, update: UpdateFramework) -> str | None:
    """Return why a framework may not change like this, ``None`` when it may. The API answers 400 with it."""
    info, old = update.framework_info, framework.info
    for name in ("user", "checkpoint", "principal"):
        if getattr(info, name) != getattr(old, name):
            return f"Updating 'FrameworkInfo.{name}' is unsupported"
    problem = _roles_problem(info, settings) or _info_problem(info, settings)
    if problem is not None:
        return problem
    for role in update.suppressed_roles:
        if role not in info.all_roles:
            return f"Suppressed role '{role}' is not contained in the list of roles"
    return None


def _roles_problem(info: FrameworkInfo, settings: Settings) -> str | None:
    multi_role = info.has("MULTI_ROLE")
    if multi_role and info.role is not None:
        return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
    if not multi_role and info.roles:
        return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
    for role in info.all_roles:
        found = roles.problem(role)
        if found is not None:
            where = "roles' contains invalid role" if multi_role else "role' is not a valid role"
            return f"'FrameworkInfo.{where}: {found}"
    doubles = sorted({role for role in info.roles if info.roles.count(role) > 1})
    if doubles:
        return f"'FrameworkInfo.roles' contains duplicate items: {{ {', '.join(doubles)} }}"
    if settings.roles is not None:
        missing = sorted(set(info.all_roles) - settings.roles - {"*"})
        if missing:
            return f"Roles {{ {', '.join(missing)} }} are not present in the master's --roles"
    return None


def _info_problem(info: FrameworkInfo, settings: Settings) -> str | None:
    if not math.isfinite(info.failover_timeout) or info.failover_timeout > MAX_FAILOVER_S:
        return f"The framework failover_timeout ({info.failover_timeout:g}) is invalid"
    if info.user == "root" and not settings.root_submissions:
        return f"User '{info.user}' is not allowed to run frameworks without --root_submissions set"
    return None


def id_problem(value: str) -> str | None:
    """Return what is wrong with an id that a framework chose."""
    if not value:
        return "ID must not be empty"
    if len(value) > MAX_ID_LENGTH:
        return f"ID must not be greater than {MAX_ID_LENGTH} characters"
    if value in (".", "..") or _CONTROL.search(value):
        return f"'{value}' contains invalid characters"
    return None


def task_problem(state: State, framework: Framework, task: TaskInfo, agent_id: str, left: Resources, role: str) -> str:
    """Return why a task cannot be launched with what is left of the offers, ``""`` when it can."""
    task_id = task.task_id.value
    if problem := id_problem(task_id):
        return problem
    if state.task(framework.id, task_id) or task_id in state.unreachable_tasks.get(framework.id, ()):
        return f"Task has duplicate ID: {task_id}"
    if task.agent_id.value != agent_id:
        return f"Task uses invalid agent {task.agent_id.value} while agent {agent_id} is expected"
    if (task.executor is None) == (task.command is None) and not (task.executor is None and task.container is not None):
        return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
    return _duration_problem(task) or _check_problem(task) or _resources_problem(task, left, role)


def _duration_problem(task: TaskInfo) -> str:
    grace = task.kill_policy.grace_period if task.kill_policy else None
    if grace is not None and grace.nanoseconds < 0:
        return "Task's 'kill_policy.grace_period' must be non-negative"
    if task.max_completion_time is not None and task.max_completion_time.nanoseconds < 0:
        return "Task's 'max_completion_time' must be non-negative"
    return ""


def _check_problem(task: TaskInfo) -> str:
    check = task.health_check
    if check is None:
        return ""
    if check.type is not None and getattr(check, check.type.lower()) is None:
        return (
            f"Task uses invalid health check: Expecting '{check.type.lower()}' to be set for {check.type} health check"
        )
    if check.type is None and check.command is None and check.http is None:
        return "Task uses invalid health check: HealthCheck must specify 'type'"
    times = (check.delay_seconds, check.interval_seconds, check.timeout_seconds, check.grace_period_seconds)
    if any(seconds < 0 for seconds in times):
        return "Task uses invalid health check: Expecting times to be non-negative"
    return ""


def _resources_problem(task: TaskInfo, left: Resources, role: str) -> str:
    if not task.resources:
        return "Task uses no resources"
    try:
        wanted = Resources.from_wire(task.resources).allocated_to(role)
        if task.executor is not None:
            wanted += Resources.from_wire(task.executor.resources).allocated_to(role)
    except ResourceError as error:
        return f"Task uses invalid resources: {error}"
    if wanted.millis("gpus") % 1000:
        return "Task uses invalid resources: The 'gpus' resource must be an unsigned integer"
    if not left.contains(wanted):
        return f"Total resources {wanted} required by task and its executor is more than available {left}"
    for name, limit in task.limits.items():
        if name not in ("cpus", "mem"):
            return f"Task uses invalid limits: limits can only be set for cpus and mem, not {name}"
        if limit.value * 1000 < wanted.millis(name) or not wanted.millis(name):
            return f"Task uses invalid limits: the limit of {name} must not be below its request"
    return ""
