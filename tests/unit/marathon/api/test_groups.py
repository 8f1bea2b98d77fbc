"""What ``/v2/groups`` answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.marathon_node import Client

EXAMPLES = {path.name: path.read_text() for path in (Path(__file__).parents[4] / "examples").glob("*.json")}


def app(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "cmd": "sleep 100", "cpus": 0.1, "mem": 32, **fields}


SHOP = {
    "id": "/shop",
    "apps": [app("front", dependencies=["db/mysql"])],
    "groups": [{"id": "db", "apps": [app("mysql"), app("redis")]}],
}

WRONG_TYPE = {"groups": [{"id": "h", "apps": [app("a", cpus="1")]}]}
OVER = {"minimumHealthCapacity": 2, "maximumOverCapacity": 0}
ONE_ID_TWICE = {"apps": [app("a")], "groups": [{"id": "a", "apps": [app("b")]}]}


async def ids(api: Client) -> list[str]:
    return sorted(each["id"] for each in (await api("GET", "/v2/apps")).json["apps"])


@pytest.mark.parametrize("name", sorted(EXAMPLES))
async def test_examples_are_taken_as_they_stand(api: Client, name: str) -> None:
    body = json.loads(EXAMPLES[name])
    answer = await api("POST", "/v2/groups" if "groups" in body else "/v2/apps", body)
    assert answer.status == 201, answer.text


async def test_a_group_is_created_shown_and_deleted(api: Client) -> None:
    created = await api("POST", "/v2/groups", SHOP)
    assert (created.status, created.headers["Location"]) == (201, "/v2/groups/shop")
    assert created.json["deploymentId"] == created.headers["Marathon-Deployment-Id"]
    shown = (await api("GET", "/v2/groups/shop")).json
    assert [each["id"] for each in shown["apps"]] == ["/shop/front"]
    assert shown["apps"][0]["dependencies"] == ["/shop/db/mysql"]
    assert [each["id"] for each in shown["groups"][0]["apps"]] == ["/shop/db/mysql", "/shop/db/redis"]
    assert (shown["version"], shown["enforceRole"], shown["pods"]) == (created.json["version"], False, [])
    assert len((await api("GET", "/v2/groups/shop/apps")).json) == 3
    assert (await api("POST", "/v2/groups", SHOP)).status == 409
    assert (await api("DELETE", "/v2/groups/shop")).status == 200
    assert (await api("GET", "/v2/groups/shop")).json["message"] == "Group '/shop' does not exist"
    assert (await api("DELETE", "/v2/groups/shop")).status == 404


async def test_put_replaces_lists_that_are_there_and_keeps_what_is_not(api: Client) -> None:
    assert (await api("PUT", "/v2/groups/shop", {**SHOP, "id": "shop"})).status == 200
    before = (await api("GET", "/v2/tasks")).json["tasks"]
    same = await api("PUT", "/v2/groups/shop", SHOP)
    assert same.status == 200
    assert (await api("GET", "/v2/tasks")).json["tasks"] == before
    await api("PUT", "/v2/groups/shop", {"groups": [{"id": "db", "apps": [app("mysql")]}]})
    assert await ids(api) == ["/shop/db/mysql", "/shop/front"]
    await api("PUT", "/v2/groups/shop", {"apps": []})
    assert await ids(api) == ["/shop/db/mysql"]


async def test_scaling_and_going_back(api: Client) -> None:
    await api("POST", "/v2/groups", SHOP)
    first = (await api("GET", "/v2/groups")).json["version"]
    assert (await api("PUT", "/v2/groups/shop", {"scaleBy": 1.5})).status == 200
    assert {each["instances"] for each in (await api("GET", "/v2/apps")).json["apps"]} == {2}
    assert (await api("PUT", "/v2/groups/shop", {"version": first})).status == 200
    assert {each["instances"] for each in (await api("GET", "/v2/apps")).json["apps"]} == {1}
    versions = (await api("GET", "/v2/groups/shop/versions")).json
    assert versions[-1] == first
    assert (await api("GET", f"/v2/groups/shop/versions/{first}")).json["id"] == "/shop"
    assert (await api("PUT", "/v2/groups/shop", {"version": "2001-01-01T00:00:00.000Z"})).status == 422


async def test_a_dry_run_tells_the_steps_and_does_nothing(api: Client) -> None:
    answer = await api("PUT", "/v2/groups", SHOP, dryRun=True)
    assert answer.status == 200
    kinds = [[each["action"] for each in step["actions"]] for step in answer.json["steps"]]
    assert kinds == [["StartApplication"] * 3, ["ScaleApplication"] * 2, ["ScaleApplication"]]
    assert await ids(api) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where"),
    [
        pytest.param(
            "POST",
            "/v2/groups",
            {"id": "c", "apps": [app("a", dependencies=["b"]), app("b", dependencies=["a"])]},
            422,
            "/",
            id="a circle",
        ),
        pytest.param("PUT", "/v2/groups", {"scaleBy": 2, "id": "/"}, 422, "/scaleBy", id="scaling and more"),
        pytest.param("PUT", "/v2/groups/g", {"version": "x", "apps": []}, 422, "/version", id="a version and more"),
        pytest.param("PUT", "/v2/groups/g/h", {"enforceRole": True}, 422, "/enforceRole", id="a role too deep"),
        pytest.param("PATCH", "/v2/groups/g/h", {"enforceRole": True}, 422, None, id="a role too deep, patched"),
        pytest.param("PATCH", "/v2/groups/none", {"enforceRole": True}, 404, None, id="no such group"),
        pytest.param("PUT", "/v2/groups/g", {"apps": [{"cmd": "x"}]}, 422, "/apps(0)/id", id="an app without id"),
        pytest.param("PUT", "/v2/groups/g", {"apps": [app("/x/y")]}, 422, "/apps(0)/id", id="an app from elsewhere"),
        pytest.param("PUT", "/v2/groups/g", {"groups": [{"id": "/x"}]}, 422, "/groups(0)/id", id="a foreign group"),
        pytest.param("PUT", "/v2/groups/g", WRONG_TYPE, 422, "/groups(0)/apps(0)/cpus", id="a wrong type deep down"),
        pytest.param(
            "PUT", "/v2/groups/g", {"apps": [app("a", upgradeStrategy=OVER)]},
            422, "/apps//g/a/upgradeStrategy/minimumHealthCapacity", id="a wrong value",
        ),
        pytest.param("PUT", "/v2/groups/g", ONE_ID_TWICE, 422, "/", id="one id twice"),
        pytest.param("PUT", "/v2/groups/G", {}, 422, "/id", id="a name that is none"),
        pytest.param("POST", "/v2/groups", {"id": "/"}, 409, None, id="the root"),
    ],
)  # fmt: skip
async def test_what_is_refused(api: Client, method: str, path: str, body: Any, status: int, where: str | None) -> None:
    before = (await api("GET", "/v2/groups")).json
    answer = await api(method, path, body)
    assert answer.status == status, answer.text
    assert where is None or where in answer.paths, answer.text
    assert (await api("GET", "/v2/groups")).json == before


async def test_an_empty_group_gives_way_to_an_app_and_a_full_one_does_not(api: Client) -> None:
    await api("POST", "/v2/groups", {"id": "/empty"})
    assert (await api("POST", "/v2/apps", app("/empty"))).status == 201
    await api("POST", "/v2/groups", SHOP)
    refused = await api("POST", "/v2/apps", app("/shop"))
    assert (refused.status, refused.paths) == (
        422,
        {"/": ["Groups and Applications may not have the same identifier."]},
    )


async def test_an_enforced_role_is_the_default_and_the_only_one(api: Client) -> None:
    assert (await api("POST", "/v2/groups", {"id": "/team", "enforceRole": True})).status == 201
    assert (await api("POST", "/v2/apps", app("/team/a"))).json["role"] == "team"
    refused = await api("POST", "/v2/apps", app("/team/b", role="*"))
    assert refused.paths == {"/role": ["got *, expected one of: [team]"]}
    tasks = (await api("GET", "/v2/tasks")).json["tasks"]
    both = await api("PUT", "/v2/groups/team", {"enforceRole": False, "apps": [app("c")]})
    assert (both.status, list(both.paths)) == (422, ["/"])
    patched = await api("PATCH", "/v2/groups/team", {"enforceRole": False})
    assert (patched.status, patched.text) == (200, "")
    assert (await api("GET", "/v2/groups/team")).json["enforceRole"] is False
    assert (await api("GET", "/v2/tasks")).json["tasks"] == tasks
    assert len((await api("GET", "/v2/deployments")).json) == 1, "only the app waits, for offers to its role"
