"""A master and a marathon reduced to their event streams, for programs that follow them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from mesos import recordio

Document = dict[str, Any]

AGENT = "c0f1-S0"
FRAMEWORK = "c0f1-0000"


def agent(agent_id: str = AGENT, host: str = "10.0.0.1", port: int = 5051) -> Document:
    """Return an agent as GET_AGENTS shows it."""
    return {
        "agent_info": {"hostname": host, "port": port, "id": {"value": agent_id}},
        "active": True,
        "deactivated": False,
        "version": "1.11.0",
        "pid": f"slave(1)@{host}:{port}",
    }


def framework(framework_id: str = FRAMEWORK, name: str = "marathon", hostname: str = "10.0.9.9") -> Document:
    """Return a framework as GET_FRAMEWORKS shows it."""
    info = {"user": "root", "name": name, "id": {"value": framework_id}, "hostname": hostname}
    return {"framework_info": info, "active": True, "connected": True, "recovered": False}


def status(task_id: str, state: str, ip: str | None = None, timestamp: float = 1.0) -> Document:
    """Return a status, with a container's address when there is one."""
    found: Document = {"task_id": {"value": task_id}, "state": state, "timestamp": timestamp}
    if ip is not None:
        found["container_status"] = {"network_infos": [{"ip_addresses": [{"protocol": "IPv4", "ip_address": ip}]}]}
    return found


def task(
    task_id: str,
    name: str,
    *,
    state: str = "TASK_RUNNING",
    ip: str | None = "12.0.0.1",
    ports: tuple[int, int] | None = (31000, 31000),
    discovery: Document | None = None,
    agent_id: str = AGENT,
    framework_id: str = FRAMEWORK,
) -> Document:
    """Return a task as GET_TASKS shows it."""
    found: Document = {
        "name": name,
        "task_id": {"value": task_id},
        "framework_id": {"value": framework_id},
        "agent_id": {"value": agent_id},
        "state": state,
        "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}],
        "statuses": [status(task_id, state, ip)] if state != "TASK_STAGING" else [],
    }
    if ports is not None:
        ranges = {"range": [{"begin": ports[0], "end": ports[1]}]}
        found["resources"].append({"name": "ports", "type": "RANGES", "ranges": ranges})
    if discovery is not None:
        found["discovery"] = {"visibility": "FRAMEWORK", **discovery}
    return found


class _Http:
    """A server on a port of its own."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """End all connections."""
        await self._runner.cleanup()


class OperatorMaster:
    """Answers SUBSCRIBE with ``state`` and then whatever :meth:`send` is given."""

    def __init__(self, *, leader: OperatorMaster | None = None) -> None:
        self.agents: list[Document] = []
        self.recovered: list[str] = []
        self.frameworks: list[Document] = []
        self.tasks: list[Document] = []
        self.subscriptions = 0
        self._leader = leader
        self._streams: list[asyncio.Queue[bytes | None]] = []
        app = web.Application()
        app.router.add_post("/api/v1", self._call)
        self._http = _Http(app)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._http.port

    async def start(self, port: int = 0) -> None:
        """Listen."""
        await self._http.start(port)

    async def stop(self) -> None:
        """End all connections and listen no more."""
        for stream in self._streams:
            stream.put_nowait(None)
        await self._http.stop()

    def send(self, kind: str, **payload: Any) -> None:
        """Send one event to all subscribers."""
        record = recordio.encode(json.dumps({"type": kind, kind.lower(): payload}).encode())
        for stream in self._streams:
            stream.put_nowait(record)

    def add(self, document: Document) -> None:
        """Add a task and say so."""
        self.tasks.append(document)
        self.send("TASK_ADDED", task=document)

    def update(self, task_id: str, state: str, ip: str | None = None, framework_id: str = FRAMEWORK) -> None:
        """Change the state of a task and say so."""
        told = status(task_id, state, ip, timestamp=2.0)
        for document in self.tasks:
            if document["task_id"]["value"] == task_id:
                document["state"] = state
                document["statuses"].append(told)
        self.send("TASK_UPDATED", framework_id={"value": framework_id}, status=told, state=state)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if self._leader is not None:
            return web.Response(status=307, headers={"Location": f"//127.0.0.1:{self._leader.port}/api/v1"})
        call = await request.json()
        if call["type"] == "GET_MASTER":
            address = {"ip": "127.0.0.1", "hostname": "localhost", "port": self.port}
            info = {"id": "c0f1", "ip": 16777343, "port": self.port, "address": address}
            return web.json_response({"type": "GET_MASTER", "get_master": {"master_info": info}})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        stream: asyncio.Queue[bytes | None] = asyncio.Queue()
        stream.put_nowait(recordio.encode(json.dumps(self._subscribed()).encode()))
        self._streams.append(stream)
        self.subscriptions += 1
        try:
            while (record := await stream.get()) is not None:
                await response.write(record)
        except ConnectionError:
            pass
        finally:
            self._streams.remove(stream)
        return response

    def _subscribed(self) -> Document:
        state = {
            "get_agents": {
                "agents": self.agents,
                "recovered_agents": [{"hostname": "h", "id": {"value": each}} for each in self.recovered],
            },
            "get_frameworks": {"frameworks": self.frameworks},
            "get_tasks": {"tasks": self.tasks},
        }
        return {"type": "SUBSCRIBED", "subscribed": {"get_state": state, "heartbeat_interval_seconds": 15.0}}


class MarathonEvents:
    """Answers ``GET /v2/events`` with whatever :meth:`send` is given."""

    def __init__(self) -> None:
        self._streams: list[asyncio.Queue[bytes | None]] = []
        self.subscriptions = 0
        app = web.Application()
        app.router.add_get("/v2/events", self._events)
        self._http = _Http(app)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._http.port

    async def start(self) -> None:
        """Listen."""
        await self._http.start()

    async def stop(self) -> None:
        """End all connections."""
        for stream in self._streams:
            stream.put_nowait(None)
        await self._http.stop()

    def send(self, kind: str, **fields: Any) -> None:
        """Send one event to all subscribers."""
        data = json.dumps({"eventType": kind, **fields})
        for stream in self._streams:
            stream.put_nowait(f"event: {kind}\r\ndata: {data}\r\n\r\n".encode())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Accept") != "text/event-stream":
            return web.Response(status=405)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream;charset=utf-8"})
        await response.prepare(request)
        stream: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._streams.append(stream)
        self.subscriptions += 1
        try:
            while (part := await stream.get()) is not None:
                await response.write(part)
        except ConnectionError:
            pass
        finally:
            self._streams.remove(stream)
        return response
