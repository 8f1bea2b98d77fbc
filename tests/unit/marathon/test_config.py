"""Marathon's flags."""

from __future__ import annotations

import pytest

from marathon.config import Config, as_written_upstream
from mesos.config import load
from mesos.errors import ConfigError


def config(*argv: str, **environ: str) -> Config:
    words, _ = as_written_upstream(argv)
    return load(Config, words, environ, prefix="MARATHON_")


def test_defaults_are_upstreams() -> None:
    found = config("--master=zk://h:2181/mesos")
    assert (found.http_port, found.local_port_min, found.local_port_max) == (8080, 10000, 20000)
    assert (found.decline_offer_duration, found.min_revive_offers_interval, found.kill_retry_timeout) == (120, 5, 30)
    assert (found.failover_timeout, found.max_instances_per_offer, found.framework_name) == (604800, 5, "marathon")
    assert found.elects


def test_flags_and_environment() -> None:
    found = config("--master", "h:5050", "--http_port", "9000", MARATHON_FRAMEWORK_NAME="mine", MARATHON_APP_ID="/x")
    assert (found.http_port, found.framework_name) == (9000, "mine")


@pytest.mark.parametrize("word", ["--disable_ha", "--no-ha", "--no_ha"])
def test_without_election(word: str) -> None:
    assert not config("--master=h", word).elects


def test_upstreams_negation_works_for_every_boolean() -> None:
    assert config("--master=h", "--disable_suppress_offers").suppress_offers is False
    assert config("--master=h", "--disable_checkpoint").checkpoint is False


def test_flags_of_old_unit_files_are_left_out() -> None:
    words, ignored = as_written_upstream(
        ["--master=h", "--event_subscriber", "http_callback", "--artifact_store=x", "--ha"]
    )
    assert words == ["--master=h", "--ha"]
    assert ignored == ["event_subscriber", "artifact_store"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        ([], "Missing required flag --master"),
        (["--master=h", "--http_port=x"], "--http_port=x: must be a port"),
        (["--master=h", "--decline_offer_duration=1s"], "whole number of milliseconds"),
        (["--master=h", "--htp_port=1"], "did you mean --http_port"),
        (["--master=h", "--gpu_scheduling_behavior=x"], "must be one of restricted, unrestricted"),
    ],
)
def test_bad_flags_are_named(argv: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        config(*argv)
