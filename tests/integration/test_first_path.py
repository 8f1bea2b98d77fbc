"""The whole way through, on real parts: a POSTed app runs, has a name and a balanced port."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mezzo.local.options import PORT_FLAGS
from tests.support.local import LocalCluster, eventually, example

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NUMBERS = itertools.count(1)
APP: dict[str, Any] = {
    "id": "/web",
    "cmd": "mkdir -p www && echo $MESOS_TASK_ID > www/index.html && exec python3 -m http.server --directory www $PORT0",
    "instances": 2,
    "cpus": 0.05,
    "mem": 32,
    "healthChecks": [
        {"protocol": "MESOS_HTTP", "path": "/", "intervalSeconds": 1, "delaySeconds": 0, "gracePeriodSeconds": 20}
    ],
    "constraints": [["hostname", "GROUP_BY", "2"]],
    "labels": {"HAPROXY_GROUP": "external", "HAPROXY_0_VHOST": "web.example.com"},
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    with LocalCluster(tmp_path_factory.mktemp("cluster"), "--agents", "2") as running:
        yield running


@pytest.fixture
def app(cluster: LocalCluster) -> Iterator[dict[str, Any]]:
    definition = APP | {"id": f"/web-{next(NUMBERS)}"}
    cluster.deploy(definition)
    yield cluster.app(definition["id"])
    cluster.marathon("DELETE", f"/v2/apps{definition['id']}", force="true")
    cluster.settled()


def service_port(app: dict[str, Any]) -> int:
    port: int = app["portDefinitions"][0]["port"]
    return port


def test_an_app_runs_has_a_name_and_a_balanced_port(cluster: LocalCluster, app: dict[str, Any]) -> None:
    tasks = cluster.tasks(app["id"])
    name = app["id"].strip("/")
    assert len(tasks) == 2

    addresses = eventually(lambda: len(found := cluster.dig(f"{name}.marathon.mesos")) == 2 and found)
    assert sorted(addresses) == sorted(task["host"] for task in tasks)
    services = cluster.dig(f"_{name}._tcp.marathon.mesos", "SRV")
    assert sorted(int(line.split()[2]) for line in services) == sorted(task["ports"][0] for task in tasks)

    looked_up = json.loads(cluster.mezzo("dns", "lookup", f"{name}.marathon.mesos", "--json"))
    assert sorted(row["value"] for row in looked_up) == sorted(addresses)

    def both_answer() -> bool:
        seen = {requests.get(f"http://127.0.0.1:{service_port(app)}/", timeout=2).text.strip() for _ in range(6)}
        return seen == {task["id"] for task in tasks}

    eventually(both_answer)
    vhost = requests.get(cluster.url("lb-http"), headers={"Host": "web.example.com"}, timeout=2)
    assert vhost.status_code == 200


def test_the_commands_tell_what_runs(cluster: LocalCluster, app: dict[str, Any]) -> None:
    assert app["id"] in cluster.mezzo("app", "list")
    listed = json.loads(cluster.mezzo("app", "list", "--json"))
    assert [each["tasksHealthy"] for each in listed if each["id"] == app["id"]] == [2]
    tasks = json.loads(cluster.mezzo("task", "list", app["id"], "--json"))
    assert len(tasks) == 2
    requests.get(f"http://{tasks[0]['host']}:{tasks[0]['ports'][0]}/", timeout=2)
    eventually(lambda: "GET /" in cluster.mezzo("task", "logs", "--stderr", tasks[0]["id"]))
    agents = json.loads(cluster.mezzo("agent", "list", "--json"))
    assert {each["hostname"] for each in agents} == {"127.0.0.11", "127.0.0.12"}
    assert all(each["attributes"]["cloud"] == "local" for each in agents)
    assert json.loads(cluster.mezzo("status", "--json"))["running"] is True


def test_scale_restart_and_remove_from_the_command_line(cluster: LocalCluster) -> None:
    definition = {"id": "/sleeper", "cmd": "exec sleep 1000", "cpus": 0.01, "mem": 32}
    file = cluster.dir / "sleeper.json"
    file.write_text(json.dumps(definition))
    cluster.mezzo("app", "add", str(file))
    cluster.settled()
    before = {task["id"] for task in cluster.tasks("/sleeper")}
    scaled = json.loads(cluster.mezzo("app", "scale", "/sleeper", "3", "--json"))
    cluster.mezzo("deployment", "watch", scaled["deploymentId"])
    cluster.settled()
    assert len(cluster.tasks("/sleeper")) == 3
    cluster.mezzo("app", "restart", "/sleeper")
    cluster.settled()
    assert not before & {task["id"] for task in cluster.tasks("/sleeper")}
    cluster.mezzo("app", "remove", "/sleeper")
    cluster.settled()
    assert cluster.marathon("GET", "/v2/apps/sleeper").status_code == 404


def test_groups_start_in_the_order_of_their_dependencies(cluster: LocalCluster) -> None:
    cluster.deploy(example("03"))
    order = ["/product/database/mongo", "/product/service/rails-app", "/product/service/play-app"]
    started = [min(task["startedAt"] for task in cluster.tasks(app_id)) for app_id in order]
    assert started == sorted(started)
    assert cluster.marathon("DELETE", "/v2/groups/product", force="true").status_code == 200
    cluster.settled()


def test_one_instance_per_host_waits_and_the_queue_says_why(cluster: LocalCluster) -> None:
    definition = example("04") | {"instances": 3}
    assert cluster.marathon("POST", "/v2/apps", definition).status_code == 201

    def reason() -> Any:
        (item,) = cluster.marathon("GET", "/v2/queue").json()["queue"]
        assert item["app"]["id"] == "/one-per-host"
        summary = item["processedOffersSummary"]["rejectSummaryLastOffers"]
        return item["count"] == 1 and [e for e in summary if e["reason"] == "UnfulfilledConstraint" and e["declined"]]

    eventually(reason)
    assert len({task["host"] for task in cluster.tasks("/one-per-host")}) == 2
    cluster.marathon("DELETE", "/v2/apps/one-per-host", force="true")
    cluster.settled()


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        pytest.param('{"id": ', 400, None, id="unparsable"),
        pytest.param({"id": "/x", "cmd": 5}, 422, "/cmd", id="wrong type"),
        pytest.param({"id": "/x", "cmd": "sleep 1", "instances": -3}, 422, "/instances", id="negative instances"),
        pytest.param(
            {"id": "/x", "cmd": "sleep 1", "constraints": [["hostname", "NEAR"]]}, 422, "/constraints(0)", id="operator"
        ),
        pytest.param({"id": "/X_y", "cmd": "sleep 1"}, 422, "/id", id="id"),
        pytest.param(
            {"id": "/x", "cmd": "sleep 1", "portDefinitions": [{"port": 10005}, {"port": 10005}]},
            422,
            "/portDefinitions",
            id="duplicate ports",
        ),
        pytest.param({"id": "/x", "cmd": "sleep 1", "dependencies": ["/x"]}, 422, "/", id="cycle"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    cluster: LocalCluster, body: Any, status: int, path: str | None
) -> None:
    before = cluster.marathon("GET", "/v2/groups").json()
    data = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json"}
    answer = requests.post(cluster.url("marathon") + "/v2/apps", data=data, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    if path is not None:
        assert path in [detail["path"] for detail in answer.json()["details"]], answer.text
    assert cluster.marathon("GET", "/v2/groups").json() == before
    assert cluster.marathon("GET", "/v2/queue").json()["queue"] == []


def test_an_agent_that_is_killed_finds_its_tasks_running(cluster: LocalCluster, app: dict[str, Any]) -> None:
    before = {task["id"]: task["startedAt"] for task in cluster.tasks(app["id"])}
    cluster.kill("agent-1")
    cluster.kill("agent-2")
    agents = f"{cluster.url('master')}/slaves"
    eventually(lambda: all(each["active"] for each in requests.get(agents, timeout=2).json()["slaves"]))
    cluster.marathon("PUT", f"/v2/apps{app['id']}", {"instances": 3})
    cluster.settled()
    after = {task["id"]: task["startedAt"] for task in cluster.tasks(app["id"])}
    assert before.items() <= after.items()
    assert len(after) == 3


def test_a_marathon_that_is_killed_keeps_its_tasks_and_its_framework(
    cluster: LocalCluster, app: dict[str, Any]
) -> None:
    before = {task["id"] for task in cluster.tasks(app["id"])}
    framework = cluster.marathon("GET", "/v2/info").json()["frameworkId"]
    cluster.kill("marathon")
    eventually(lambda: cluster.marathon("GET", "/v2/info").json()["frameworkId"] == framework)
    cluster.marathon("PUT", f"/v2/apps{app['id']}", {"instances": 3})
    cluster.settled()
    after = {task["id"] for task in cluster.tasks(app["id"])}
    assert before < after


def test_a_master_that_is_killed_knows_its_agents_and_tasks_again(cluster: LocalCluster, app: dict[str, Any]) -> None:
    before = {task["id"] for task in cluster.tasks(app["id"])}
    cluster.kill("master")

    def all_back() -> bool:
        state = requests.get(f"{cluster.url('master')}/master/state", timeout=2).json()
        tasks = {task["id"] for framework in state["frameworks"] for task in framework["tasks"]}
        return len(state["slaves"]) == 2 and before <= tasks

    eventually(all_back)
    cluster.marathon("PUT", f"/v2/apps{app['id']}", {"instances": 3})
    cluster.settled()
    assert before < {task["id"] for task in cluster.tasks(app["id"])}


def test_a_rolling_upgrade_under_load_loses_no_request(cluster: LocalCluster, app: dict[str, Any]) -> None:
    url = f"http://127.0.0.1:{service_port(app)}/"
    eventually(lambda: requests.get(url, timeout=2).status_code == 200)
    load = subprocess.Popen(["wrk", "-t1", "-c8", "-d12s", url], stdout=subprocess.PIPE, text=True)
    old = {task["id"] for task in cluster.tasks(app["id"])}
    for version in ("1", "2"):
        cluster.marathon("PUT", f"/v2/apps{app['id']}", {"env": {"VERSION": version}})
        cluster.settled()
    report, _ = load.communicate(timeout=60)
    assert "requests in" in report
    assert "Socket errors" not in report, report
    assert "Non-2xx" not in report, report
    assert not old & {task["id"] for task in cluster.tasks(app["id"])}


def test_a_second_up_finds_the_cluster_running_and_a_taken_port_is_named(cluster: LocalCluster, tmp_path: Path) -> None:
    again = cluster.mezzo("up", "--port-offset", str(cluster.offset), "--agents", "2")
    assert "already running" in again
    other = LocalCluster(tmp_path / "other")
    command = ["up", "--port-offset", str(other.offset), "--marathon-port", str(cluster.port("marathon"))]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mezzo", *command, "--dir", str(other.dir)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    assert done.returncode == 1
    assert f"port {cluster.port('marathon')} on 127.0.0.1 is taken" in done.stderr
    assert PORT_FLAGS["marathon"][0] in done.stderr


def test_ctrl_c_ends_a_cluster_in_the_foreground_with_its_tasks(tmp_path: Path) -> None:
    cluster = LocalCluster(tmp_path, "--agents", "1")
    command = [sys.executable, "-P", "-m", "mezzo", "up", "--foreground", "--agents", "1", "--dir", str(tmp_path)]
    command += ["--port-offset", str(cluster.offset)]
    foreground = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/", process_group=0)
    try:
        eventually(lambda: cluster.marathon("GET", "/v2/info").status_code == 200, what="marathon")
        cluster.deploy({"id": "/sleeper", "cmd": "exec sleep 1000", "cpus": 0.05, "mem": 32})
    finally:
        os.killpg(foreground.pid, signal.SIGINT)  # as a terminal does it
        foreground.wait(timeout=60)
    assert foreground.returncode == 0
    assert not cluster.leftovers()
