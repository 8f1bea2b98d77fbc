"""What ``/v2/apps`` answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.marathon_node import Client

APP = {"id": "/web", "cmd": "sleep 100", "cpus": 0.1, "mem": 32, "instances": 2}


async def test_a_posted_app_is_answered_whole_and_runs(api: Client) -> None:
    answer = await api("POST", "/v2/apps", APP)
    assert answer.status == 201
    assert answer.headers["Location"] == "/v2/apps/web"
    body = answer.json
    assert body["deployments"] == [{"id": answer.headers["Marathon-Deployment-Id"]}]
    assert (body["tasksStaged"], body["tasksRunning"]) == (0, 0)
    assert body["portDefinitions"] == [{"port": 10000, "protocol": "tcp", "name": "default"}]
    assert body["networks"] == [{"mode": "host"}]
    assert "versionInfo" not in body
    assert "tasks" not in body
    shown = (await api("GET", "/v2/apps/web")).json["app"]
    assert shown["tasksRunning"] == 2
    assert [each["state"] for each in shown["tasks"]] == ["TASK_RUNNING"] * 2
    assert shown["deployments"] == []
    assert shown["versionInfo"] == {"lastScalingAt": shown["version"], "lastConfigChangeAt": shown["version"]}


async def test_every_answer_tells_who_leads_and_is_not_cached(api: Client) -> None:
    for path, status in (("/v2/apps", 200), ("/v2/apps/none", 404), ("/nowhere", 404)):
        answer = await api("GET", path)
        assert answer.status == status
        assert answer.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
        assert answer.headers["X-Marathon-Leader"] == "http://here:8080"
        assert "Server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/v2/apps//none", None, 404, "App '/none' does not exist"),
        ("PATCH", "/v2/apps/none", {"cpus": 1}, 404, "App '/none' does not exist"),
        ("DELETE", "/v2/apps/none", None, 404, "App '/none' does not exist"),
        ("POST", "/v2/apps/none/restart", None, 404, "App '/none' does not exist"),
        ("GET", "/v2/apps/none/tasks", None, 404, "App '/none' does not exist"),
        ("GET", "/v2/apps/none/versions", None, 404, "App '/none' does not exist"),
        ("POST", "/v2/apps", {**APP, "id": "there"}, 409, "An app with id [/there] already exists."),
        ("POST", "/v2/apps", "{", 400, "Invalid JSON"),
        ("POST", "/v2/apps", "", 400, "Please specify data in JSON format"),
        ("POST", "/v2/apps", "[]", 422, "Invalid JSON"),
        ("PUT", "/v2/apps", {}, 422, "Invalid JSON"),
        ("PUT", "/v2/apps/there", {"version": "2020", "cpus": 1}, 422, "Object is not valid"),
        ("PUT", "/v2/apps/there", {"version": "2020"}, 404, "App '/there' does not exist in version 2020"),
        ("PATCH", "/v2/apps", [{"id": "there", "cpus": 1}, {"id": "none"}], 404, "App '/none' does not exist"),
        ("GET", "/v2/apps?label=(", None, 422, None),
        ("DELETE", "/v2/apps/there/tasks?scale=true&wipe=true", None, 400, None),
        ("DELETE", "/v2/apps/there/tasks/none", None, 404, "Task 'none' does not exist"),
        ("POST", "/v2/tasks/delete", {"ids": ["nonsense"]}, 400, None),
        ("PUT", "/v2/queue", {}, 405, "Method Not Allowed"),
        ("GET", "/nowhere", None, 404, "URI not found"),
    ],
)
async def test_what_is_refused(
    api: Client, method: str, path: str, body: Any, status: int, message: str | None
) -> None:
    await api("POST", "/v2/apps", {**APP, "id": "/there"})
    before = (await api("GET", "/v2/groups")).json["version"]
    answer = await api(method, path, body)
    assert answer.status == status, answer.text
    assert message is None or answer.json["message"] == message
    assert (await api("GET", "/v2/groups")).json["version"] == before


async def test_a_wrong_content_type_and_an_unwelcome_answer_are_refused(api: Client) -> None:
    assert (await api("POST", "/v2/apps", APP, {"Content-Type": "text/xml"})).status == 415
    assert (await api("GET", "/v2/apps", headers={"Accept": "text/xml"})).status == 406


async def test_put_creates_then_updates_then_restarts_nothing(api: Client) -> None:
    created = await api("PUT", "/v2/apps/web", {"cmd": "sleep 1000", "cpus": 0.1, "mem": 32})
    assert (created.status, created.headers["Location"]) == (201, "/v2/apps/web")
    assert set(created.json) == {"version", "deploymentId"}
    first = (await api("GET", "/v2/apps/web")).json["app"]
    updated = await api("PUT", "/v2/apps/web", {"env": {"A": "1"}})
    assert updated.status == 200
    second = (await api("GET", "/v2/apps/web")).json["app"]
    assert second["env"] == {"A": "1"}
    assert second["cmd"] == first["cmd"]
    assert second["tasks"][0]["id"] != first["tasks"][0]["id"]
    again = await api("PUT", "/v2/apps/web", {"env": {"A": "1"}})
    assert again.status == 200
    assert (await api("GET", "/v2/apps/web")).json["app"] == second


async def test_what_get_gives_can_be_put_back(api: Client) -> None:
    docker = {
        "id": "/docker",
        "container": {"docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]}},
        "uris": ["http://h/a.tgz"],
        "healthChecks": [{"path": "/"}],
        "constraints": [["rack", "GROUP_BY"]],
        "cpus": 0.1,
    }
    for app in (APP, docker):
        await api("POST", "/v2/apps", app)
        shown = (await api("GET", f"/v2/apps{app['id']}")).json["app"]
        for partial in ("true", "false"):
            assert (await api("PUT", f"/v2/apps{app['id']}", shown, partialUpdate=partial)).status == 200
            assert (await api("GET", f"/v2/apps{app['id']}")).json["app"]["version"] == shown["version"]


async def test_scaling_and_restarting_move_different_stamps(api: Client) -> None:
    await api("POST", "/v2/apps", APP)
    first = (await api("GET", "/v2/apps/web")).json["app"]
    await api("PUT", "/v2/apps/web", {"instances": 3})
    scaled = (await api("GET", "/v2/apps/web")).json["app"]
    assert scaled["versionInfo"]["lastConfigChangeAt"] == first["version"]
    assert scaled["versionInfo"]["lastScalingAt"] == scaled["version"] > first["version"]
    assert {each["id"] for each in first["tasks"]} < {each["id"] for each in scaled["tasks"]}
    assert (await api("POST", "/v2/apps/web/restart")).status == 200
    restarted = (await api("GET", "/v2/apps/web")).json["app"]
    assert restarted["versionInfo"]["lastScalingAt"] == scaled["version"]
    assert restarted["versionInfo"]["lastConfigChangeAt"] == restarted["version"] > scaled["version"]


async def test_versions_can_be_listed_shown_and_gone_back_to(api: Client) -> None:
    await api("POST", "/v2/apps", APP)
    await api("PUT", "/v2/apps/web", {"cmd": "sleep 200"})
    newest, oldest = (await api("GET", "/v2/apps/web/versions")).json["versions"]
    assert (await api("GET", f"/v2/apps/web/versions/{oldest}")).json["cmd"] == "sleep 100"
    assert (await api("GET", "/v2/apps/web/versions/2001-01-01T00:00:00.000Z")).status == 404
    assert (await api("PUT", "/v2/apps/web", {"version": oldest})).status == 200
    shown = (await api("GET", "/v2/apps/web")).json["app"]
    assert shown["cmd"] == "sleep 100"
    assert shown["version"] > newest


async def test_tasks_can_be_ended_and_scaled_away(api: Client) -> None:
    await api("POST", "/v2/apps", APP)
    one, two = (await api("GET", "/v2/apps/web/tasks")).json["tasks"]
    assert one["servicePorts"] == []
    listed = (await api("GET", "/v2/tasks", status="running")).json["tasks"]
    assert [each["servicePorts"] for each in listed] == [[10000], [10000]]
    killed = await api("DELETE", f"/v2/apps/web/tasks/{one['id']}")
    assert killed.json["task"]["id"] == one["id"]
    after = {each["id"] for each in (await api("GET", "/v2/apps/web/tasks")).json["tasks"]}
    assert len(after) == 2
    assert one["id"] not in after
    scaled = await api("POST", "/v2/tasks/delete", {"ids": [two["id"]]}, scale=True)
    assert scaled.json["deploymentId"] == scaled.headers["Marathon-Deployment-Id"]
    rest = (await api("GET", "/v2/apps/web")).json["app"]
    assert rest["instances"] == 1
    assert two["id"] not in {each["id"] for each in rest["tasks"]}


async def test_tasks_as_text(api: Client) -> None:
    await api("POST", "/v2/apps", {**APP, "id": "/a/web", "instances": 1})
    task = (await api("GET", "/v2/tasks")).json["tasks"][0]
    answer = await api("GET", "/v2/tasks", headers={"Accept": "text/plain"})
    assert answer.text == f"a_web\t10000\t{task['host']}:{task['ports'][0]}\t\n"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"id": "WE"}, ["/web"]),
        ({"cmd": "TRUE"}, ["/job"]),
        ({"label": "tier==front"}, ["/web"]),
        ({"label": "tier"}, ["/job", "/web"]),
        ({"label": "tier in (front, back)"}, ["/job", "/web"]),
        ({"label": "tier,owner"}, ["/job"]),
    ],
)
async def test_apps_can_be_searched(api: Client, query: dict[str, str], found: list[str]) -> None:
    await api("POST", "/v2/apps", {**APP, "labels": {"tier": "front"}})
    await api("POST", "/v2/apps", {**APP, "id": "/job", "cmd": "true", "labels": {"tier": "back", "owner": "x"}})
    assert sorted(each["id"] for each in (await api("GET", "/v2/apps", **query)).json["apps"]) == found


async def test_many_apps_in_one_request_make_one_deployment(api: Client) -> None:
    answer = await api("PUT", "/v2/apps", [APP, {**APP, "id": "/two"}])
    assert set(answer.json) == {"version", "deploymentId"}
    assert len((await api("GET", "/v2/apps")).json["apps"]) == 2
    assert [each["id"] for each in (await api("GET", "/v2/apps/*")).json["*"]] == ["/web", "/two"]


async def test_a_locked_app_is_a_conflict_that_names_the_deployment(api: Client) -> None:
    posted = await api("POST", "/v2/apps", {**APP, "constraints": [["hostname", "LIKE", "nowhere"]]})
    running = (await api("GET", "/v2/deployments")).json
    assert [each["id"] for each in running] == [posted.headers["Marathon-Deployment-Id"]]
    assert running[0]["currentActions"] == [{"action": "ScaleApplication", "app": "/web", "readinessCheckResults": []}]
    assert (running[0]["currentStep"], running[0]["totalSteps"]) == (2, 2)
    conflict = await api("PUT", "/v2/apps/web", {"instances": 1})
    assert conflict.status == 409
    assert conflict.json["deployments"] == [{"id": running[0]["id"]}]
    assert (await api("PUT", "/v2/apps/web", {"instances": 1}, force="True")).status == 200
    queue = (await api("GET", "/v2/queue", embed="lastUnusedOffers")).json["queue"]
    assert [(each["app"]["id"], each["count"], each["delay"]["overdue"]) for each in queue] == [("/web", 1, True)]
    reasons = {
        each["reason"]: each["declined"] for each in queue[0]["processedOffersSummary"]["rejectSummaryLastOffers"]
    }
    assert reasons["UnfulfilledConstraint"] == 2
    assert len(queue[0]["lastUnusedOffers"]) == 2
    assert (await api("DELETE", "/v2/queue//web/delay")).status == 204
    assert (await api("DELETE", "/v2/queue//none/delay")).status == 404


async def test_deployments_can_be_undone_or_abandoned(api: Client) -> None:
    stuck = {**APP, "constraints": [["hostname", "LIKE", "nowhere"]]}
    first = (await api("POST", "/v2/apps", stuck)).headers["Marathon-Deployment-Id"]
    undone = await api("DELETE", f"/v2/deployments/{first}")
    assert (undone.status, set(undone.json)) == (200, {"version", "deploymentId"})
    assert (await api("GET", "/v2/apps/web")).status == 404
    second = (await api("POST", "/v2/apps", stuck)).headers["Marathon-Deployment-Id"]
    left = await api("DELETE", f"/v2/deployments/{second}", force=True)
    assert (left.status, left.text) == (202, "")
    assert (await api("GET", "/v2/apps/web")).status == 200
    assert (await api("DELETE", f"/v2/deployments/{second}")).json["message"] == (
        f"DeploymentPlan {second} does not exist"
    )


async def test_an_app_goes_with_its_tasks(api: Client) -> None:
    await api("POST", "/v2/apps", APP)
    assert (await api("DELETE", "/v2/apps//web")).status == 200
    assert (await api("GET", "/v2/apps/web")).status == 404
    assert (await api("GET", "/v2/tasks")).json == {"tasks": []}
    assert api.node.cluster.alive() == []
