"""Follows Marathon: the list of apps at first, then the event bus, one app at a time.

Several addresses are one Marathon: requests go to the one that answered last, the bus is tried at each in turn. Every
new connection to the bus is followed by a look at all apps, because the bus does not repeat what was missed; the same
is done every ``poll_interval_s``.

Source: marathon-lb ``marathon_lb.py`` (``Marathon``, ``MarathonEventProcessor``); Marathon ``EventsController``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from marathon_lb.core.documents import App, decode_app, decode_apps
from marathon_lb.core.events import AllFetched, AppFetched, BusEvent
from marathon_lb.errors import MarathonUnavailable
from mesos.clock import Clock, IdSource
from mesos.http.sse import SseDecoder

log = logging.getLogger(__name__)

HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "marathon-lb"}
STREAM_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-cache", "User-Agent": "marathon-lb"}
TIMEOUT = aiohttp.ClientTimeout(total=46, sock_connect=3.05)
SILENCE_S = 60.0
"""Marathon sends something every 10 s; a bus that is silent for longer is dead."""

FIRST_BACKOFF_S = 3.0
BACKOFF_FACTOR = 1.5
NAME_TTL_S = 60.0
"""How long the address of a host name is believed."""


class Marathon:
    """One Marathon, at several addresses.

    :param post: takes events.
    :param kinds: of bus events that matter.
    """

    def __init__(
        self,
        urls: Iterable[str],
        post: Callable[[Any], None],
        kinds: Iterable[str],
        *,
        clock: Clock,
        ids: IdSource,
        max_backoff_s: float,
        poll_interval_s: float,
        auth: aiohttp.BasicAuth | None = None,
        tls: Any = None,
    ) -> None:
        self._urls, self._post, self._kinds = list(urls), post, tuple(kinds)
        self._clock, self._ids = clock, ids
        self._max_backoff_s, self._poll_interval_s = max_backoff_s, poll_interval_s
        self._auth, self._tls = auth, tls
        self._session: aiohttp.ClientSession | None = None
        self._names: dict[str, tuple[str, float]] = {}
        self._fetching: dict[str, bool] = {}
        self._all_wanted = asyncio.Event()
        self._connected = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, *, follow: bool) -> None:
        """Tell everything that changes until cancelled.

        :param follow: listen to the bus; otherwise only ask again and again.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._refresh())
            if follow:
                group.create_task(self._follow())
            else:
                self._all_wanted.set()

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        if self._session is not None:
            await self._session.close()

    def want_all(self) -> None:
        """Ask for every app, soon; many wishes are one question."""
        self._all_wanted.set()

    def want_app(self, app_id: str) -> None:
        """Ask for one app, soon. A wish during the question makes it be asked once more."""
        if app_id in self._fetching:
            self._fetching[app_id] = True
            return
        self._fetching[app_id] = False
        task = asyncio.create_task(self._fetch_app(app_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def all_apps(self) -> AllFetched:
        """Return every app. :raises MarathonUnavailable: when no address answers."""
        connected, self._connected = self._connected, False
        try:
            body = await self._get("/v2/apps?embed=apps.tasks")
            apps, unreadable = decode_apps(body or b"")
        except (MarathonUnavailable, ValueError) as error:
            self._connected = self._connected or connected
            raise MarathonUnavailable(str(error)) from error
        return AllFetched(tuple(apps), unreadable, await self._addresses(apps), connected)

    async def _refresh(self) -> None:
        """Answer wishes for everything, and have one every ``poll_interval_s``."""
        while True:
            try:
                async with asyncio.timeout(self._poll_interval_s):
                    await self._all_wanted.wait()
            except TimeoutError:
                pass
            self._all_wanted.clear()
            try:
                self._post(await self.all_apps())
            except MarathonUnavailable as error:
                log.warning("apps not fetched", extra={"reason": str(error)})
                await asyncio.sleep(1.0)
                self._all_wanted.set()

    async def _fetch_app(self, app_id: str) -> None:
        while True:
            self._fetching[app_id] = False
            try:
                body = await self._get(f"/v2/apps{app_id}?embed=app.tasks")
                app = decode_app(body) if body is not None else None
                self._post(AppFetched(app_id, app, await self._addresses([app] if app else ())))
            except (MarathonUnavailable, ValueError) as error:
                log.warning("app not fetched", extra={"app_id": app_id, "reason": str(error)})
                self.want_all()
            if not self._fetching[app_id]:
                del self._fetching[app_id]
                return

    async def _get(self, path: str) -> bytes | None:
        """Return the body; ``None`` for 404. :raises MarathonUnavailable: when no address answers well."""
        reasons = []
        for url in list(self._urls):
            try:
                async with self._client().get(
                    url + path, headers=HEADERS, auth=self._auth, ssl=self._tls, timeout=TIMEOUT
                ) as answer:
                    if answer.status == 404:
                        return None
                    if answer.status == 200:
                        self._prefer(url)
                        return await answer.read()
                    reasons.append(f"{url} answers {answer.status}")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reasons.append(f"{url}: {error or type(error).__name__}")
        raise MarathonUnavailable("; ".join(reasons))

    def _prefer(self, url: str) -> None:
        while self._urls[0] != url:
            self._urls.append(self._urls.pop(0))

    async def _follow(self) -> None:
        wait_s, turn = FIRST_BACKOFF_S, 0
        while True:
            url = self._urls[turn % len(self._urls)]
            since_s = self._clock.monotonic_s()
            try:
                await self._listen(url)
                reason = "ended by Marathon"
            except TimeoutError:
                reason = "silent"
            except (aiohttp.ClientError, OSError, MarathonUnavailable) as error:
                reason = str(error)
            log.warning("event bus lost", extra={"url": url, "reason": reason})
            turn += 1
            wait_s = FIRST_BACKOFF_S if self._clock.monotonic_s() - since_s > 10.0 else wait_s
            await asyncio.sleep(self._ids.uniform(0.0, wait_s) if turn % len(self._urls) == 0 else 0.05)
            wait_s = min(wait_s * BACKOFF_FACTOR, self._max_backoff_s)

    async def _listen(self, url: str) -> None:
        """Follow the bus at one address until it ends."""
        query = "&".join(["plan-format=light", *(f"event_type={kind}" for kind in self._kinds)])
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SILENCE_S)
        target = f"{url}/v2/events?{query}"
        for _ in range(2):
            async with self._client().get(
                target, headers=STREAM_HEADERS, auth=self._auth, ssl=self._tls, timeout=timeout, allow_redirects=False
            ) as answer:
                if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
                    target = str(answer.url.join(URL(answer.headers["Location"])))
                    continue
                if answer.status != 200:
                    raise MarathonUnavailable(f"{target} answers {answer.status}")
                log.info("event bus followed", extra={"url": target.partition("?")[0]})
                self._connected = True
                self.want_all()
                await self._events(answer.content)
                return
        raise MarathonUnavailable(f"{url} redirects more than once")

    async def _events(self, content: aiohttp.StreamReader) -> None:
        decoder = SseDecoder()
        async for data in content.iter_any():
            for event in decoder.feed(data):
                try:
                    fields = msgspec.json.decode(event.data, type=dict[str, Any])
                except msgspec.MsgspecError:
                    log.warning("event not understood", extra={"event_type": event.event})
                    continue
                self._post(BusEvent(fields.get("eventType") or event.event, fields))

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _addresses(self, apps: Iterable[App]) -> dict[str, str]:
        """Return the addresses of the hosts that the apps' tasks run on; unknown ones are missing."""
        hosts = {task.host for app in apps for task in app.tasks or () if task.host}
        found = {}
        for host in hosts:
            address = host if _is_address(host) else await self._resolved(host)
            if address is not None:
                found[host] = address
        return found

    async def _resolved(self, host: str) -> str | None:
        known, until_s = self._names.get(host, (None, 0.0))
        now_s = self._clock.monotonic_s()
        if known is not None and now_s < until_s:
            return known
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
        except OSError as error:
            log.warning("host not resolved", extra={"host": host, "reason": str(error)})
            return known
        address = str(found[0][4][0])
        self._names[host] = (address, now_s + NAME_TTL_S)
        return address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
