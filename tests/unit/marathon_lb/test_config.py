"""The command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from marathon_lb import config
from mesos.errors import ConfigError


def test_the_original_command_line() -> None:
    argv = ["sse", "-m", "http://a:8080/", "http://b:8080", "--group", "external", "--group", "internal", "-H"]
    loaded = config.load([*argv, "--haproxy-conf", "/x/h.cfg", "--log-level", "info"], {})
    assert (loaded.mode, loaded.marathon) == ("sse", ("http://a:8080", "http://b:8080"))
    assert loaded.groups == {"external", "internal"}
    assert (loaded.haproxy_config, loaded.log_level, loaded.health_check) == (Path("/x/h.cfg"), "INFO", True)
    assert loaded.reserved_ports == {9090: "--stats-port", 9091: "--appid-port", 80: "--http-port"}


def test_flags_go_before_the_environment() -> None:
    environ = {"MARATHON_LB_STATS_PORT": "1", "MARATHON_LB_HTTP_PORT": "2", "MARATHON_LB_GROUP": "a,b"}
    loaded = config.load(["--http-port=3"], environ | {"MARATHON_LB_HEALTH_CHECK": "false"})
    assert (loaded.stats_port, loaded.http_port, loaded.groups) == (1, 3, {"a", "b"})
    assert (loaded.mode, loaded.health_check) == ("once", False)


def test_sockets_lie_where_their_path_is_short_enough() -> None:
    near = config.load(["--group=a", "--work-dir=/w"], {})
    far = config.load(["--group=a", f"--work-dir=/{'w' * 100}"], {})
    assert near.sockets_dir == Path("/w")
    assert len(str(far.sockets_dir)) < 60


def test_global_options_are_sorted_and_unique() -> None:
    loaded = config.load(["--group=a"], {"HAPROXY_GLOBAL_DEFAULT_OPTIONS": "redispatch,dontlognull,redispatch"})
    assert loaded.head_values()["options"] == "  option dontlognull\n  option redispatch\n"


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        ([], "--group"),
        (["--group=a", "--nonsense"], "--nonsense"),
        (["--group=a", "--stats-port=x"], "--stats-port"),
        (["--group=a", "--max-backoff=-1"], "--max-backoff"),
        (["--group=a", "--log-level=loud"], "--log-level"),
        (["--group=a", "--ssl-certs=/no/cert.pem"], "/no/cert.pem"),
        (["--group=a", "--auth-credentials=bob"], "--auth-credentials"),
        (["--group=a", "--min-serv-port-ip-per-task=20000"], "--min-serv-port-ip-per-task"),
        (["nonsense", "--group=a"], "nonsense"),
    ],
)
def test_a_bad_flag_is_named(argv: list[str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config.load(argv, {})


def test_a_program_is_found_by_its_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    haproxy = tmp_path / "haproxy"
    haproxy.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert config.load(["--marathon=http://m:8080", "--group=*"], {}).haproxy_binary == str(haproxy)
