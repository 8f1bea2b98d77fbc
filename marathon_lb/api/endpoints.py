"""The endpoints beside HAProxy's statistics: configuration, maps, pids, signals.

HAProxy listens on the port and passes these paths on to a UNIX socket, so that they need no Lua.
Source: marathon-lb ``getconfig.lua``, ``getmaps.lua``, ``getpids.lua``, ``signalmlb.lua``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from marathon_lb.drivers.balancer import Balancer

PIDS_TRIES = 50
PIDS_WAIT_S = 0.02


def application(balancer: Balancer, refresh: Callable[[], None]) -> web.Application:
    """Return the application.

    :param refresh: looks at every app again, soon.
    """
    endpoints = Endpoints(balancer, refresh)
    app = web.Application()
    app.router.add_get("/_haproxy_getconfig", endpoints.config)
    app.router.add_get("/_haproxy_getvhostmap", endpoints.vhosts)
    app.router.add_get("/_haproxy_getappmap", endpoints.apps)
    app.router.add_get("/_haproxy_getpids", endpoints.pids)
    app.router.add_get("/_mlb_signal/{signal}", endpoints.signal)
    return app


class Endpoints:
    """The handlers."""

    def __init__(self, balancer: Balancer, refresh: Callable[[], None]) -> None:
        self._balancer, self._refresh = balancer, refresh

    async def config(self, request: web.Request) -> web.Response:
        """The configuration in use."""
        return web.Response(text=self._balancer.text)

    async def vhosts(self, request: web.Request) -> web.Response:
        """Which backend a vhost leads to, a line each."""
        return web.Response(text=_lines(self._balancer.vhosts()))

    async def apps(self, request: web.Request) -> web.Response:
        """Which backend an app id leads to, a line each."""
        return web.Response(text=_lines(self._balancer.app_ids()))

    async def pids(self, request: web.Request) -> web.Response:
        """The pids of HAProxy: two, unless old workers are still finishing."""
        found = None
        for _ in range(PIDS_TRIES):
            found = await self._balancer.haproxy.processes()
            if found is not None:
                break
            await asyncio.sleep(PIDS_WAIT_S)  # a master that starts itself anew is silent for a moment
        pids = (found.master, *found.workers, *found.old_workers) if found else ()
        return web.Response(text=" ".join(map(str, pids)) + "\n")

    async def signal(self, request: web.Request) -> web.Response:
        """What SIGHUP (look at every app again) and SIGUSR1 (check the file and reload) did to marathon-lb."""
        match request.match_info["signal"]:
            case "hup":
                self._refresh()
                return web.Response(text="Sent SIGHUP signal to marathon-lb")
            case "usr1":
                self._balancer.reload("asked for")
                return web.Response(text="Sent SIGUSR1 signal to marathon-lb")
        return web.Response(status=404, text="404: Not Found")


def _lines(pairs: dict[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in pairs.items())
