"""The real program, asked with dig and dnspython, fed by a master's and a marathon's event streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.fakes import operator_master as wire
from tests.fakes.operator_master import MarathonEvents, OperatorMaster

pytestmark = pytest.mark.integration

WAIT_S = 20.0


class Program:
    """One running ``mesos_dns``."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process, self._log = process, log
        self.port = self.http_port = 0

    async def ports(self, *, dns_on: bool = True) -> None:
        """Wait until it listens and read where."""
        await until(lambda: "http served" in self.log and (not dns_on or "dns served" in self.log), "listens")
        if dns_on:
            self.port = int(self._found(r"dns served .*port=(\d+)"))
        self.http_port = int(self._found(r"http served .*port=(\d+)"))

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text()

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.log)
        assert found
        return found[1]

    async def ask(self, name: str, kind: str = "A", *, tcp: bool = False, edns: bool = False) -> dns.message.Message:
        """Ask and return the message."""
        query = dns.message.make_query(name, kind, use_edns=edns)
        by = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        return await by(query, "127.0.0.1", timeout=WAIT_S, port=self.port)

    async def addresses(self, name: str, **how: Any) -> list[str]:
        """Return the sorted addresses of a name."""
        message = await self.ask(name, **how)
        return sorted(item.to_text() for rrset in message.answer for item in rrset)

    async def gives(self, name: str, *expected: str) -> None:
        """Wait until a name has these addresses."""
        await until(lambda: self._gives(name, list(expected)), f"{name} gives {expected}")

    async def _gives(self, name: str, expected: list[str]) -> bool:
        return await self.addresses(name) == expected

    async def get(self, path: str, **how: Any) -> tuple[int, str]:
        """GET over HTTP and return status and text."""
        async with aiohttp.request("GET", f"http://127.0.0.1:{self.http_port}{path}", **how) as response:
            return response.status, await response.text()

    def workers(self) -> list[int]:
        """Return the pids of its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sorted(int(pid) for pid in children.split())


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Poll until ``condition`` holds."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < deadline, f"not in {WAIT_S} s: {what}"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(directory: Path, *flags: str, dns_on: bool = True) -> AsyncIterator[Program]:
    """Run the program with these flags, on ports of its own."""
    log = directory / "mesos_dns.log"
    local = ("--port=0", "--httpport=0", "--listener=127.0.0.1", "--httplistener=127.0.0.1")
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mesos_dns", *local, *flags, stdout=out, stderr=out, cwd=directory, env=_environment()
        )
    program = Program(process, log)
    try:
        await program.ports(dns_on=dns_on)
        yield program
    finally:
        if process.returncode is None:
            process.terminate()
        code = await asyncio.wait_for(process.wait(), WAIT_S)
        assert code == 0, program.log
        assert "Traceback" not in program.log, program.log


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root}


@pytest.fixture
async def master() -> AsyncIterator[OperatorMaster]:
    """A master with one agent, one framework and one task."""
    made = OperatorMaster()
    made.agents, made.frameworks, made.tasks = [wire.agent()], [wire.framework()], [wire.task("web.1", "web")]
    await made.start()
    yield made
    await made.stop()


async def dig(program: Program, *words: str) -> str:
    """Run dig and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        "dig", "@127.0.0.1", "-p", str(program.port), "+tries=1", *words, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_dig_reads_every_kind_of_record(tmp_path: Path, master: OperatorMaster) -> None:
    discovery = {"name": "web.team", "ports": {"ports": [{"number": 80, "name": "http", "protocol": "tcp"}]}}
    master.tasks += [
        wire.task("db.1", "db", ip="fd00::1"),
        wire.task("team.1", "ignored", discovery=discovery, ip="12.0.0.9"),
    ]
    async with running(tmp_path, f"--masters=127.0.0.1:{master.port}") as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        for words, expected in (
            (("web.marathon.mesos",), "12.0.0.1"),
            (("+tcp", "web.marathon.mesos"), "12.0.0.1"),
            (("web.marathon.slave.mesos",), "10.0.0.1"),
            (("db.marathon.mesos", "AAAA"), "fd00::1"),
            (("web.team.marathon.mesos",), "12.0.0.9"),
            (("web-team.marathon.mesos",), "12.0.0.9"),
            (("marathon.mesos",), "10.0.9.9"),
            (("slave.mesos",), "10.0.0.1"),
            (("leader.mesos",), "127.0.0.1"),
            (("master0.mesos",), "127.0.0.1"),
            (("ns1.mesos",), "127.0.0.1"),
            (("_leader._tcp.mesos", "SRV"), f"0 1 {master.port} leader.mesos."),
            (("_slave._tcp.mesos", "SRV"), "0 1 5051 slave.mesos."),
            (("_web._tcp.marathon.mesos", "SRV"), "0 1 31000 web-e844k-s0.marathon.slave.mesos."),
        ):
            assert (await dig(program, "+short", *words)).strip() == expected, words
        missing = await dig(program, "missing.marathon.mesos")
        assert "status: NXDOMAIN" in missing and "SOA\tns1.mesos. root.ns1.mesos." in missing
        nothing = await dig(program, "web.marathon.mesos", "AAAA")
        assert "status: NOERROR" in nothing and "SOA\tns1.mesos." in nothing
        assert "status: NOERROR" in await dig(program, "+cookie", "+dnssec", "WEB.marathon.mesos")


async def test_changes_are_answered_as_they_come(tmp_path: Path, master: OperatorMaster) -> None:
    async with running(tmp_path, f"--masters=127.0.0.1:{master.port}") as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        master.add(wire.task("web.2", "web", state="TASK_STAGING"))
        master.update("web.2", "TASK_RUNNING", "12.0.0.2")
        await program.gives("web.marathon.mesos", "12.0.0.1", "12.0.0.2")
        assert await program.addresses("web.marathon.mesos", tcp=True) == ["12.0.0.1", "12.0.0.2"]
        master.update("web.1", "TASK_KILLED")
        await program.gives("web.marathon.mesos", "12.0.0.2")
        master.send("AGENT_REMOVED", agent_id={"value": wire.AGENT})
        await program.gives("web.marathon.mesos")
        assert (await program.ask("web.marathon.mesos")).rcode() == dns.rcode.NXDOMAIN


async def test_marathon_takes_a_name_at_once(tmp_path: Path, master: OperatorMaster) -> None:
    instance = "web.instance-00000000-562f-11e4-a088-c20493233aa5"
    master.tasks.append(wire.task(f"{instance}._app.1", "web", ip="12.0.0.2"))
    marathon = MarathonEvents()
    await marathon.start()
    flags = (f"--masters=127.0.0.1:{master.port}", f"--marathon=http://127.0.0.1:{marathon.port}")
    async with running(tmp_path, *flags) as program:
        await program.gives("web.marathon.mesos", "12.0.0.1", "12.0.0.2")
        await until(lambda: marathon.subscriptions > 0, "the bus is followed")
        marathon.send("instance_changed_event", instanceId=instance, condition="Killing", runSpecId="/web")
        await program.gives("web.marathon.mesos", "12.0.0.1")
        marathon.send("status_update_event", taskId="web.1", taskStatus="TASK_LOST", appId="/web")
        await program.gives("web.marathon.mesos")
    await marathon.stop()


async def test_the_zone_outlives_its_masters(tmp_path: Path, master: OperatorMaster) -> None:
    """A follower redirects; the leader dies; the next one does not know the tasks yet."""
    follower = OperatorMaster(leader=master)
    await follower.start()
    second = OperatorMaster()
    second.recovered = [wire.AGENT]
    await second.start()
    listed = f"--masters=127.0.0.1:{follower.port},127.0.0.1:{second.port}"
    async with running(tmp_path, listed) as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        await follower.stop()
        await master.stop()
        await until(lambda: second.subscriptions > 0, "the second master is followed")
        await program.gives("leader.mesos", "127.0.0.1")
        assert await program.addresses("web.marathon.mesos") == ["12.0.0.1"]
        second.send("FRAMEWORK_ADDED", framework=wire.framework())
        second.add(wire.task("web.1", "web", ip="12.0.0.3"))
        second.send("AGENT_ADDED", agent=wire.agent())
        await program.gives("web.marathon.mesos", "12.0.0.3")
        await second.stop()
        await until(lambda: _metric(program, "mesos_dns_source_connected", 0.0), "the loss is told")
        assert await program.addresses("web.marathon.mesos") == ["12.0.0.3"]


async def _metric(program: Program, name: str, value: float) -> bool:
    _, text = await program.get("/metrics")
    return f"\n{name} {value}\n" in text


async def test_before_a_master_is_found(tmp_path: Path) -> None:
    async with running(tmp_path, "--masters=127.0.0.1:1") as program:
        assert (await program.ask("web.marathon.mesos")).rcode() == dns.rcode.SERVFAIL
        assert (await program.ask("web.marathon.mesos", tcp=True)).rcode() == dns.rcode.SERVFAIL


async def test_a_killed_worker_is_mended(tmp_path: Path, master: OperatorMaster) -> None:
    async with running(tmp_path, f"--masters=127.0.0.1:{master.port}", "--workers=2") as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        before = program.workers()
        assert len(before) == 2
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        master.add(wire.task("web.2", "web", ip="12.0.0.2"))
        # asked while nobody answers: the question waits in the socket
        assert await program.addresses("web.marathon.mesos") == ["12.0.0.1", "12.0.0.2"]
        await until(lambda: _replaced(program, before), "both workers are new")
        await program.gives("web.marathon.mesos", "12.0.0.1", "12.0.0.2")


def _replaced(program: Program, before: list[int]) -> bool:
    now = program.workers()
    return len(now) == len(before) and not set(now) & set(before)


async def test_long_answers(tmp_path: Path, master: OperatorMaster) -> None:
    master.tasks = [wire.task(f"web.{i}", "web", ip=f"12.0.0.{i}", ports=None) for i in range(100)]
    async with running(tmp_path, f"--masters=127.0.0.1:{master.port}") as program:
        await until(lambda: _metric(program, "mesos_dns_tasks", 100.0), "all tasks are known")
        await until(lambda: _loaded(program), "workers are ready")
        message = await program.ask("web.marathon.mesos")
        assert message.flags & dns.flags.TC and len(message.answer[0]) == 29
        assert len(await program.addresses("web.marathon.mesos", tcp=True)) == 100
        assert len((await dig(program, "+short", "web.marathon.mesos")).split()) == 100


async def _loaded(program: Program) -> bool:
    """Tell whether all workers have the zone; which of them answers is for the kernel to choose."""
    answers = [await program.ask("web.marathon.mesos") for _ in range(20)]
    return all(answer.rcode() == dns.rcode.NOERROR for answer in answers)


class Upstream(asyncio.DatagramProtocol):
    """A resolver that knows one address; ``silent`` ones know nothing and say nothing."""

    def __init__(self, address: str = "93.184.216.34", *, silent: bool = False) -> None:
        self.address, self.silent, self.asked = address, silent, 0
        self.port = 0

    async def start(self) -> None:
        """Listen by UDP and TCP on one port."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._udp.get_extra_info("sockname")[1]
        self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def stop(self) -> None:
        """Listen no more."""
        self._udp.close()
        self._tcp.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer."""
        self.asked += 1
        if not self.silent:
            self._udp.sendto(b"\0" * 20, addr)  # a forgery does not count
            self._udp.sendto(self._answer(data), addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        reply = self._answer(data)
        writer.write(len(reply).to_bytes(2, "big") + reply)
        await writer.drain()
        writer.close()

    def _answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query, recursion_available=True)
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", self.address))
        return reply.to_wire()


async def test_other_names_are_asked_of_resolvers(tmp_path: Path, master: OperatorMaster) -> None:
    silent, general, zone = Upstream(silent=True), Upstream(), Upstream("10.7.7.7")
    for upstream in (silent, general, zone):
        await upstream.start()
    config = {
        "masters": [f"127.0.0.1:{master.port}"],
        "timeout": 1,
        "resolvers": [f"127.0.0.1:{silent.port}", f"127.0.0.1:{general.port}"],
        "zoneResolvers": {"corp.example": [f"127.0.0.1:{zone.port}"]},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    async with running(tmp_path) as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        for tcp in (False, True):
            assert await program.addresses("example.com", tcp=tcp) == ["93.184.216.34"]
            assert await program.addresses("a.Corp.example", tcp=tcp) == ["10.7.7.7"]
        assert silent.asked == 1
        general.silent = True
        assert (await program.ask("example.com")).rcode() == dns.rcode.SERVFAIL
    for upstream in (silent, general, zone):
        upstream.stop()


async def test_other_names_are_refused_when_told_so(tmp_path: Path, master: OperatorMaster) -> None:
    async with running(tmp_path, f"--masters=127.0.0.1:{master.port}", "--no-externalon") as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        message = await program.ask("example.com", edns=True)
        assert message.rcode() == dns.rcode.REFUSED
        assert not message.flags & dns.flags.RA


async def test_http(tmp_path: Path, master: OperatorMaster) -> None:
    async with running(tmp_path, f"--masters=127.0.0.1:{master.port}") as program:
        await program.gives("web.marathon.mesos", "12.0.0.1")
        status, text = await program.get("/v1/version")
        assert (status, list(json.loads(text))) == (200, ["Service", "URL", "Version"])
        assert text.startswith('{\n  "Service": "Mesos-DNS",')
        for path, expected in (
            ("/v1/hosts/Web.marathon.mesos.", [{"host": "web.marathon.mesos.", "ip": "12.0.0.1"}]),
            ("/v1/hosts/nope.mesos", [{"host": "", "ip": ""}]),
            (
                "/v1/services/_web._tcp.marathon.mesos",
                [
                    {
                        "service": "_web._tcp.marathon.mesos",
                        "host": "web-e844k-s0.marathon.slave.mesos.",
                        "ip": "10.0.0.1",
                        "port": "31000",
                    }
                ],
            ),
            ("/v1/services/_nope._tcp.mesos", [{"service": "", "host": "", "ip": "", "port": ""}]),
        ):
            status, text = await program.get(path)
            assert (status, json.loads(text)) == (200, expected)
        enumerated = json.loads((await program.get("/v1/enumerate"))[1])["frameworks"][0]
        assert (enumerated["name"], enumerated["tasks"][0]["id"]) == ("marathon", "web.1")
        axfr = json.loads((await program.get("/v1/axfr"))[1])
        assert axfr["Records"]["As"]["web.marathon.mesos."] == ["12.0.0.1"]
        assert json.loads((await program.get("/v1/config"))[1])["Domain"] == "mesos"
        for path, headers, status, body in (
            ("/v1/hosts/x.mesos/ports", {}, 501, "To be implemented..."),
            ("/v1/nope", {}, 404, "404: Page Not Found"),
            ("/v1/axfr", {"Accept": "text/html"}, 406, "406: Not Acceptable"),
        ):
            assert await program.get(path, headers=headers) == (status, body)
        url = f"http://127.0.0.1:{program.http_port}/v1/axfr"
        async with aiohttp.request("POST", url) as response:
            assert (response.status, await response.text()) == (405, "405: Method Not Allowed")


async def test_http_alone(tmp_path: Path, master: OperatorMaster) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"masters": [f"127.0.0.1:{master.port}"], "dnsOn": False}))
    async with running(tmp_path, dns_on=False) as program:
        await until(lambda: _metric(program, "mesos_dns_tasks", 1.0), "the zone is loaded")
        assert "12.0.0.1" in (await program.get("/v1/hosts/web.marathon.mesos"))[1]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--mastrs=x",), "did you mean --masters?"),
        ((), "specify Mesos masters or Zookeeper"),
        (("--masters=127.0.0.1:1", "--port=70000"), "--port=70000: must be a port"),
        (("--masters=127.0.0.1:1", "--zk=zk://"), "ZooKeeper"),
        (("--config=/nonexistent.json",), 'missing configuration file: "/nonexistent.json"'),
    ],
)
async def test_bad_settings_are_one_line_and_exit_code_1(tmp_path: Path, flags: tuple[str, ...], text: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mesos_dns", *flags, stderr=asyncio.subprocess.PIPE, cwd=tmp_path, env=_environment()
    )
    _, errors = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert process.returncode == 1
    assert text in errors.decode()
    assert len(errors.decode().strip().splitlines()) == 1


async def test_a_taken_port_is_named(tmp_path: Path, master: OperatorMaster) -> None:
    listed = f"--masters=127.0.0.1:{master.port}"
    async with running(tmp_path, listed) as program:
        flags = (listed, f"--port={program.port}", "--listener=127.0.0.1", "--httpport=0")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mesos_dns", *flags, stderr=asyncio.subprocess.PIPE, cwd=tmp_path, env=_environment()
        )
        _, errors = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert process.returncode == 1
    assert f"port {program.port} (--port)" in errors.decode()
