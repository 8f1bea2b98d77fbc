"""The ``HAPROXY_*`` labels: one table of names, fields and parsers.

No value may carry configuration of its own: what ends up in HAProxy's file is either checked here against the
characters that its kind needs, or comes from a template label, which an operator may switch off.

Source: marathon-lb ``config.py``, ``Longhelp.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

GROUP_LABEL = "HAPROXY_GROUP"

_INDEXED = re.compile(r"HAPROXY_(\d+)_(.+)\Z")
_HOST = re.compile(r"[A-Za-z0-9._*-]+(?::\d+)?\Z")
_WORD = re.compile(r"[^\s\"'\\{}#\x00-\x1f\x7f]+\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"'\\{}#]")
_TRUE = frozenset(("true", "t", "yes", "y"))


class LabelError(ValueError):
    """A label cannot be used; the text names it and the rule."""

    def __init__(self, label: str, value: str, rule: str) -> None:
        super().__init__(f"{label}={value!r}: {rule}")


class Auth(msgspec.Struct, frozen=True):
    """Basic authentication. ``password`` is encrypted as crypt(3) does."""

    realm: str
    user: str
    password: str


class Options(msgspec.Struct, frozen=True):
    """What the labels say about one service port. ``None``: the label is not there."""

    groups: tuple[str, ...] | None = None
    vhosts: tuple[str, ...] = ()
    path: str | None = None
    weight: int = 0
    sticky: bool = False
    redirect_to_https: bool = False
    use_hsts: bool = False
    ssl_cert: str | None = None
    bind_options: str | None = None
    bind_addr: str = "*"
    port: int | None = None
    mode: str | None = None
    balance: str = "roundrobin"
    enabled: bool | None = None
    auth: Auth | None = None
    proxypass_path: str | None = None
    revproxy_path: str | None = None
    redirect_path: str | None = None
    network_allowed: tuple[str, ...] = ()
    check_port_index: int | None = None
    templates: dict[str, str] = {}


def _boolean(text: str) -> bool:
    return text.strip().lower() in _TRUE


def _comma_list(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _vhosts(text: str) -> tuple[str, ...]:
    hosts = _comma_list(text.lower())
    for host in hosts:
        if _HOST.match(host) is None:
            raise ValueError(f"{host!r} is no host name")
    return hosts


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _port(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= 65535:
        raise ValueError("must be a port, 1 to 65535")
    return number


def _mode(text: str) -> str:
    mode = text.strip().lower()
    if mode not in ("http", "tcp"):
        raise ValueError("must be http or tcp")
    return mode


def _word(text: str) -> str:
    if _WORD.match(text) is None:
        raise ValueError("must be one word without quotes, braces, backslash or #")
    return text


def _words(text: str) -> str:
    if _UNSAFE.search(text) or not text.strip():
        raise ValueError("must not hold line breaks, quotes, braces, backslash or #")
    return text.strip()


def _path(text: str) -> str:
    words = _words(text)
    if any(word.startswith("-") and word not in ("-i", "--") for word in words.split()):
        raise ValueError("only -i may go before the paths")
    return words


def _networks(text: str) -> tuple[str, ...]:
    return tuple(_word(part) for part in text.split())


def _auth(text: str) -> Auth:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError("must be realm:user:encryptedpassword")
    if _UNSAFE.search(parts[0]):
        raise ValueError("the realm must not hold line breaks, quotes, braces, backslash or #")
    return Auth(parts[0], _word(parts[1]), _word(parts[2]))


LABELS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "GROUP": ("groups", _comma_list),
    "VHOST": ("vhosts", _vhosts),
    "PATH": ("path", _path),
    "BACKEND_WEIGHT": ("weight", _whole),
    "STICKY": ("sticky", _boolean),
    "REDIRECT_TO_HTTPS": ("redirect_to_https", _boolean),
    "USE_HSTS": ("use_hsts", _boolean),
    "SSL_CERT": ("ssl_cert", _word),
    "BIND_OPTIONS": ("bind_options", _words),
    "BIND_ADDR": ("bind_addr", _word),
    "PORT": ("port", _port),
    "MODE": ("mode", _mode),
    "BALANCE": ("balance", _words),
    "ENABLED": ("enabled", _boolean),
    "AUTH": ("auth", _auth),
    "HTTP_BACKEND_PROXYPASS_PATH": ("proxypass_path", _word),
    "HTTP_BACKEND_REVPROXY_PATH": ("revproxy_path", _word),
    "HTTP_BACKEND_REDIR": ("redirect_path", _word),
    "BACKEND_NETWORK_ALLOWED_ACL": ("network_allowed", _networks),
    "BACKEND_HEALTHCHECK_PORT_INDEX": ("check_port_index", _whole),
}
"""After ``HAPROXY_{n}_``: the field of :class:`Options` and how its text is read."""


def app_groups(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the groups of the app as a whole."""
    return _comma_list(labels.get(GROUP_LABEL, ""))


def read(labels: Mapping[str, str], templates: frozenset[str]) -> dict[int, Options]:
    """Return the options by service port index; labels that nobody knows are left alone.

    :param templates: names of the templates that labels may replace; none when that is switched off.
    :raises LabelError: naming the first label that cannot be used.
    """
    fields: dict[int, dict[str, Any]] = {}
    for label, value in labels.items():
        match = _INDEXED.match(label)
        if match is None:
            continue
        index, name = int(match[1]), match[2]
        own = fields.setdefault(index, {})
        if name in LABELS:
            field, parse = LABELS[name]
            own[field] = _parsed(label, value, parse)
        elif name in templates:
            own.setdefault("templates", {})[name] = value.replace("\r\n", "\n")
    return {index: _weighted(Options(**own)) for index, own in fields.items()}


def _parsed(label: str, value: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise LabelError(label, value, str(error)) from error


def _weighted(options: Options) -> Options:
    if options.path is not None and options.weight == 0:
        return msgspec.structs.replace(options, weight=1)  # a path must be looked at before the bare host
    return options
