from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web

from mesos import recordio
from mesos.clock import IdSource, SystemIds
from mesos.codec import decode, encode
from mesos.election import Detector, Leader, OnLeader, StandaloneDetector
from mesos.http.operator import OperatorStream
from mesos.http.scheduler import SchedulerClient
from mesos.http.server import Exchange, Server, Stream
from mesos.types.frameworks import FrameworkInfo
from mesos.types.ids import FrameworkID
from mesos.types.masters import master_info
from mesos.types.scheduler import Call, CallType, Error, Event, EventType, Subscribe, Subscribed


class Master:
    """Answers like a master: subscribes everybody, remembers calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Call]] = []
        self.streams: list[Stream] = []
        self.heartbeat_s = 15.0
        self.refuse_with = 0
        self.redirect_to: str | None = None
        self.changed = asyncio.Event()

    def scheduler(self, exchange: Exchange) -> None:
        self.changed.set()
        call = decode(exchange.body, Call)
        if self.redirect_to is not None:
            exchange.respond(307, headers=[("Location", f"//{self.redirect_to}{exchange.target}")])
        elif call.type is CallType.SUBSCRIBE:
            stream = exchange.stream(headers=[("Mesos-Stream-Id", f"s{len(self.streams)}")])
            self.streams.append(stream)
            subscribed = Subscribed(framework_id=FrameworkID("f"), heartbeat_interval_seconds=self.heartbeat_s)
            self.send(Event(type=EventType.SUBSCRIBED, subscribed=subscribed))
        else:
            self.calls.append((exchange.headers["mesos-stream-id"], call))
            exchange.respond(self.refuse_with or 202)

    def operator(self, exchange: Exchange) -> None:
        stream = exchange.stream()
        self.streams.append(stream)
        stream.send(recordio.encode(b'{"type":"SUBSCRIBED","subscribed":{"heartbeat_interval_seconds":15.0}}'))

    def send(self, event: Event) -> None:
        self.streams[-1].send(recordio.encode(encode(event)))


class Framework:
    """Remembers what it is told."""

    def __init__(self, server: Server, detector: Detector | None = None, ids: IdSource | None = None) -> None:
        info = encode(master_info("m", ip="127.0.0.1", port=server.port, hostname="localhost"))
        self.seen: asyncio.Queue[Event] = asyncio.Queue()
        self.disconnected: asyncio.Queue[str] = asyncio.Queue()
        self.client = SchedulerClient(
            detector or StandaloneDetector(info),
            ids or SystemIds(),
            subscribe=lambda: Call(
                type=CallType.SUBSCRIBE, subscribe=Subscribe(framework_info=FrameworkInfo(user="u", name="n"))
            ),
            on_event=self.seen.put_nowait,
            on_disconnected=self.disconnected.put_nowait,
        )

    async def sees(self, kind: EventType) -> Event:
        event = await asyncio.wait_for(self.seen.get(), 5)
        assert event.type is kind
        return event


@pytest_asyncio.fixture
async def master() -> Master:
    return Master()


async def serve(master: Master) -> Server:
    hot = {"/api/v1/scheduler": master.scheduler, "/api/v1": master.operator}
    return await Server.start(web.Application(), host="127.0.0.1", port=0, hot=hot)


@pytest_asyncio.fixture
async def server(master: Master) -> AsyncIterator[Server]:
    started = await serve(master)
    yield started
    await started.close()


@pytest_asyncio.fixture
async def framework(server: Server) -> AsyncIterator[Framework]:
    framework = Framework(server)
    running = asyncio.ensure_future(framework.client.run())
    yield framework
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(condition: object, master: Master) -> None:
    async with asyncio.timeout(5):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0)


async def test_calls_carry_the_stream_id_and_keep_their_order(master: Master, framework: Framework) -> None:
    await framework.sees(EventType.SUBSCRIBED)
    for role in ("a", "b", "c"):
        assert framework.client.send(Call(type=CallType.REVIVE, framework_id=FrameworkID(role)))
    await until(lambda: len(master.calls) == 3, master)
    assert [(stream, str(call.framework_id and call.framework_id.value)) for stream, call in master.calls] == [
        ("s0", "a"),
        ("s0", "b"),
        ("s0", "c"),
    ]


async def test_a_broken_stream_is_subscribed_again(master: Master, framework: Framework) -> None:
    await framework.sees(EventType.SUBSCRIBED)
    master.streams[0].close()
    assert "ended the stream" in await asyncio.wait_for(framework.disconnected.get(), 5)
    await framework.sees(EventType.SUBSCRIBED)
    assert len(master.streams) == 2


async def test_silence_is_taken_for_the_end(master: Master, framework: Framework) -> None:
    await framework.sees(EventType.SUBSCRIBED)
    master.heartbeat_s = 0.02
    master.streams[0].close()
    await framework.sees(EventType.SUBSCRIBED)
    await framework.disconnected.get()
    assert "no heartbeat" in await asyncio.wait_for(framework.disconnected.get(), 5)
    await framework.sees(EventType.SUBSCRIBED)


async def test_an_error_is_told_and_is_the_reason(master: Master, framework: Framework) -> None:
    await framework.sees(EventType.SUBSCRIBED)
    master.send(Event(type=EventType.ERROR, error=Error("Framework failed over")))
    master.streams[0].close()
    await framework.sees(EventType.ERROR)
    assert await asyncio.wait_for(framework.disconnected.get(), 5) == "Framework failed over"


async def test_a_call_that_is_no_longer_welcome_leads_to_a_new_subscription(
    master: Master, framework: Framework
) -> None:
    await framework.sees(EventType.SUBSCRIBED)
    master.refuse_with = 403
    framework.client.send(Call(type=CallType.REVIVE))
    await asyncio.wait_for(framework.disconnected.get(), 5)
    await framework.sees(EventType.SUBSCRIBED)


async def test_a_standby_leads_to_the_leader(server: Server, master: Master) -> None:
    standby = Master()
    standby.redirect_to = f"127.0.0.1:{server.port}"
    standing_by = await serve(standby)
    framework = Framework(standing_by)
    running = asyncio.ensure_future(framework.client.run())
    await framework.sees(EventType.SUBSCRIBED)
    framework.client.send(Call(type=CallType.REVIVE))
    await until(lambda: master.calls, master)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await standing_by.close()


async def test_the_operator_stream_says_when_it_begins_and_ends(server: Server, master: Master) -> None:
    info = encode(master_info("m", ip="127.0.0.1", port=server.port, hostname="localhost"))
    told: asyncio.Queue[str] = asyncio.Queue()
    stream = OperatorStream(
        StandaloneDetector(info),
        SystemIds(),
        on_event=lambda event: told.put_nowait(event["type"]),
        on_disconnected=lambda: told.put_nowait("disconnected"),
    )
    running = asyncio.ensure_future(stream.run())
    assert await asyncio.wait_for(told.get(), 5) == "SUBSCRIBED"
    master.streams[0].close()
    assert await asyncio.wait_for(told.get(), 5) == "disconnected"
    assert await asyncio.wait_for(told.get(), 5) == "SUBSCRIBED"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class Elections:
    """A detector whose leader the test elects."""

    def __init__(self) -> None:
        self._leader: asyncio.Future[Leader] = asyncio.get_running_loop().create_future()
        self._on_change: OnLeader = lambda _: None

    def start(self, on_change: OnLeader) -> None:
        self._on_change = on_change

    async def leader(self) -> Leader:
        return await asyncio.shield(self._leader)

    async def stop(self) -> None:
        pass

    def elect(self, server_port: int | None) -> None:
        if self._leader.done():
            self._leader = asyncio.get_running_loop().create_future()
        if server_port is None:
            self._on_change(None)
            return
        info = encode(master_info("m", ip="127.0.0.1", port=server_port, hostname="localhost"))
        leader = Leader(f"node-{server_port}", info)
        self._leader.set_result(leader)
        self._on_change(leader)


class LongPauses(SystemIds):
    """Makes every pause an hour, and tells when one begins."""

    def __init__(self) -> None:
        super().__init__()
        self.pausing = asyncio.Event()

    def uniform(self, low: float, high: float) -> float:
        self.pausing.set()
        return 3600.0


async def test_a_new_leader_is_followed_at_once_whatever_the_pause(server: Server, master: Master) -> None:
    other = Master()
    second = await serve(other)
    elections = Elections()
    ids = LongPauses()
    framework = Framework(server, elections, ids)
    elections.elect(1)  # nobody listens there
    running = asyncio.ensure_future(framework.client.run())
    await asyncio.wait_for(ids.pausing.wait(), 5)
    elections.elect(server.port)
    await framework.sees(EventType.SUBSCRIBED)
    elections.elect(None)
    assert await asyncio.wait_for(framework.disconnected.get(), 5) == "another master leads"
    elections.elect(second.port)
    await framework.sees(EventType.SUBSCRIBED)
    assert len(master.streams) == len(other.streams) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await second.close()
