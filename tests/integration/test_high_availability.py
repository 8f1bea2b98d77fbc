"""Three masters and a marathon on a real ZooKeeper: whoever leads may be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
import requests

from tests.support.local import LocalCluster, eventually
from tests.support.zookeeper import ZooKeeperServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

APP = {"id": "/sleeper", "cmd": "exec sleep 1000", "instances": 3, "cpus": 0.01, "mem": 32}


@pytest.fixture(scope="module")
def zookeeper() -> Iterator[ZooKeeperServer]:
    server = ZooKeeperServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def cluster(zookeeper: ZooKeeperServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    directory = tmp_path_factory.mktemp("ha")
    with LocalCluster(directory, "--masters", "3", "--agents", "2", "--zk", zookeeper.hosts) as running:
        running.deploy(APP)
        yield running


def masters(cluster: LocalCluster) -> dict[str, str]:
    return {f"master-{number}": f"http://127.0.0.{number}:{cluster.port('master')}" for number in (1, 2, 3)}


def leader(cluster: LocalCluster) -> str:
    """Return the name of the one master that leads."""

    def ask() -> str:
        leading = [
            name
            for name, url in masters(cluster).items()
            if requests.get(f"{url}/metrics/snapshot", timeout=2).json()["master/elected"]
        ]
        assert len(leading) == 1, leading
        return leading[0]

    return str(eventually(ask))


def test_standbys_lead_to_the_leader(cluster: LocalCluster) -> None:
    leading = leader(cluster)
    for name, url in masters(cluster).items():
        answer = requests.get(f"{url}/master/state?x=1", allow_redirects=False, timeout=2)
        if name == leading:
            assert answer.status_code == 200
        else:
            expected = masters(cluster)[leading].removeprefix("http:") + "/master/state?x=1"
            assert (answer.status_code, answer.headers["Location"]) == (307, expected)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_tasks_survive_the_leading_master(cluster: LocalCluster, how: signal.Signals) -> None:
    before = {task["id"]: task["startedAt"] for task in cluster.tasks("/sleeper")}
    former = leader(cluster)
    pid = cluster.process(former)
    os.kill(pid, how)
    others = {name: url for name, url in masters(cluster).items() if name != former}

    def another_leads_and_knows_all() -> bool:
        for url in others.values():
            answer = requests.get(f"{url}/master/state", timeout=2, allow_redirects=False)
            if answer.status_code == 200:
                state = answer.json()
                tasks = {task["id"] for framework in state["frameworks"] for task in framework["tasks"]}
                return len(state["slaves"]) == 2 and set(before) <= tasks
        return False

    eventually(another_leads_and_knows_all)
    if how == signal.SIGSTOP:
        os.kill(pid, signal.SIGCONT)
        # the former leader wakes up, finds itself deposed, and stays as a standby
        url = masters(cluster)[former]
        eventually(lambda: requests.get(f"{url}/master/state", allow_redirects=False, timeout=2).status_code == 307)
        assert cluster.process(former) == pid
    instances = len(before) + 1
    assert cluster.marathon("PUT", "/v2/apps/sleeper", {"instances": instances}).status_code == 200
    cluster.settled()
    after = {task["id"]: task["startedAt"] for task in cluster.tasks("/sleeper")}
    assert before.items() <= after.items()
    assert len(after) == instances


def test_marathon_comes_back_from_zookeeper(cluster: LocalCluster) -> None:
    before = {task["id"] for task in cluster.tasks("/sleeper")}
    framework = cluster.marathon("GET", "/v2/info").json()["frameworkId"]
    cluster.kill("marathon")
    eventually(lambda: cluster.marathon("GET", "/v2/info").json()["frameworkId"] == framework)
    eventually(lambda: {task["id"] for task in cluster.tasks("/sleeper")} == before)


def test_zookeeper_may_be_away_for_a_while(cluster: LocalCluster, zookeeper: ZooKeeperServer) -> None:
    before = {task["id"] for task in cluster.tasks("/sleeper")}
    zookeeper.kill()
    zookeeper.start()
    leader(cluster)
    eventually(lambda: {task["id"] for task in cluster.tasks("/sleeper")} == before)
    cluster.marathon("PUT", "/v2/apps/sleeper", {"instances": len(before) + 1})
    cluster.settled()
    assert before < {task["id"] for task in cluster.tasks("/sleeper")}
