"""The tree of groups: changes share what stays, ports and versions are settled, dependencies are ordered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from marathon.core import graph, groups
from marathon.core.model.app import AppDefinition
from marathon.core.model.group import Group
from marathon.core.model.network import PortDefinition
from marathon.core.paths import absolute
from marathon.core.root_change import finish
from marathon.errors import Invalid, PortsExhausted, UnknownApp

V1, V2, V3 = (f"2026-01-01T00:00:0{n}.000Z" for n in (1, 2, 3))


def app(app_id: str, *ports: int, **fields: Any) -> AppDefinition:
    return AppDefinition(id=app_id, cmd="x", port_definitions=tuple(PortDefinition(each) for each in ports), **fields)


def tree(*apps: AppDefinition, version: str = V1) -> Group:
    root = Group()
    for each in apps:
        root = groups.put_app(root, each)
    return settled(Group(), root, version)


def settled(before: Group, draft: Group, version: str, **options: Any) -> Group:
    return finish(before, draft, version, low=options.pop("low", 10), high=options.pop("high", 19), **options)


def ports(root: Group) -> dict[str, tuple[int, ...]]:
    return {each.id: each.service_ports for each in root.all_apps()}


@pytest.mark.parametrize(
    ("text", "base", "path"),
    [
        ("a", "/", "/a"),
        ("/a//b/", "/", "/a/b"),
        ("a", "/g", "/g/a"),
        ("/a", "/g", "/a"),
        ("../a", "/g/h", "/g/a"),
        ("./a", "/g", "/g/a"),
        ("../../..", "/g", "/"),
        ("", "/g", "/g"),
    ],
)
def test_paths(text: str, base: str, path: str) -> None:
    assert absolute(text, base) == path


def test_a_change_copies_only_its_way() -> None:
    before = tree(app("/a/b/x"), app("/a/c/y"), app("/d/z"))
    after = groups.put_app(before, app("/a/b/w"))
    assert after.groups["/d"] is before.groups["/d"]
    assert after.groups["/a"].groups["/a/c"] is before.groups["/a"].groups["/a/c"]
    assert [(was, now.id if now else None) for was, now in groups.app_differences(before, after)] == [(None, "/a/b/w")]


def test_removing_what_is_not_there_is_an_error() -> None:
    with pytest.raises(UnknownApp):
        groups.remove_app(tree(app("/a")), "/b")


@pytest.mark.parametrize("app_id", ["/a", "/a/b/c/d"])
def test_an_app_and_a_group_may_not_share_an_id(app_id: str) -> None:
    with pytest.raises(Invalid):
        groups.put_app(tree(app("/a/b/c")), app(app_id))


def test_an_empty_group_gives_way() -> None:
    emptied = groups.remove_app(tree(app("/a/b/c")), "/a/b/c")
    assert groups.find_app(groups.put_app(emptied, app("/a/b")), "/a/b") is not None


def test_ports_are_unique_and_kept() -> None:
    root = tree(app("/a", 0, 12), app("/b", 0, 0))
    assert ports(root) == {"/a": (10, 12), "/b": (11, 13)}
    again = settled(root, groups.put_app(root, app("/b", 0, 0)), V2)
    assert again is root, "the same definition again changes nothing"
    fewer = settled(root, groups.put_app(root, app("/b", 13, 0, 0)), V2)
    assert ports(fewer)["/b"] == (13, 11, 14)


def test_explicit_ports_may_lie_anywhere_and_be_shared() -> None:
    assert ports(tree(app("/a", 80), app("/b", 80))) == {"/a": (80,), "/b": (80,)}


def test_a_full_range_is_an_error() -> None:
    with pytest.raises(PortsExhausted, match=r"\[10-11\)"):
        settled(Group(), groups.put_app(Group(), app("/a", 0, 0, 0)), V1, low=10, high=11)


@pytest.mark.parametrize(
    ("change", "restart", "scaled", "configured"),
    [
        pytest.param({"instances": 5}, False, V2, V1, id="scaling"),
        pytest.param({"cmd": "y"}, False, V2, V2, id="another configuration"),
        pytest.param({"cmd": "y", "instances": 5}, False, V2, V2, id="both"),
        pytest.param({}, True, V1, V2, id="a restart"),
    ],
)
def test_versions(change: dict[str, Any], restart: bool, scaled: str, configured: str) -> None:
    root = tree(app("/a", 0), app("/b"))
    draft = groups.put_app(root, msgspec.structs.replace(groups.get_app(root, "/a"), **change)) if change else root
    after = settled(root, draft, V2, restart=frozenset({"/a"} if restart else ()))
    info = groups.get_app(after, "/a").version_info
    assert info is not None
    assert (info.last_scaling_at, info.last_config_change_at) == (scaled, configured)
    assert (groups.get_app(after, "/a").version, after.version) == (V2, V2)
    assert groups.get_app(after, "/b") is groups.get_app(root, "/b")


def test_levels_follow_apps_and_groups() -> None:
    root = tree(
        app("/s/front", dependencies=("/s/back",)),
        app("/s/back", dependencies=("/db", "/none")),
        app("/db/one"),
        app("/db/two", dependencies=("/db/one",)),
    )
    assert graph.levels(root, ["/s/front", "/s/back", "/db/one", "/db/two"]) == [
        ["/db/one"],
        ["/db/two"],
        ["/s/back"],
        ["/s/front"],
    ]


def test_a_group_lends_its_dependencies_to_its_apps() -> None:
    root = tree(app("/s/front"), app("/db/one"))
    root = groups.edit(root, "/s", lambda group: msgspec.structs.replace(group, dependencies=("/db",)))
    assert graph.levels(root, ["/s/front", "/db/one"]) == [["/db/one"], ["/s/front"]]
    back = groups.edit(root, "/db", lambda group: msgspec.structs.replace(group, dependencies=("/s",)))
    with pytest.raises(Invalid):
        settled(root, back, V2)


@pytest.mark.parametrize("edges", [{"/a": "/a"}, {"/a": "/b", "/b": "/a"}, {"/a": "/b", "/b": "/c", "/c": "/a"}])
def test_circles_are_refused(edges: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        tree(*(app(each, dependencies=(on,)) for each, on in edges.items()))


def test_a_chain_longer_than_the_stack() -> None:
    chain = [app("/n0"), *(app(f"/n{n}", dependencies=(f"/n{n - 1}",)) for n in range(1, 3000))]
    root = Group(apps={each.id: each for each in chain})
    assert [len(level) for level in graph.levels(root, ["/n2999", "/n0", "/n7"])] == [1, 1, 1]


def test_enforcing_a_role_goes_alone() -> None:
    root = tree(app("/team/a"))
    enforced = groups.edit(root, "/team", lambda group: msgspec.structs.replace(group, enforce_role=True))
    assert settled(root, enforced, V2).version == V2
    with pytest.raises(Invalid):
        settled(root, groups.put_app(enforced, app("/team/b")), V2)
