"""``mezzo agent``: list."""

from __future__ import annotations

import click

from mezzo.cli.context import Target, json_option, with_target
from mezzo.cli.output import show

COLUMNS = (
    ("ID", "id"),
    ("HOST", "hostname"),
    ("ACTIVE", "active"),
    ("CPUS", "cpus"),
    ("MEM", "mem"),
    ("DISK", "disk"),
    ("ATTRIBUTES", "attribute_texts"),
)


@click.group()
def agent() -> None:
    """Agents: list."""


@agent.command("list")
@json_option
@with_target
def list_agents(target: Target, as_json: bool) -> None:
    """List all agents with what is used and what there is."""
    agents = target.master.get("/slaves")["slaves"]
    for each in agents:
        for name in ("cpus", "mem", "disk"):
            each[name] = f"{each['used_resources'][name]:g}/{each['resources'][name]:g}"
        each["attribute_texts"] = [f"{name}:{_value(value)}" for name, value in each["attributes"].items()]
    show(sorted(agents, key=lambda a: a["hostname"]), COLUMNS, as_json=as_json, empty="no agents")


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
