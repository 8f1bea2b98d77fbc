"""What the rest of the API answers: info, leader, ping, metrics, events, and a standby."""

from __future__ import annotations

import asyncio

import pytest

from mesos.http.sse import SseDecoder, SseEvent
from tests.fakes.marathon_node import Client, running

APP = {"id": "/web", "cmd": "sleep 100", "cpus": 0.1, "mem": 32}


async def test_info_leader_and_metrics(api: Client) -> None:
    info = (await api("GET", "/v2/info")).json
    assert (info["name"], info["elected"], info["leader"], info["frameworkId"]) == (
        "marathon",
        True,
        "here:8080",
        "fw-1",
    )
    assert info["marathon_config"]["local_port_max"] == 20000
    assert (await api("GET", "/v2/leader")).json == {"leader": "here:8080"}
    await api("POST", "/v2/apps", APP)
    gauges = (await api("GET", "/metrics")).json["gauges"]
    assert gauges["marathon.apps.active.gauge"] == {"value": 1}
    assert gauges["marathon.instances.running.gauge"] == {"value": 1}
    front = await api("GET", "/")
    assert (front.status, front.headers["Location"]) == (302, "/ui/")


@pytest.mark.parametrize(
    ("accept", "status", "kind", "text"),
    [
        ("*/*", 200, "text/plain", "pong"),
        ("text/html", 200, "text/html", "pong"),
        ("application/json", 200, "application/json", '"pong"'),
        ("image/png", 204, None, ""),
    ],
)
async def test_ping(api: Client, accept: str, status: int, kind: str | None, text: str) -> None:
    answer = await api("GET", "/ping", headers={"Accept": accept})
    assert (answer.status, answer.text) == (status, text)
    assert kind is None or answer.headers["Content-Type"].startswith(kind)


async def listen(api: Client, *, until: str, query: str = "") -> list[SseEvent]:
    """Listen while an app is posted; return the events up to the first of kind ``until``."""
    decoder, events = SseDecoder(), list[SseEvent]()
    async with (
        api.session.get(f"{api.url}/v2/events{query}", headers={"Accept": "text/event-stream"}) as stream,
        asyncio.timeout(5),
    ):
        assert stream.headers["Content-Type"] == "text/event-stream;charset=utf-8"
        posting = asyncio.create_task(api("POST", "/v2/apps", APP))
        async for chunk in stream.content.iter_any():
            events += decoder.feed(chunk)
            if any(each.event == until for each in events):
                break
        await posting
    return events


async def test_the_stream_begins_with_itself_and_tells_a_deployment_in_order(api: Client) -> None:
    kinds = [each.event for each in await listen(api, until="deployment_success")]
    assert kinds[0] == "event_stream_attached"
    wanted = ("api_post_event", "group_change_success", "deployment_info", "status_update_event", "deployment_success")
    assert [each for each in dict.fromkeys(kinds) if each in wanted] == list(wanted)


async def test_the_stream_can_be_restricted_to_kinds(api: Client) -> None:
    events = await listen(api, until="deployment_success", query="?event_type=deployment_success&event_type=none")
    assert [each.event for each in events] == ["deployment_success"]


async def test_the_stream_wants_to_be_asked_for_exactly(api: Client) -> None:
    assert (await api("GET", "/v2/events", headers={"Accept": "*/*"})).status == 405


async def test_streams_end_with_leadership(api: Client) -> None:
    headers = {"Accept": "text/event-stream"}
    async with api.session.get(f"{api.url}/v2/events", headers=headers) as stream, asyncio.timeout(5):
        await stream.content.readany()
        assert (await api("DELETE", "/v2/leader")).json == {"message": "Leadership abdicated"}
        await stream.content.read()


async def test_a_standby_hands_requests_on_and_sends_listeners_to_the_leader(api: Client) -> None:
    async with running() as standby:
        standby.node.term = None
        standby.node.leader = api.url.removeprefix("http://")
        standby.node.host_port = "standby:8080"
        posted = await standby("POST", "/v2/apps", APP)
        assert (posted.status, posted.json["id"]) == (201, "/web")
        assert posted.headers["X-Marathon-Via"] == "1.1 standby:8080"
        assert posted.headers["X-Marathon-Leader"] == "http://here:8080"
        assert (await standby("GET", "/v2/apps/none")).json == {"message": "App '/none' does not exist"}
        assert (await standby("GET", "/ping")).text == "pong"
        looped = await standby("GET", "/ping", headers={"X-Marathon-Via": "1.1 standby:8080"})
        assert (looped.status, looped.json["message"]) == (502, "Detected proxying loop.")
        moved = await standby("GET", "/v2/events", headers={"Accept": "text/event-stream"})
        assert (moved.status, moved.headers["Location"]) == (302, f"{api.url}/v2/events")
        standby.node.leader = "127.0.0.1:1"
        assert (await standby("GET", "/v2/apps")).json == {"message": "Connection to leader refused."}


async def test_too_many_requests_at_once_are_refused() -> None:
    async with running(http_max_concurrent_requests=0) as api:
        answer = await api("GET", "/v2/apps")
        assert (answer.status, answer.json["message"]) == (503, "Too many concurrent requests! Allowed: 0.")
