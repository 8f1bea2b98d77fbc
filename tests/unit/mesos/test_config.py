from __future__ import annotations

from dataclasses import dataclass

import pytest

from mesos.config import HelpRequested, as_flags, boolean, duration_s, load, setting, size_bytes
from mesos.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    work_dir: str = setting(None, "where things are kept", required=True)
    ping_timeout_s: float = setting("15secs", "wait for a pong", parse=duration_s)
    cache_bytes: int = setting("2GB", "size of the cache", parse=size_bytes)
    checkpoint: bool = setting("true", "survive restarts", parse=boolean, aliases=("keep",))
    cluster: str | None = setting(None, "a name")

    def __post_init__(self) -> None:
        if self.ping_timeout_s <= 0:
            raise ValueError("--ping_timeout must be above 0")


def read(*argv: str, **environ: str) -> Config:
    return load(Config, argv, environ, prefix="MESOS_")


def test_flag_beats_environment_beats_default() -> None:
    config = read("--work_dir=/a", "--ping_timeout=1mins", MESOS_WORK_DIR="/b", MESOS_CLUSTER="c", MESOS_OTHER="x")
    assert (config.work_dir, config.ping_timeout_s, config.cluster, config.cache_bytes) == ("/a", 60.0, "c", 2 << 30)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--no-checkpoint",), False),
        (("--no_keep",), False),
        (("--checkpoint",), True),
        (("--checkpoint=0",), False),
        (("--keep=true",), True),
    ],
)
def test_booleans(argv: tuple[str, ...], expected: bool) -> None:
    assert read("--work-dir", "/a", *argv).checkpoint is expected


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        ((), "Missing required flag --work_dir"),
        (("--work_dir=/a", "--pingtimeout=1secs"), "Unknown flag --pingtimeout; did you mean --ping_timeout?"),
        (("--work_dir=/a", "--ping_timeout=15"), "--ping_timeout=15: must be a number with a unit"),
        (("--work_dir=/a", "--ping_timeout=0secs"), "--ping_timeout must be above 0"),
        (("--work_dir=/a", "--work_dir=/b"), "--work_dir is given twice"),
        (("--work_dir",), "--work_dir needs a value"),
        (("--work_dir=/a", "--no-cluster"), "only boolean flags can be negated"),
        (("--work_dir=/a", "stray"), "Unexpected argument 'stray'"),
    ],
)
def test_a_bad_flag_is_one_line_that_names_it(argv: tuple[str, ...], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(*argv)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_help_lists_every_flag_with_its_default() -> None:
    with pytest.raises(HelpRequested) as caught:
        read("--help")
    assert "--ping_timeout" in str(caught.value)
    assert "default: 15secs" in str(caught.value)


def test_flags_are_shown_in_the_units_they_are_written_in() -> None:
    assert as_flags(read("--work_dir=/a")) == {
        "work_dir": "/a",
        "ping_timeout": "15secs",
        "cache": "2GB",
        "checkpoint": "true",
    }
