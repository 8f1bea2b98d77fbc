"""``mezzo quickstart``: a cluster, a sample app on it, and where to look. Called by ``./quickstart``."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from importlib import resources
from pathlib import Path
from typing import Any

import click
import requests
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from mesos.clock import SystemClock
from mezzo.cli.cluster import cluster_options, options_from, start
from mezzo.cli.context import Target
from mezzo.cli.output import console
from mezzo.errors import ApiError, CommandError
from mezzo.local.options import DEFAULT_DIR, Options
from mezzo.local.state import Cluster

HEALTHY_TIMEOUT_S = 120.0
ASK_EVERY_S = 0.1


@click.command("quickstart")
@cluster_options
@click.option("--no-sample", is_flag=True, help="Only start the cluster.")
def quickstart(no_sample: bool, **flags: Any) -> None:
    """Start a cluster, deploy a sample app and show where to look."""
    options = options_from(**flags)
    outcome = start(options)
    if no_sample:
        _print_table(outcome.cluster, None, 0)
        return
    sample = sample_app(options)
    target = Target(options.path, None, None)
    _deploy(target, sample)
    port = sample["portDefinitions"][0]["port"]
    balanced = "lb-http" in outcome.cluster.urls
    _wait(target, sample, port if balanced else None)
    _print_table(outcome.cluster, sample, port if balanced else 0)


def sample_app(options: Options) -> dict[str, Any]:
    """Return the sample app; its service port moves with the cluster's offset."""
    text = resources.files("mezzo").joinpath("sample.json").read_text(encoding="utf-8")
    sample: dict[str, Any] = json.loads(text)
    sample["portDefinitions"][0]["port"] += options.port_offset
    return sample


def _deploy(target: Target, sample: dict[str, Any]) -> None:
    """Add the sample; one that is there is left as its user made it. Repeats while marathon is being elected."""
    clock = SystemClock()
    until_s = clock.monotonic_s() + HEALTHY_TIMEOUT_S
    while True:
        try:
            target.marathon.post("/v2/apps", sample)
        except ApiError as error:
            if error.status == 409:
                return
            if error.status not in (0, 502, 503) or clock.monotonic_s() > until_s:
                raise
            time.sleep(ASK_EVERY_S)
        else:
            return


def _wait(target: Target, sample: dict[str, Any], port: int | None) -> None:
    """Wait until the sample is healthy and, where there is a balancer, answers on its service port."""
    clock = SystemClock()
    until_s = clock.monotonic_s() + HEALTHY_TIMEOUT_S
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(f"{sample['id']}: healthy instances", total=sample["instances"])
        while True:
            app = target.marathon.get(f"/v2/apps/{sample['id'].strip('/')}")["app"]
            progress.update(bar, completed=app["tasksHealthy"], total=app["instances"])
            if app["tasksHealthy"] >= app["instances"] and (app["instances"] == 0 or port is None or _served(port)):
                return
            if clock.monotonic_s() > until_s:
                raise CommandError(_why_not(target, app, port))
            time.sleep(ASK_EVERY_S)


def _served(port: int) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"http://127.0.0.1:{port}/", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _why_not(target: Target, app: dict[str, Any], port: int | None) -> str:
    lines = [f"{app['id']} is not healthy and balanced after {HEALTHY_TIMEOUT_S:g} s:"]
    lines.append(f"  {app['tasksRunning']} running, {app['tasksHealthy']} healthy of {app['instances']}")
    failure = app.get("lastTaskFailure")
    if failure:
        lines.append(f"  last failure: {failure['state']} {failure['message']}")
    for item in target.marathon.get("/v2/queue")["queue"]:
        reasons = [
            f"{each['reason']} ({each['declined']} offers)"
            for each in item["processedOffersSummary"]["rejectSummaryLastOffers"]
            if each["declined"]
        ]
        lines.append(
            f"  waiting for offers: {item['count']} of {item['app']['id']}; {', '.join(reasons) or 'no offers'}"
        )
    if app["tasksHealthy"] >= app["instances"] and port is not None:
        lines.append(f"  the balancer does not answer on port {port}")
    return "\n".join(lines)


def _print_table(cluster: Cluster, sample: dict[str, Any] | None, port: int) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("[bold]master[/bold]", cluster.urls["master"])
    table.add_row("[bold]marathon[/bold]", cluster.urls["marathon"])
    table.add_row("[bold]DNS[/bold]", cluster.urls["dns"])
    table.add_row("[bold]balancer[/bold]", cluster.urls.get("lb-stats", "none: haproxy is missing"))
    mezzo = _mezzo_command(cluster)
    tries = [f"{mezzo[0]} app list{mezzo[1]}"]
    if sample is not None:
        name = f"{'-'.join(reversed(sample['id'].strip('/').split('/')))}.marathon.mesos"
        table.add_row("[bold]app[/bold]", f"{sample['id']}, {sample['instances']} instances")
        table.add_row("[bold]its name[/bold]", name)
        table.add_row("[bold]its service port[/bold]", str(port) if port else "none")
        host, _, dns_port = cluster.urls["dns"].partition(":")
        task = f"{cluster.urls['marathon']}/v2/apps{sample['id']}/tasks"
        tries = [
            f"curl http://127.0.0.1:{port}" if port else f"curl {task}",
            f"dig @{host} -p {dns_port} {name} +short",
            *tries,
        ]
    console.print(table)
    console.print("\ntry:", style="bold")
    for each in tries:
        console.print(f"  {each}", soft_wrap=True)
    console.print(f"\nstop it: {mezzo[0]} down{mezzo[1]}", soft_wrap=True)


def _mezzo_command(cluster: Cluster) -> tuple[str, str]:
    """Return how the user calls ``mezzo`` and what he has to add to mean this cluster."""
    own = Path(sys.executable).parent / "mezzo"
    command = "mezzo" if shutil.which("mezzo") == str(own) else os.path.relpath(own)
    return command, "" if cluster.options.path == DEFAULT_DIR else f" --dir {cluster.options.dir}"
