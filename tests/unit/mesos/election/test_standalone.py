from __future__ import annotations

import asyncio

import pytest

from mesos.election import Leader, StandaloneDetector, StandaloneElection, master_of, open_master_detector
from mesos.errors import ConfigError


async def test_a_lone_program_leads_until_it_is_stopped() -> None:
    told: list[object] = []
    election = StandaloneElection(b"me")
    task = asyncio.create_task(election.run(told.append, told.append, told.append))
    await asyncio.sleep(0)
    me = Leader("standalone", b"me")
    assert told == [me, 0]
    await election.abdicate()
    await asyncio.sleep(0)
    assert told == [me, 0, "abdicated", None, me, 0]
    task.cancel()
    await asyncio.wait([task])
    assert told[-1] == "stopping"


async def test_a_detector_without_zookeeper_reports_its_leader_once() -> None:
    told: list[Leader | None] = []
    detector = StandaloneDetector(b"it")
    detector.start(told.append)
    assert (await detector.leader()).data == b"it"
    await asyncio.sleep(0)
    assert told == [Leader("standalone", b"it")]
    await detector.stop()


@pytest.mark.parametrize(("text", "port"), [("127.0.0.1:5055", 5055), ("127.0.0.1", 5050)])
async def test_a_master_may_be_given_by_its_address(text: str, port: int) -> None:
    detector = await open_master_detector(text)
    master = master_of(await detector.leader())
    assert master.address is not None
    assert (master.address.ip, master.address.port, master.port) == ("127.0.0.1", port, port)


@pytest.mark.parametrize("text", ["", ":5050", "host:", "host:0", "host:65536", "host:port", "zk://"])
async def test_what_is_no_master_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        await open_master_detector(text)
