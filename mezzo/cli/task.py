"""``mezzo task``: list, logs."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from mezzo.cli.context import Target, json_option, with_target
from mezzo.cli.http import Api
from mezzo.cli.output import show
from mezzo.errors import CommandError

COLUMNS = (
    ("ID", "id"),
    ("APP", "appId"),
    ("STATE", "state"),
    ("HEALTHY", "healthy"),
    ("HOST", "host"),
    ("PORTS", "ports"),
    ("STARTED", "startedAt"),
)
FOLLOW_INTERVAL_S = 0.5
CHUNK_BYTES = 65536


@click.group()
def task() -> None:
    """Tasks: list, logs."""


@task.command("list")
@click.argument("app_id", required=False)
@json_option
@with_target
def list_tasks(target: Target, app_id: str | None, as_json: bool) -> None:
    """List all tasks, or those of APP_ID."""
    path = f"/v2/apps/{app_id.strip('/')}/tasks" if app_id else "/v2/tasks"
    tasks = target.marathon.get(path)["tasks"]
    for each in tasks:
        results = each.get("healthCheckResults") or ()
        each["healthy"] = all(result["alive"] for result in results) if results else None
    show(sorted(tasks, key=lambda t: t["id"]), COLUMNS, as_json=as_json, empty="no tasks")


@task.command("logs")
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on as the task writes.")
@click.option("--stderr", is_flag=True, help="Show stderr instead of stdout.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="Only the last lines.")
@with_target
def logs(target: Target, name: str, follow: bool, stderr: bool, lines: int | None) -> None:
    """Show the output of the task NAME: a task's id, the beginning of one, or an app's id with one task."""
    agent, sandbox = find_sandbox(target.master, name)
    path = f"{sandbox}/{'stderr' if stderr else 'stdout'}"
    offset = _print_from(agent, path, 0, lines)
    while follow:
        time.sleep(FOLLOW_INTERVAL_S)
        offset = _print_from(agent, path, offset, None)


def find_sandbox(master: Api, name: str) -> tuple[Api, str]:
    """Return the agent that runs (or ran) a task and the task's sandbox there.

    :raises CommandError: when no task has the name, or several have.
    """
    state = master.get("/master/state")
    wanted = name.strip("/").replace("/", "_")
    found = [
        each
        for framework in state["frameworks"] + state["completed_frameworks"]
        for each in framework["tasks"] + framework["completed_tasks"]
        if each["id"] == name or each["id"].startswith(wanted)
    ]
    exact = [each for each in found if each["id"] == name]
    running = [each for each in found if each["state"] == "TASK_RUNNING"]
    chosen = exact or (running if len(running) == 1 else found)
    if not chosen:
        raise CommandError(f"no task is called {name}; mezzo task list shows all")
    if len(chosen) > 1:
        names = "\n  ".join(sorted(each["id"] for each in chosen))
        raise CommandError(f"several tasks are called {name}; name one:\n  {names}")
    agent = _agent(state, chosen[0]["slave_id"])
    return agent, _sandbox(agent, chosen[0])


def _agent(state: dict[str, Any], agent_id: str) -> Api:
    for each in state["slaves"]:
        if each["id"] == agent_id:
            address = each["pid"].partition("@")[2]
            return Api(f"http://{address}", f"agent {each['hostname']}", "is the agent running?")
    raise CommandError(f"agent {agent_id} is not connected to the master; its sandboxes cannot be read now")


def _sandbox(agent: Api, wanted: dict[str, Any]) -> str:
    state = agent.get("/state")
    executor_id = wanted["executor_id"] or wanted["id"]
    for framework in state["frameworks"] + state["completed_frameworks"]:
        if framework["id"] != wanted["framework_id"]:
            continue
        for executor in framework["executors"] + framework["completed_executors"]:
            if executor["id"] == executor_id:
                return str(executor["directory"])
    raise CommandError(f"the sandbox of {wanted['id']} is no longer there")


def _print_from(agent: Api, path: str, offset: int, lines: int | None) -> int:
    """Print what the file holds from ``offset`` on and return where it ends."""
    pieces = []
    while True:
        piece = agent.get("/files/read", path=path, offset=offset, length=CHUNK_BYTES)
        if not piece["data"]:
            break
        pieces.append(piece["data"])
        offset = piece["offset"] + len(piece["data"].encode())
    text = "".join(pieces)
    if lines is not None:
        text = "".join(text.splitlines(keepends=True)[-lines:]) if lines else ""
    sys.stdout.write(text)
    sys.stdout.flush()
    return offset
