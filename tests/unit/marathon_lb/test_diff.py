"""From what runs to what should run."""

from __future__ import annotations

import pytest

from marathon_lb.core import diff
from marathon_lb.core.diff import Running, ServerLine

A = ServerLine("a", "1.1.1.1:1", ("id", "7"))
CHECKED = ServerLine("c", "1.1.1.1:3", ("id", "9", "check", "inter", "2s", "fall", "4"))
STICKY = ServerLine("s", "1.1.1.1:4", ("id", "3", "cookie", "x"))


@pytest.mark.parametrize(
    ("running", "wanted", "leaving", "commands"),
    [
        pytest.param({}, [A], "", ["add server be/a 1.1.1.1:1 id 7", "enable server be/a"], id="added"),
        pytest.param(
            {},
            [CHECKED],
            "",
            ["add server be/c 1.1.1.1:3 id 9 check inter 2s fall 4", "enable health be/c", "enable server be/c"],
            id="added with a check",
        ),
        pytest.param({"a": Running(A)}, [A], "", [], id="as it should be"),
        pytest.param({"a": Running(A)}, [], "", ["set server be/a state maint"], id="not wanted"),
        pytest.param({"a": Running(A)}, [A], "a", ["set server be/a state maint"], id="will be killed"),
        pytest.param({"a": Running(A, leaving=True)}, [], "", [], id="already leaving"),
        pytest.param({"a": Running(A, leaving=True)}, [A], "", ["set server be/a state ready"], id="back again"),
        pytest.param({}, [A], "a", [], id="never comes"),
    ],
)
def test_servers_change_while_haproxy_runs(
    running: dict[str, Running], wanted: list[ServerLine], leaving: str, commands: list[str]
) -> None:
    change = diff.servers("be", "roundrobin", running, {line.name: line for line in wanted}, frozenset(leaving))
    assert list(change.commands) == commands
    assert change.reload == ""
    again = diff.servers("be", "roundrobin", change.after, {line.name: line for line in wanted}, frozenset(leaving))
    assert again.commands == ()


@pytest.mark.parametrize(
    ("balance", "running", "line", "reason"),
    [
        pytest.param("roundrobin", {}, STICKY, "cookie", id="a cookie"),
        pytest.param("source", {}, A, "balance source", id="a static algorithm"),
        pytest.param("uri depth 8", {}, A, "balance uri", id="a static algorithm with arguments"),
        pytest.param("roundrobin", {"a": Running(ServerLine("a", "1.1.1.1:1"))}, A, "a changes", id="other options"),
    ],
)
def test_what_only_a_reload_can_do(balance: str, running: dict[str, Running], line: ServerLine, reason: str) -> None:
    change = diff.servers("be", balance, running, {line.name: line})
    assert change.commands == ()
    assert reason in change.reload


def test_a_static_algorithm_still_lets_servers_go() -> None:
    assert diff.servers("be", "source", {"a": Running(A)}, {}).reload == ""


def test_random_with_draws_takes_servers() -> None:
    assert diff.servers("be", "random(2)", {}, {"a": A}).reload == ""
