"""Which cluster a command speaks to: ``--marathon`` and ``--master``, the environment, or the cluster of ``--dir``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from mezzo.cli.http import Api
from mezzo.local.options import DEFAULT_DIR, PORT_FLAGS
from mezzo.local.state import load


class Target:
    """The cluster that was named."""

    def __init__(self, directory: Path, marathon: str | None, master: str | None) -> None:
        self._directory, self._marathon, self._master = directory, marathon, master

    @property
    def marathon(self) -> Api:
        """Marathon's API."""
        url = self._marathon or self._local("marathon")
        return Api(url, "marathon", "start a cluster with `mezzo up`, or name one with --marathon URL")

    @property
    def master(self) -> Api:
        """The master's API."""
        url = self._master or self._local("master")
        return Api(url, "master", "start a cluster with `mezzo up`, or name one with --master URL")

    @property
    def dns(self) -> str:
        """``host:port`` of mesos_dns."""
        cluster = load(self._directory)
        return cluster.urls["dns"] if cluster is not None else f"127.0.0.1:{PORT_FLAGS['dns'][1]}"

    def _local(self, role: str) -> str:
        cluster = load(self._directory)
        if cluster is not None and role in cluster.urls:
            return cluster.urls[role]
        return f"http://127.0.0.1:{PORT_FLAGS[role][1]}"


directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DIR,
    envvar="MEZZO_DIR",
    show_default=True,
    help="Directory of the local cluster.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def with_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the cluster that its options name, as first argument."""

    @directory_option
    @click.option("--marathon", envvar="MARATHON_URL", help="URL of marathon, instead of the local cluster's.")
    @click.option("--master", envvar="MESOS_MASTER_URL", help="URL of a master, instead of the local cluster's.")
    @wraps(command)
    def wrapper(directory: Path, marathon: str | None, master: str | None, **options: Any) -> Any:
        return command(Target(directory.absolute(), marathon, master), **options)

    return wrapper
