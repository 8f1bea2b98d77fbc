"""Names and ids, which others parse and remember."""

from __future__ import annotations

import pytest

from marathon_lb.core import names


@pytest.mark.parametrize(
    ("name", "number"),
    [("0", 17068), ("1", 25733), ("a", 25929), ("10_0_6_25_23336", 14676), ("agent1_1_1_1_1_1024", 28363)],
)
def test_server_ids_come_from_names(name: str, number: int) -> None:
    assert names.server_id(name, set()) == number


def test_server_ids_differ_whatever_the_names() -> None:
    taken: set[int] = set()
    assert 0 not in {names.server_id(f"server{number}", taken) for number in range(20_000)}
    assert len(taken) == 20_000
    with pytest.raises(ValueError, match="name"):
        names.server_id("", taken)


@pytest.mark.parametrize(
    ("host", "ip", "name"),
    [("agent1", "1.1.1.1", "agent1_1_1_1_1_1024"), ("1.1.1.1", "1.1.1.1", "1_1_1_1_1024")],
)
def test_server_names(host: str, ip: str, name: str) -> None:
    assert names.server(host, ip, 1024) == name


def test_backends_acls_and_cookies() -> None:
    assert names.backend("/g/app.v1", 10000) == "g_app.v1_10000"
    assert names.host_acl("test.example.com", "/nginx") == "test_example_com_nginx"
    assert names.plain("/nginx") == "_nginx"
    assert names.cookie("127_0_0_1_20010") == "3e1fdbc501"


@pytest.mark.parametrize(
    ("task", "instance"),
    [
        (
            "web.instance-c0caec0a-863a-11e9-915b-c610fee06dff._app.42",
            "web.instance-c0caec0a-863a-11e9-915b-c610fee06dff",
        ),
        ("web.instance-c0caec0a-863a-11e9-915b-c610fee06dff", "web.instance-c0caec0a-863a-11e9-915b-c610fee06dff"),
        ("web.marathon-c0caec0a-863a-11e9-915b-c610fee06dff", "web.marathon-c0caec0a-863a-11e9-915b-c610fee06dff"),
        ("g_web.instance-c0caec0a.side.1", "g_web.instance-c0caec0a"),
        ("web.c0caec0a-863a-11e9-915b-c610fee06dff", "web.c0caec0a-863a-11e9-915b-c610fee06dff"),
    ],
)
def test_a_task_belongs_to_an_instance(task: str, instance: str) -> None:
    assert names.instance_of(task) == instance
