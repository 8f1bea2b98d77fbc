"""The configuration file, the flags over it, and the words about what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mesos.errors import ConfigError
from mesos_dns.api.views import config_view
from mesos_dns.config import Config, read_config, read_flags

GOOD = {"masters": ["10.0.0.1:5050"]}


def read(tmp_path: Path, document: Any, *argv: str, environ: dict[str, str] | None = None) -> Config:
    path = tmp_path / "config.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_config(read_flags([f"-config={path}", *argv], environ or {}), {}, 8)


def test_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    assert (config.Port, config.HttpPort, config.TTL, config.Domain) == (53, 8123, 60, "mesos")
    assert (config.SOAMname, config.SOARname) == ("ns1.mesos.", "root.ns1.mesos.")
    assert config.IPSources == ["netinfo", "mesos", "host"]
    assert config.Workers == 2
    assert config.File == str(tmp_path / "config.json")


def test_keys_match_in_any_case_and_unknown_ones_do_not_matter(tmp_path: Path) -> None:
    config = read(tmp_path, {**GOOD, "TTL": 1, "ttl": 2, "refreshseconds": 5, "email": "x", "httpPort": 99})
    assert (config.TTL, config.RefreshSeconds, config.HttpPort) == (2, 5, 99)


def test_flags_beat_the_environment_and_that_the_file(tmp_path: Path) -> None:
    document = {**GOOD, "port": 1, "httpport": 2, "ttl": 3}
    environ = {"MESOS_DNS_HTTP_PORT": "20", "MESOS_DNS_TTL": "30"}
    config = read(tmp_path, document, "--ttl=300", environ=environ)
    assert (config.Port, config.HttpPort, config.TTL) == (1, 20, 300)


def test_texts_are_normalised(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        {**GOOD, "domain": "Dc.Mesos", "SOARname": "root@dc.mesos..", "zoneResolvers": {"acdc.mesos.": ["1.1.1.1"]}},
    )
    assert (config.Domain, config.SOARname) == ("dc.mesos", "root.dc.mesos.")
    assert config.ZoneResolvers == {"acdc.mesos": ["1.1.1.1"]}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "service validation failed: specify Mesos masters or Zookeeper in config.json"),
        ({**GOOD, "dnson": False, "httpon": False}, "either DNS or HTTP server should be on"),
        ({**GOOD, "ttl": "60"}, "failed to unmarshal config file: ttl"),
        ({**GOOD, "recurseon": "yes"}, "failed to unmarshal config file: recurseon"),
        ({**GOOD, "refreshSeconds": 0}, "refreshseconds"),
        ({**GOOD, "port": 65536}, "port"),
        ({"masters": ["10.0.0.1"]}, "illegal host:port specified: 10.0.0.1"),
        ({"masters": ["10.0.0.1:0"]}, "illegal host:port specified: 10.0.0.1:0"),
        ({"masters": ["10.0.0.1:5050", "10.0.0.1:5050"]}, "duplicate master specified: 10.0.0.1:5050"),
        ({**GOOD, "resolvers": ["dns.google"]}, "error validating resolvers: illegal ip specified: dns.google"),
        ({**GOOD, "resolvers": ["8.8.8.8", "8.8.8.8:53"]}, "duplicate resolver IP specified: 8.8.8.8:53"),
        ({**GOOD, "IPSources": ["autoip"]}, 'IPSources validation failed: invalid ip source "autoip"'),
        ({**GOOD, "IPSources": []}, "empty ip sources"),
        ({**GOOD, "IPSources": ["host", "host"]}, "duplicate ip source"),
        ({**GOOD, "domain": "a..b"}, "invalid domain name: a..b"),
        ({**GOOD, "zoneResolvers": {"x.mesos": ["1.1.1.1"]}}, "ambiguous zone resolvers: .x.mesos is masked by .mesos"),
        ({**GOOD, "zoneResolvers": {"a": []}}, "empty resolvers list for zone a"),
        ({**GOOD, "certfile": "x"}, "CertFile and KeyFile"),
        ({**GOOD, "mesosAuthentication": "basic"}, "no principal or secret"),
        ({**GOOD, "mesosAuthentication": "digest"}, '"digest"'),
        ("{", "failed to unmarshal config file"),
        ("[]", "it must be a JSON object"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, document: Any, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, document)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing configuration file"):
        read_config(read_flags(["--config", str(tmp_path / "none.json")], {}), {}, 1)


def test_resolvers_do_not_matter_when_nothing_is_passed_on(tmp_path: Path) -> None:
    assert not read(tmp_path, {**GOOD, "externalon": False, "resolvers": ["junk"]}).ExternalOn


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    credentials = {"principal": "me", "secret": "hush"}
    config = read(tmp_path, {**GOOD, "mesosCredentials": credentials, "mesosAuthentication": "basic"})
    assert config.MesosCredentials == {"Principal": "me", "Secret": "hush"}
    shown = config_view(config, 7)
    assert "hush" not in json.dumps(shown)
    assert (list(shown)[:2], shown["SOASerial"]) == (["RefreshSeconds", "Port"], 7)
