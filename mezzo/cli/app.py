"""``mezzo app``: add, list, show, scale, restart, remove."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mezzo.cli.context import Target, json_option, with_target
from mezzo.cli.output import console, show, show_json
from mezzo.errors import CommandError

COLUMNS = (
    ("ID", "id"),
    ("INSTANCES", "instances"),
    ("RUNNING", "tasksRunning"),
    ("HEALTHY", "tasksHealthy"),
    ("UNHEALTHY", "tasksUnhealthy"),
    ("CPUS", "cpus"),
    ("MEM", "mem"),
    ("SERVICE PORTS", "ports"),
    ("DEPLOYING", "deploying"),
)


@click.group()
def app() -> None:
    """Apps: add, list, show, scale, restart, remove."""


@app.command("add")
@click.argument("file")
@click.option("--force", is_flag=True, help="Take over from a deployment that holds the app.")
@json_option
@with_target
def add(target: Target, file: str, force: bool, as_json: bool) -> None:
    """Add the app, the list of apps or the group in FILE (JSON; - is standard input)."""
    definition = read_definition(file)
    flags = {"force": "true"} if force else {}
    if isinstance(definition, list):
        answer = target.marathon.put("/v2/apps", definition, **flags)
    elif "groups" in definition or "apps" in definition:
        answer = target.marathon.put("/v2/groups", definition, **flags)
    else:
        answer = target.marathon.post("/v2/apps", definition, **flags)
    if as_json:
        show_json(answer)
        return
    deployment = answer.get("deploymentId") or answer["deployments"][0]["id"]
    console.print(f"deploying: [bold]{deployment}[/bold] (mezzo deployment watch {deployment})")


@app.command("list")
@json_option
@with_target
def list_apps(target: Target, as_json: bool) -> None:
    """List all apps."""
    apps = target.marathon.get("/v2/apps")["apps"]
    for each in apps:
        each["deploying"] = bool(each.get("deployments"))
        each.setdefault("ports", service_ports(each))
    show(sorted(apps, key=lambda a: a["id"]), COLUMNS, as_json=as_json, empty="no apps; add one: mezzo app add FILE")


@app.command("show")
@click.argument("app_id")
@with_target
def show_app(target: Target, app_id: str) -> None:
    """Show the whole definition and the tasks of APP_ID, as JSON."""
    show_json(target.marathon.get(f"/v2/apps/{app_id.strip('/')}")["app"])


@app.command("scale")
@click.argument("app_id")
@click.argument("instances", type=click.IntRange(min=0))
@click.option("--force", is_flag=True, help="Take over from a deployment that holds the app.")
@json_option
@with_target
def scale(target: Target, app_id: str, instances: int, force: bool, as_json: bool) -> None:
    """Run INSTANCES of APP_ID."""
    flags = {"force": "true"} if force else {}
    # PATCH semantics: an unknown app is an error, not created
    target.marathon.get(f"/v2/apps/{app_id.strip('/')}")
    _deploying(target.marathon.put(f"/v2/apps/{app_id.strip('/')}", {"instances": instances}, **flags), as_json)


@app.command("restart")
@click.argument("app_id")
@click.option("--force", is_flag=True, help="Take over from a deployment that holds the app.")
@json_option
@with_target
def restart(target: Target, app_id: str, force: bool, as_json: bool) -> None:
    """Replace all instances of APP_ID, one after the other as its upgrade strategy says."""
    flags = {"force": "true"} if force else {}
    _deploying(target.marathon.post(f"/v2/apps/{app_id.strip('/')}/restart", **flags), as_json)


@app.command("remove")
@click.argument("app_id")
@json_option
@with_target
def remove(target: Target, app_id: str, as_json: bool) -> None:
    """Stop all instances of APP_ID and forget it."""
    _deploying(target.marathon.delete(f"/v2/apps/{app_id.strip('/')}"), as_json)


def read_definition(file: str) -> Any:
    """Read JSON from a file or standard input. :raises CommandError: naming the file and the line."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise CommandError(f"{file} is no JSON: {error}") from error
    if not isinstance(definition, dict | list):
        raise CommandError(f"{file} must hold an app, a list of apps or a group")
    return definition


def service_ports(app_info: dict[str, Any]) -> list[int]:
    """Return the service ports of an app as marathon answers it."""
    mappings = (app_info.get("container") or {}).get("portMappings") or ()
    if mappings:
        return [each["servicePort"] for each in mappings if each.get("servicePort")]
    return [each["port"] for each in app_info.get("portDefinitions") or () if each.get("port")]


def _deploying(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    deployment = answer["deploymentId"]
    console.print(f"deploying: [bold]{deployment}[/bold] (mezzo deployment watch {deployment})")
