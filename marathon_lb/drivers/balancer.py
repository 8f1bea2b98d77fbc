"""Brings HAProxy to where it should be: servers while it runs, everything else by a reload.

One task does all of it, so that nothing overlaps. A change of servers goes out at once, in one write for all apps that
changed together; what needs a reload waits until the last one is ``min_reload_interval_s`` old, and meanwhile servers
keep coming and going. The file always follows: what runs and what the file says are the same, but for servers on their
way out.

Invariant: ``_running`` is what the worker runs. Whenever that is in doubt (a command refused, a connection lost), a
reload makes it certain again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from marathon_lb.core import diff
from marathon_lb.core.diff import Running
from marathon_lb.core.model import Service
from marathon_lb.drivers.haproxy import Haproxy
from marathon_lb.drivers.runtime import Runtime, survey, without_leaving
from marathon_lb.drivers.wanted import Wanted, binds, require_free, structures
from marathon_lb.errors import ConfigRefused, HaproxyFailed
from marathon_lb.render.document import Document, Shared, document
from marathon_lb.render.services import Part, Structure
from marathon_lb.render.templates import Templates
from mesos.clock import Clock
from mesos.errors import MezzoError

log = logging.getLogger(__name__)

WRITE_INTERVAL_S = 1.0
"""How far the file may lag behind what runs, while servers come and go."""

REAP_INTERVAL_S = 0.5
"""Between two looks at whether servers on their way out are free of connections."""

SURVEY_INTERVAL_S = 60.0
RESTART_WAIT_S = 1.0
MAX_ROUNDS = 20
"""How often a refused file is tried again without those at fault."""


class Balancer:
    """Owns HAProxy.

    :param state_file: where a worker leaves the servers' health for the next one.
    """

    def __init__(
        self,
        haproxy: Haproxy,
        runtime: Runtime,
        wanted: Wanted,
        templates: Templates,
        shared: Shared,
        *,
        clock: Clock,
        state_file: Path,
        min_reload_interval_s: float,
        validate: bool = True,
    ) -> None:
        self.haproxy, self.wanted = haproxy, wanted
        self._runtime, self._templates, self._shared = runtime, templates, shared
        self._clock, self._state_file = clock, state_file
        self._min_reload_interval_s, self._validate = min_reload_interval_s, validate
        self._running: dict[str, dict[str, Running]] = {}
        self._read: dict[str, tuple[Structure, ...]] = {}
        self._dirty: set[str] = set()
        self._suspects: set[str] = set()
        self._departing: set[tuple[str, str]] = set()
        self._bound: frozenset[tuple[str, int]] = frozenset()
        self._reload_because = ""
        self._synced = False
        self._file_behind = False
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._reloaded_at_s = self._written_at_s = self._reaped_at_s = self._surveyed_at_s = float("-inf")
        self._good: Document | None = None

    @property
    def text(self) -> str:
        """The configuration in use."""
        return self._good.text if self._good is not None else ""

    def put(self, app_id: str, services: tuple[Service, ...]) -> None:
        """Let these be the app's services, soon."""
        self.wanted.put(app_id, services)
        self._dirty.add(app_id)
        self._suspects.add(app_id)
        self._wake.set()

    def synced(self) -> None:
        """Note that every app is known: what was left by an earlier balancer may now be replaced."""
        self._synced = True
        self._dirty |= self.wanted.reconsider()
        self._wake.set()

    def reload(self, reason: str) -> None:
        """Check the file and reload, soon."""
        self._reload_because = reason
        self._wake.set()

    async def start(self) -> None:
        """Start HAProxy, or go on with the one that an earlier balancer left.

        :raises MezzoError: when it cannot be started at all.
        """
        worker = await self.haproxy.adopt()
        if worker is not None:
            log.info("haproxy adopted", extra={"worker": worker})
            self._reload_because = "an earlier balancer's file is in use"
            self._bound = binds(self.haproxy.read())
            await self._runtime.connect(worker)
            return
        require_free(self.wanted.reserved)
        await self._start_fresh()
        self._synced = True

    async def stop(self, grace_s: float) -> None:
        """Stop HAProxy; what is being served may end within ``grace_s`` seconds."""
        self._runtime.close()
        await self.haproxy.stop(grace_s)

    async def acceptable(self) -> Document:
        """Return the file that HAProxy would be given, without starting any."""
        return (await self._acceptable(frozenset()))[1]

    def vhosts(self) -> dict[str, str]:
        """Return the backend that each vhost leads to; of several the first."""
        found: dict[str, str] = {}
        for structure in self._structures():
            for vhost in structure.vhosts:
                found.setdefault(vhost, structure.name)
        return found

    def app_ids(self) -> dict[str, str]:
        """Return the backend that each app id leads to."""
        return {each.app_id: each.name for each in self._structures() if each.app_id_rule}

    async def run(self) -> None:
        """Keep HAProxy where it should be until cancelled."""
        keeper = asyncio.create_task(self._keep_alive())
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._idle_s())
                self._wake.clear()
                try:
                    async with self._one_at_a_time:
                        await self._turn()
                except (MezzoError, OSError) as error:
                    log.warning("haproxy is to be reloaded", extra={"reason": str(error)})
                    self._reload_because = str(error)
        finally:
            keeper.cancel()

    async def _turn(self) -> None:
        await self._change_servers()
        now_s = self._clock.monotonic_s()
        if self._reload_because and self._synced and now_s >= self._reloaded_at_s + self._min_reload_interval_s:
            await self._reload()
        await self._reap(now_s)
        if self._file_behind and now_s >= self._written_at_s + WRITE_INTERVAL_S:
            self._write(document(self._parts_in_use(), self._templates, self._shared))
        if now_s >= self._surveyed_at_s + SURVEY_INTERVAL_S:
            await self._survey(now_s)

    def _idle_s(self) -> float:
        """Return how long there is nothing to do without an event."""
        due_s = [self._surveyed_at_s + SURVEY_INTERVAL_S]
        if self._reload_because and self._synced:
            due_s.append(self._reloaded_at_s + self._min_reload_interval_s)
        if self._departing:
            due_s.append(self._reaped_at_s + REAP_INTERVAL_S)
        if self._file_behind:
            due_s.append(self._written_at_s + WRITE_INTERVAL_S)
        return max(0.001, min(due_s) - self._clock.monotonic_s())

    async def _change_servers(self) -> None:
        """Send what the changed apps need while HAProxy runs; note what only a reload can do."""
        dirty, self._dirty = self._dirty, set()
        changes: list[tuple[str, diff.Change]] = []
        for app_id in dirty:
            parts = {part.structure.name: part for part in self.wanted.of(app_id)}
            if structures(parts.values()) != self._read.get(app_id, ()):
                self._reload_because = f"{app_id} changes its frontend or backend"
            for name in {*parts, *(structure.name for structure in self._read.get(app_id, ()))}:
                if name in self._running:
                    changes.append((name, self._change(name, parts.get(name))))
        commands = [command for _, change in changes for command in change.commands]
        if commands:
            await self._runtime.run(commands)
            self._file_behind = True
            log.info("servers changed", extra={"apps": len(dirty), "commands": len(commands)})
        for name, change in changes:
            self._running[name] = change.after
            if change.reload:
                self._reload_because = change.reload

    def _change(self, name: str, part: Part | None) -> diff.Change:
        running = self._running[name]
        if part is None:
            change = diff.servers(name, "roundrobin", running, {})
        else:
            change = diff.servers(name, part.structure.balance, running, part.servers, part.leaving)
        kept = part.servers if part is not None else {}
        for server, now in change.after.items():
            if now.leaving and server not in kept:
                self._departing.add((name, server))
            else:
                self._departing.discard((name, server))
        return change

    async def _reap(self, now_s: float) -> None:
        """Delete servers on their way out that no connection holds any more."""
        if not self._departing or now_s < self._reaped_at_s + REAP_INTERVAL_S:
            return
        self._reaped_at_s = now_s
        departing = sorted(self._departing)
        gone = await self._runtime.delete([diff.delete(backend, name) for backend, name in departing])
        for (backend, name), is_gone in zip(departing, gone, strict=True):
            if is_gone:
                self._departing.discard((backend, name))
                self._running.get(backend, {}).pop(name, None)

    async def _reload(self) -> None:
        """Write a file that HAProxy accepts and let a new worker take over."""
        reason, self._reload_because = self._reload_because, ""
        self._reloaded_at_s = self._clock.monotonic_s()
        parts, new = await self._acceptable(self._bound)
        previous = self._good
        self._write(new)
        with contextlib.suppress(HaproxyFailed):
            (states,) = await self._runtime.ask(["show servers state"])
            self._state_file.write_text(without_leaving(states), encoding="utf-8")
        try:
            worker = await self.haproxy.reload()
        except HaproxyFailed as error:
            await self._back_to(previous, str(error), new)
            return
        await self._runtime.connect(worker)
        self._in_use(parts)
        log.info("haproxy reloaded", extra={"reason": reason, "worker": worker, "services": len(parts)})

    async def _acceptable(self, bound: frozenset[tuple[str, int]]) -> tuple[list[Part], Document]:
        """Return a configuration that HAProxy accepts, without the apps that it complains about.

        :raises HaproxyFailed: when it is refused and no app is at fault.
        """
        for _ in range(MAX_ROUNDS):
            parts = self.wanted.admitted(bound)
            new = document(parts, self._templates, self._shared)
            if not self._validate:
                return parts, new
            try:
                await self.haproxy.check(new.text)
            except ConfigRefused as error:
                if not self._leave_out(error.output, new):
                    raise HaproxyFailed(str(error)) from error
            else:
                self._suspects.clear()
                return parts, new
        raise HaproxyFailed("HAProxy refuses the configuration, whichever apps are left out")

    async def _back_to(self, good: Document | None, reason: str, refused: Document) -> None:
        """Use the last good file again after a worker did not come up on a newer one."""
        self._leave_out(reason, refused)
        log.error("reload failed, the last good configuration stays", extra={"reason": reason})
        if good is None:
            return
        self._write(good)
        await self._runtime.connect(await self.haproxy.reload())
        self._reload_because = "a refused file was taken back"
        self._reloaded_at_s = float("-inf")  # its servers may be a second old

    def _leave_out(self, said: str, refused: Document) -> bool:
        """Leave out the apps that HAProxy complains about. Return whether there are any."""
        blamed = self.wanted.blame(said, refused, self._suspects)
        for app_id in blamed:
            self.wanted.refuse(app_id, _complaint(said))
        return bool(blamed)

    async def _start_fresh(self) -> None:
        parts, new = await self._acceptable(frozenset())
        self._write(new)
        self._state_file.unlink(missing_ok=True)
        worker = await self.haproxy.start()
        await self._runtime.connect(worker)
        self._reloaded_at_s = float("-inf")  # the first apps do not wait
        self._in_use(parts)
        log.info("haproxy started", extra={"worker": worker, "services": len(parts)})

    async def _keep_alive(self) -> None:
        """Start HAProxy again when it ends by itself."""
        while True:
            await self.haproxy.ended()
            log.error("haproxy ended by itself and is started again")
            self._runtime.close()
            await asyncio.sleep(RESTART_WAIT_S)
            try:
                async with self._one_at_a_time:
                    await self._start_fresh()
                self._dirty |= self.wanted.parts.keys()
                self._wake.set()
            except (MezzoError, OSError) as error:
                log.error("haproxy does not start", extra={"reason": str(error)})

    def _in_use(self, parts: list[Part]) -> None:
        """Note that a worker has just read these."""
        self._running = {
            part.structure.name: {
                name: Running(line) for name, line in part.servers.items() if name not in part.leaving
            }
            for part in parts
        }
        read: dict[str, list[Structure]] = {}
        for part in parts:
            read.setdefault(part.structure.app_id, []).append(part.structure)
        self._read = {app_id: tuple(own) for app_id, own in read.items()}
        self._bound = frozenset(part.structure.bind for part in parts)
        self._departing.clear()

    def _parts_in_use(self) -> list[Part]:
        """Return the parts whose structure is running, with the servers of now."""
        found = []
        for app_id, own in self._read.items():
            now = {part.structure: part for part in self.wanted.of(app_id)}
            found += [now.get(structure) or Part(structure, {}, frozenset(), "") for structure in own]
        return found

    def _structures(self) -> list[Structure]:
        return sorted((each for own in self._read.values() for each in own), key=lambda each: (each.app_id, each.port))

    def _write(self, new: Document) -> None:
        self.haproxy.write(new.text)
        self._good = new
        self._file_behind = False
        self._written_at_s = self._clock.monotonic_s()

    async def _survey(self, now_s: float) -> None:
        """Compare what HAProxy runs with what we believe, and mend it."""
        self._surveyed_at_s = now_s
        if not self._running:
            return
        found = await asyncio.to_thread(survey, self._runtime.socket)
        for backend, servers in self._running.items():
            if found.get(backend, frozenset()) != servers.keys():
                raise HaproxyFailed(f"backend {backend} runs other servers than it should")


def _complaint(output: str) -> str:
    """Return the first line of what HAProxy says is wrong."""
    lines = [line for line in output.splitlines() if "[ALERT]" in line] or output.splitlines() or ["refused"]
    return lines[0].strip()
