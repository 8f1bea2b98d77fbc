"""``mezzo deployment``: list, watch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mezzo.cli.context import Target, json_option, with_target
from mezzo.cli.http import Api
from mezzo.cli.output import console, show, show_json
from mezzo.errors import ApiError, CommandError

COLUMNS = (
    ("ID", "id"),
    ("VERSION", "version"),
    ("STEP", "step"),
    ("ACTIONS", "actions"),
)


@click.group()
def deployment() -> None:
    """Deployments: list, watch."""


@deployment.command("list")
@json_option
@with_target
def list_deployments(target: Target, as_json: bool) -> None:
    """List the deployments that run now."""
    deployments = target.marathon.get("/v2/deployments")
    for each in deployments:
        each["step"] = f"{each['currentStep']}/{each['totalSteps']}"
        each["actions"] = [f"{a['action']} {a.get('app') or a.get('pod')}" for a in each["currentActions"]]
    show(deployments, COLUMNS, as_json=as_json, empty="no deployments")


@deployment.command("watch")
@click.argument("deployment_id", required=False)
@json_option
@with_target
def watch(target: Target, deployment_id: str | None, as_json: bool) -> None:
    """Follow DEPLOYMENT_ID (the only one that runs, when there is one) to its end. Exit code 1 when it fails."""
    running = {each["id"]: each for each in target.marathon.get("/v2/deployments")}
    if deployment_id is None:
        if not running:
            if not as_json:
                console.print("no deployment runs")
            return
        if len(running) > 1:
            raise CommandError(f"{len(running)} deployments run; name one:\n  " + "\n  ".join(running))
        deployment_id = next(iter(running))
    if deployment_id not in running:
        console.print(f"{deployment_id} does not run (any more)")
        return
    if as_json:
        for kind, payload in follow(target.marathon, deployment_id):
            show_json({"event": kind, **payload})
    else:
        _draw(target.marathon, running[deployment_id])


def follow(marathon: Api, deployment_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the events of one deployment until it ends.

    The list is asked again after the stream has begun, so that an end in between is not waited for.

    :raises CommandError: when the deployment fails.
    """
    for kind, payload in marathon.events("/v2/events"):
        if kind == "event_stream_attached":
            if all(each["id"] != deployment_id for each in marathon.get("/v2/deployments")):
                return
        elif _id_of(payload) == deployment_id:
            yield kind, payload
            if kind == "deployment_success":
                return
            if kind == "deployment_failed":
                raise CommandError(f"deployment {deployment_id} failed: {payload.get('reason', 'cancelled')}")


def _id_of(payload: dict[str, Any]) -> str | None:
    plan = payload.get("plan")
    return plan["id"] if isinstance(plan, dict) and "id" in plan else payload.get("id")


def _draw(marathon: Api, running: dict[str, Any]) -> None:
    """Show one bar a step; a step's bar counts the instances of its apps that are as they should be."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bars = []
        for number, step in enumerate(running["steps"], 1):
            text = ", ".join(f"{a['action']} {a.get('app') or a.get('pod')}" for a in step["actions"])
            bars.append(progress.add_task(f"{number}. {text}", total=1, state="", start=False))
        current = _show_current(progress, bars, max(1, running["currentStep"]))
        for kind, payload in marathon.events("/v2/events"):
            gone = kind == "event_stream_attached" and not _still_runs(marathon, running["id"])
            if gone or (kind == "deployment_success" and _id_of(payload) == running["id"]):
                break
            if kind == "deployment_failed" and _id_of(payload) == running["id"]:
                raise CommandError(f"deployment {running['id']} failed: {payload.get('reason', 'cancelled')}")
            if kind == "deployment_step_success" and _id_of(payload) == running["id"]:
                current = _show_current(progress, bars, current + 1)
            elif current <= len(bars):
                _show_counts(progress, bars[current - 1], marathon, running["steps"][current - 1])
        _show_current(progress, bars, len(bars) + 1)


def _still_runs(marathon: Api, deployment_id: str) -> bool:
    return any(each["id"] == deployment_id for each in marathon.get("/v2/deployments"))


def _show_current(progress: Progress, bars: list[Any], current: int) -> int:
    for number, bar in enumerate(bars, 1):
        if number < current:
            progress.update(bar, completed=progress.tasks[number - 1].total, state="done")
            progress.stop_task(bar)
        elif number == current:
            progress.start_task(bar)
    return current


def _show_counts(progress: Progress, bar: Any, marathon: Api, step: dict[str, Any]) -> None:
    done = total = 0
    for action in step["actions"]:
        if "app" not in action:
            continue
        try:
            app = marathon.get(f"/v2/apps/{action['app'].strip('/')}")["app"]
        except ApiError as error:
            if error.status != 404:
                raise
            continue  # removed by this very deployment
        current = [each for each in app["tasks"] if each.get("version") == app["version"]]
        wanted = "tasksHealthy" if app.get("healthChecks") else "tasksRunning"
        total += app["instances"]
        done += min(len(current), app[wanted])
    progress.update(bar, total=max(1, total), completed=done, state=f"{done}/{total}")
