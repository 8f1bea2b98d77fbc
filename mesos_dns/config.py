"""Settings: Mesos-DNS' own ``config.json``, and flags or ``MESOS_DNS_...`` variables that override it.

Keys match in any case, unknown ones are ignored, a wrong type is an error: as the original reads them. What differs:
``Resolvers`` left out means the system's resolvers, a host name may stand for a master, and there are keys of ours
(``Marathon``, ``Workers``, ``StrictAnswers``).
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from mesos import config as settings
from mesos.config import boolean, load, setting
from mesos.errors import ConfigError
from mesos.zk_types import parse_zk_url
from mesos_dns.config_schema import ConfigSchema
from mesos_dns.core.addresses import check_resolvers, check_zones, endpoint
from mesos_dns.core.model import Endpoint

PREFIX = "MESOS_DNS_"
IP_SOURCES = ("host", "docker", "mesos", "netinfo")
_DOMAIN = re.compile(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*")


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flags:
    """The command line. Whatever is given beats the file's key of the same name."""

    config: str | None = setting(None, "configuration file; default config.json, which may be missing")
    masters: list[str] | None = setting(None, "masters, host:port,host:port", parse=_list)
    zk: str | None = setting(None, "zk://h1:p1,h2:p2/path, or file:///file containing it")
    marathon: list[str] | None = setting(None, "URLs of marathons whose events are followed", parse=_list)
    domain: str | None = setting(None, "the domain to answer for")
    port: int | None = setting(
        None, "DNS port, UDP and TCP; 0 lets the system choose", parse=settings.port, aliases=["dns_port"]
    )
    httpport: int | None = setting(
        None, "HTTP port; 0 lets the system choose", parse=settings.port, aliases=["http_port"]
    )
    listener: str | None = setting(None, "address to answer DNS at")
    httplistener: str | None = setting(None, "address to answer HTTP at", aliases=["http_listener"])
    resolvers: list[str] | None = setting(None, "servers for all other names, ip,ip:port", parse=_list)
    workers: int | None = setting(None, "processes that answer", parse=int)
    ttl: int | None = setting(None, "time to live of answers, seconds", parse=int)
    ipsources: list[str] | None = setting(None, "where tasks' addresses come from, in order", parse=_list)
    externalon: bool | None = setting(None, "pass other names on to resolvers; else refuse them", parse=boolean)
    recurseon: bool | None = setting(None, "say in answers that recursion is available", parse=boolean)
    strictanswers: bool | None = setting(None, "answer missing names as the RFCs say", parse=boolean)
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    v: int = setting("0", "verbosity; 1 and more log everything", parse=int)
    version: bool = setting("false", "print the version and exit", parse=boolean)


_NOT_KEYS = ("config", "log_level", "v", "version")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All settings, named as ``/v1/config`` shows them. Times in seconds."""

    RefreshSeconds: int
    Port: int
    Timeout: int
    StateTimeoutSeconds: int
    ZkDetectionTimeout: int
    HttpPort: int
    TTL: int
    SRVRecordDefaultWeight: int
    SOASerial: int
    SOARefresh: int
    SOARetry: int
    SOAExpire: int
    SOAMinttl: int
    SOAMname: str
    SOARname: str
    Masters: list[str] | None
    ZoneResolvers: dict[str, list[str]]
    Resolvers: list[str]
    IPSources: list[str]
    Zk: str
    Domain: str
    File: str
    Listener: str
    HTTPListener: str
    RecurseOn: bool
    DnsOn: bool
    HttpOn: bool
    ExternalOn: bool
    EnforceRFC952: bool
    SetTruncateBit: bool
    EnumerationOn: bool
    MesosHTTPSOn: bool
    CACertFile: str
    CertFile: str
    KeyFile: str
    MesosCredentials: dict[str, str]
    IAMConfigFile: str
    MesosAuthentication: str
    Marathon: list[str]
    Workers: int
    StrictAnswers: bool

    @property
    def listed_masters(self) -> list[Endpoint]:
        """The masters of the list, and a single one that ``Zk`` may name instead of a URL."""
        listed = list(self.Masters or ())
        if self.Zk and not self.zookeeper:
            listed.append(self.Zk.removeprefix("master@"))
        return [endpoint(text) for text in listed]

    @property
    def zookeeper(self) -> str:
        """The URL of ZooKeeper, or nothing."""
        return self.Zk if self.Zk.startswith(("zk://", "file://")) else ""


def read_flags(argv: Sequence[str], environ: Mapping[str, str]) -> Flags:
    """Read the command line; one dash is as good as two, as in the original.

    :raises ConfigError: naming what is wrong.
    """
    return load(Flags, [_two_dashes(word) for word in argv], environ, prefix=PREFIX)


def read_config(flags: Flags, environ: Mapping[str, str], cpus: int) -> Config:
    """Read the file that ``flags`` name, let the flags override it and check everything.

    :param cpus: how many processors there are; decides how many workers start when nobody says.
    :raises ConfigError: in one line, with the original's words where it has some.
    """
    path = _absolute(flags.config or "config.json", environ)
    document = _read_file(path, required=flags.config is not None)
    given = {name: value for name, value in vars(flags).items() if name not in _NOT_KEYS and value is not None}
    try:
        loaded = ConfigSchema().load(_lower_keys(document) | given)
    except ValidationError as error:
        raise ConfigError(f"failed to unmarshal config file: {_first_error(error.messages)}") from error
    return _checked(Config(**(loaded | _derived(loaded, path, cpus))))


def _derived(loaded: dict[str, Any], path: Path, cpus: int) -> dict[str, Any]:
    zones = {zone.strip("."): servers for zone, servers in loaded["ZoneResolvers"].items()}
    return {
        "File": str(path),
        "Domain": loaded["Domain"].lower(),
        "SOAMname": loaded["SOAMname"].replace("@", ".").rstrip(".") + ".",
        "SOARname": loaded["SOARname"].replace("@", ".").rstrip(".") + ".",
        "Timeout": loaded["Timeout"] or 5,
        "ZoneResolvers": zones,
        "MesosCredentials": loaded["MesosCredentials"] or {"Principal": "", "Secret": ""},
        "Workers": loaded["Workers"] or min(2, cpus),
    }


def _checked(config: Config) -> Config:
    """Return ``config`` when it makes sense. The order of checks is the original's."""
    if not (config.DnsOn or config.HttpOn):
        raise ConfigError("service validation failed: either DNS or HTTP server should be on")
    if not config.Masters and not config.Zk:
        raise ConfigError("service validation failed: specify Mesos masters or Zookeeper in config.json")
    _check_masters(config)
    _check_zookeeper(config)
    if config.ExternalOn:
        check_resolvers(config.Resolvers, "resolvers")
        check_zones(config.ZoneResolvers, config.Domain)
    _check_sources(config.IPSources)
    if not _DOMAIN.fullmatch(config.Domain):
        raise ConfigError(f"Domain validation failed: invalid domain name: {config.Domain}")
    if bool(config.CertFile) != bool(config.KeyFile):
        raise ConfigError("CertFile and KeyFile must be given together")
    _check_authentication(config)
    return config


def _check_masters(config: Config) -> None:
    seen = set()
    for text in config.Masters or ():
        try:
            master = endpoint(text)
        except ValueError as error:
            raise ConfigError(f"Masters validation failed: {error}") from error
        if master in seen:
            raise ConfigError(f"Masters validation failed: duplicate master specified: {text}")
        seen.add(master)


def _check_zookeeper(config: Config) -> None:
    try:
        if config.zookeeper:
            parse_zk_url(config.zookeeper)
        elif config.Zk:
            endpoint(config.Zk.removeprefix("master@"))
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"Zk validation failed: {error}") from error


def _check_sources(sources: Sequence[str]) -> None:
    if not sources:
        raise ConfigError("IPSources validation failed: empty ip sources")
    for source in sources:
        if source not in IP_SOURCES:
            raise ConfigError(f'IPSources validation failed: invalid ip source "{source}"')
    if len(set(sources)) != len(sources):
        raise ConfigError("IPSources validation failed: duplicate ip source specified")


def _check_authentication(config: Config) -> None:
    match config.MesosAuthentication:
        case "":
            return
        case "basic":
            if not any(config.MesosCredentials.values()):
                raise ConfigError("MesosAuthentication is basic, but MesosCredentials has no principal or secret")
        case other:
            raise ConfigError(f'MesosAuthentication must be "" or "basic", not "{other}"')


def _two_dashes(word: str) -> str:
    return f"-{word}" if word.startswith("-") and not word.startswith("--") and len(word) > 1 else word


def _absolute(text: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME") or environ.get("USERPROFILE") or "."
    return Path(os.path.abspath(text.replace("~/", f"{home}/", 1)))


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if required:
            raise ConfigError(f'missing configuration file: "{path}"') from error
        return {}
    except OSError as error:
        raise ConfigError(f'cannot read configuration file "{path}": {error.strerror}') from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f'failed to unmarshal config file "{path}": {error}') from error
    if not isinstance(document, dict):
        raise ConfigError(f'failed to unmarshal config file "{path}": it must be a JSON object')
    return document


def _lower_keys(document: dict[str, Any]) -> dict[str, Any]:
    """Fold the keys; of two that differ in case only, the later wins."""
    lowered = {key.lower(): value for key, value in document.items()}
    credentials = lowered.get("mesoscredentials")
    if isinstance(credentials, dict):
        lowered["mesoscredentials"] = _lower_keys(credentials)
    return {key: value for key, value in lowered.items() if value is not None}


def _first_error(messages: Any) -> str:
    path = []
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        path.append(str(key))
    text = messages[0] if isinstance(messages, list) else messages
    return f"{'.'.join(path)}: {text}"
