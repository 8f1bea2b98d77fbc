"""The keys of ``config.json`` with their defaults and limits, as the original has them."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate


class _Bool(fields.Boolean):
    """Takes ``true`` and ``false`` only, no words for them."""

    truthy = {True}
    falsy = {False}


def _int(key: str, default: int, low: int = 0, high: int = 2**32 - 1) -> fields.Field[Any]:
    return fields.Integer(data_key=key, load_default=default, strict=True, validate=validate.Range(low, high))


def _text(key: str, default: str = "") -> fields.Field[Any]:
    return fields.String(data_key=key, load_default=default)


def _bool(key: str, default: bool) -> fields.Field[Any]:
    return _Bool(data_key=key, load_default=default)


def _texts(key: str, default: list[str] | None) -> fields.Field[Any]:
    return fields.List(fields.String(), data_key=key, load_default=default, allow_none=default is None)


class _Credentials(Schema):
    Principal = _text("principal")
    Secret = _text("secret")

    class Meta:
        """Read as the original does."""

        unknown = EXCLUDE


class ConfigSchema(Schema):
    """The keys of the file, in lower case, with defaults and limits of each."""

    class Meta:
        """Unknown keys are left alone: old files have some."""

        unknown = EXCLUDE

    RefreshSeconds = _int("refreshseconds", 60, low=1)
    Port = _int("port", 53, high=65535)
    Timeout = _int("timeout", 5)
    StateTimeoutSeconds = _int("statetimeoutseconds", 300, low=1)
    ZkDetectionTimeout = _int("zkdetectiontimeout", 30)
    HttpPort = _int("httpport", 8123, high=65535)
    TTL = _int("ttl", 60, high=2**31 - 1)
    SRVRecordDefaultWeight = _int("srvrecorddefaultweight", 1, high=65535)
    SOASerial = _int("soaserial", 0)
    SOARefresh = _int("soarefresh", 60)
    SOARetry = _int("soaretry", 600)
    SOAExpire = _int("soaexpire", 86400)
    SOAMinttl = _int("soaminttl", 60)
    SOAMname = _text("soamname", "ns1.mesos")
    SOARname = _text("soarname", "root.ns1.mesos")
    Masters = _texts("masters", None)
    ZoneResolvers = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), data_key="zoneresolvers", load_default=dict
    )
    Resolvers = _texts("resolvers", [])
    IPSources = _texts("ipsources", ["netinfo", "mesos", "host"])
    Zk = _text("zk")
    Domain = _text("domain", "mesos")
    Listener = _text("listener", "0.0.0.0")
    HTTPListener = _text("httplistener", "0.0.0.0")
    RecurseOn = _bool("recurseon", True)
    DnsOn = _bool("dnson", True)
    HttpOn = _bool("httpon", True)
    ExternalOn = _bool("externalon", True)
    EnforceRFC952 = _bool("enforcerfc952", False)
    SetTruncateBit = _bool("settruncatebit", True)
    EnumerationOn = _bool("enumerationon", True)
    MesosHTTPSOn = _bool("mesoshttpson", False)
    CACertFile = _text("cacertfile")
    CertFile = _text("certfile")
    KeyFile = _text("keyfile")
    MesosCredentials = fields.Nested(_Credentials, data_key="mesoscredentials", load_default=None)
    IAMConfigFile = _text("iamconfigfile")
    MesosAuthentication = _text("mesosauthentication")
    Marathon = _texts("marathon", [])
    Workers = _int("workers", 0, high=64)
    StrictAnswers = _bool("strictanswers", False)
