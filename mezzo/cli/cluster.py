"""``mezzo up``, ``mezzo down``, ``mezzo status``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from mesos.clock import SystemClock
from mezzo.cli.context import directory_option, json_option
from mezzo.cli.output import console, show, show_json
from mezzo.errors import CommandError
from mezzo.local import cluster as local
from mezzo.local import state
from mezzo.local.options import PORT_FLAGS, Options
from mezzo.local.supervisor import supervise

COLUMNS = (
    ("PROGRAM", "name"),
    ("PID", "pid"),
    ("ANSWERS", "answers"),
    ("RESTARTS", "restarts"),
    ("UPTIME", "uptime"),
    ("LISTENS ON", "listens"),
)


def port_options(command: Any) -> Any:
    """Add a flag for each port that a cluster opens."""
    for role, (flag, port) in reversed(PORT_FLAGS.items()):
        name = f"port_{role.replace('-', '_')}"
        command = click.option(flag, name, type=click.IntRange(1, 65535), help=f"Default: {port}.")(command)
    return command


def cluster_options(command: Any) -> Any:
    """Add the options that describe a local cluster."""
    for option in (
        click.option("--port-offset", type=int, default=0, show_default=True, help="Added to every default port."),
        click.option("--zk", help="ZooKeeper to elect through, HOST:PORT,...[/PATH]; none: one master, SQLite."),
        click.option("--masters", type=int, default=1, show_default=True, help="Masters; more than one needs --zk."),
        click.option("--agents", type=int, default=1, show_default=True, help="Agents, each on its own address."),
        directory_option,
    ):
        command = option(command)
    return port_options(command)


def options_from(directory: Path, agents: int, masters: int, zk: str | None, port_offset: int, **ports: Any) -> Options:
    """Return the cluster that the flags describe."""
    chosen = {
        role: ports[f"port_{role.replace('-', '_')}"]
        for role in PORT_FLAGS
        if ports[f"port_{role.replace('-', '_')}"] is not None
    }
    return Options(
        dir=str(directory.absolute()),
        agents=agents,
        masters=masters,
        zk=zk,
        port_offset=port_offset,
        ports=chosen,
    )


@click.command("up")
@cluster_options
@click.option("--foreground", is_flag=True, help="Stay until Ctrl-C, which stops the cluster.")
def up(foreground: bool, **flags: Any) -> None:
    """Start a cluster on this machine."""
    options = options_from(**flags)
    if foreground:
        run_in_foreground(options)
        return
    outcome = start(options)
    where = f" in {options.dir}"
    console.print(f"the cluster{where} is {'already running' if outcome.was_running else 'up'}", style="bold green")
    for name, url in outcome.cluster.urls.items():
        console.print(f"  {name:<10} {url}")


def start(options: Options) -> local.Outcome:
    """Start a cluster with a progress bar, print what this machine lacks, and return what came of it."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("starting", total=None)

        def report(what: str, done: int, total: int) -> None:
            progress.update(bar, description=f"waiting for {what}" if what else "ready", completed=done, total=total)

        outcome = local.up(options, report)
    for warning in outcome.warnings:
        console.print(f"note: {warning}", style="yellow")
    return outcome


def run_in_foreground(options: Options) -> None:
    """Run the supervisor in this process. :raises CommandError: when the cluster runs already."""
    with state.lock(options.path):
        if local.find_running(options.path) is not None:
            raise CommandError(
                f"the cluster of {options.dir} runs already; stop it first: mezzo down --dir {options.dir}"
            )
        cluster = local.prepare(options)
    for warning in local.warnings():
        console.print(f"note: {warning}", style="yellow")
    console.print(f"the cluster runs; logs are in {options.path / 'logs'}; Ctrl-C stops it")
    for name, url in cluster.urls.items():
        console.print(f"  {name:<10} {url}")
    supervise(options.path)


@click.command("down")
@directory_option
def down(directory: Path) -> None:
    """Stop the cluster and all its tasks. Apps are remembered for the next `mezzo up`."""
    with console.status("stopping"):
        was_running = local.down(directory.absolute())
    console.print("the cluster is down" if was_running else f"no cluster runs in {directory}")


@click.command("status")
@directory_option
@json_option
def status(directory: Path, as_json: bool) -> None:
    """Show the programs of the cluster. Exit code 3 when it does not run, 1 when a program does not answer."""
    cluster = local.find_running(directory.absolute())
    if cluster is None:
        if as_json:
            show_json({"running": False, "programs": []})
        else:
            console.print(f"no cluster runs in {directory}; start one: mezzo up")
        raise SystemExit(3)
    rows = _rows(cluster)
    if as_json:
        show_json({"running": True, "options": _plain(cluster), "urls": cluster.urls, "programs": rows})
    else:
        show(rows, COLUMNS, as_json=False, empty="")
    if not all(row["answers"] for row in rows):
        raise SystemExit(1)


def _rows(cluster: state.Cluster) -> list[dict[str, Any]]:
    now_s = SystemClock().monotonic_s()
    processes = {each.name: each for each in state.load_processes(cluster.options.path)}
    rows = []
    for program in cluster.programs:
        process = processes.get(program.name)
        rows.append(
            {
                "name": program.name,
                "pid": process.pid if process else 0,
                "answers": local.answers(program),
                "restarts": process.restarts if process else 0,
                "last_exit": process.last_exit if process else None,
                "uptime": _duration(now_s - process.since_s) if process and process.pid else None,
                "listens": [f"{each.address}:{each.port}" for each in program.sockets],
            }
        )
    return rows


def _plain(cluster: state.Cluster) -> dict[str, Any]:
    options = cluster.options
    return {"dir": options.dir, "agents": options.agents, "masters": options.masters, "zk": options.zk}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"
