"""Makes health checks: HTTP and TCP from this process, commands in the container.

Source: Mesos ``checker_process.cpp``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from agent.core.commands import argv_of
from agent.core.health import kind_of
from agent.core.rows import TaskRow
from mesos.types.tasks import HealthCheck, HealthCheckType, HTTPCheck, TCPCheck

Execute = Callable[[tuple[str, ...], dict[str, str]], Awaitable[int | None]]
"""Runs a command in a task's container, with more environment, and returns its exit code."""


class Prober:
    """Makes checks, each within its own time.

    :param address: where the ports of tasks on the host's network are reached.
    """

    def __init__(self, address: str) -> None:
        self._address = address if address != "0.0.0.0" else "127.0.0.1"
        self._session: aiohttp.ClientSession | None = None

    async def probe(self, row: TaskRow, execute: Execute) -> str | None:
        """Make a task's check once and return what is wrong, ``None`` when nothing is."""
        check = row.task.health_check
        assert check is not None
        try:
            async with asyncio.timeout(check.timeout_seconds or None):
                return await self._ask(check, row, execute)
        except TimeoutError:
            return f"{kind_of(check)} health check timed out after {check.timeout_seconds:g}secs"

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, check: HealthCheck, row: TaskRow, execute: Execute) -> str | None:
        match kind_of(check):
            case HealthCheckType.HTTP if check.http is not None:
                return await self._http(check.http, self._host(row))
            case HealthCheckType.TCP if check.tcp is not None:
                return await self._tcp(check.tcp, self._host(row))
            case HealthCheckType.COMMAND if check.command is not None:
                argv = tuple(argv_of(check.command))
                variables = check.command.environment.variables if check.command.environment else ()
                code = await execute(argv, {each.name: each.value or "" for each in variables})
                return None if code == 0 else f"Command returned {code if code is not None else 'nothing'}"
        return None

    def _host(self, row: TaskRow) -> str:
        addresses = row.running.ip_addresses if row.running else ()
        return addresses[0] if addresses else self._address

    async def _http(self, check: HTTPCheck, host: str) -> str | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, connector=aiohttp.TCPConnector(force_close=True))
        url = f"{check.scheme or 'http'}://{host}:{check.port}{check.path or ''}"
        try:
            async with self._session.get(url, ssl=False, allow_redirects=True) as answer:
                if 200 <= answer.status < 400:
                    return None
                return f"Unexpected HTTP response code: {answer.status}"
        except (aiohttp.ClientError, OSError) as error:
            return f"HTTP health check of {url} failed: {error}"

    async def _tcp(self, check: TCPCheck, host: str) -> str | None:
        try:
            _, writer = await asyncio.open_connection(host, check.port)
        except OSError as error:
            return f"TCP connection to {host}:{check.port} failed: {error}"
        writer.close()
        return None
