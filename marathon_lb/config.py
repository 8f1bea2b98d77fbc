"""The command line, with marathon-lb's names, and what it means.

Every option is also read from the environment as ``MARATHON_LB_<NAME>``; the flag goes first. Long options may be
abbreviated. Source: marathon-lb ``marathon_lb.py`` (``get_arg_parser``).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from mesos.errors import ConfigError

ENVIRONMENT = "MARATHON_LB_"
MAX_SOCKET_PATH = 90
"""Characters of a socket's directory: the kernel allows 107 for the socket, and HAProxy adds an ending of its own."""

DEFAULT_CERTIFICATE = "/etc/ssl/cert.pem"
DEFAULT_OPTIONS = "redispatch 1,http-server-close,dontlognull,idle-close-on-response"
"""``redispatch 1`` takes the next server at the first refused connection; ``idle-close-on-response`` lets a connection
that idles during a reload ask once more, so that no client finds it closed under its request."""

LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. Times in seconds.

    :ivar mode: ``sse`` follows the bus, ``poll`` asks every ``poll_interval_s``, ``once`` writes the file and ends.
    """

    mode: str
    marathon: tuple[str, ...]
    groups: frozenset[str]
    strict_mode: bool
    health_check: bool
    template_labels: bool
    dont_bind_http_https: bool
    ssl_certs: tuple[str, ...]
    skip_validation: bool
    dry: bool
    command: str | None
    service_ports: tuple[int, int] | None
    max_backoff_s: float
    poll_interval_s: float
    reload_interval_s: float
    hard_stop_after_s: float
    work_dir: Path
    haproxy_config: Path
    haproxy_binary: str
    templates_dir: Path
    stats_port: int
    http_port: int
    https_port: int
    appid_port: int
    maxconn: int
    syslog_socket: str
    log_level: str
    credentials: tuple[str, str] | None
    marathon_ca_cert: Path | None
    haproxy_options: tuple[str, ...]
    framework_name: str | None

    @property
    def sockets_dir(self) -> Path:
        """Where sockets lie: the working directory, or a short path that stands for it."""
        if len(str(self.work_dir)) <= MAX_SOCKET_PATH - len("/endpoints.sock"):
            return self.work_dir
        digest = hashlib.sha256(str(self.work_dir).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"marathon-lb-{digest}"

    @property
    def reserved_ports(self) -> dict[int, str]:
        """Ports that no app may have, and what has them."""
        ports = {self.stats_port: "--stats-port", self.appid_port: "--appid-port"}
        if not self.dont_bind_http_https:
            ports[self.http_port] = "--http-port"
            if self.ssl_certs:
                ports[self.https_port] = "--https-port"
        return ports

    def head_values(self) -> dict[str, object]:
        """Return what our own templates need to know."""
        log = self.syslog_socket
        logs = f"  log {log} local0\n  log {log} local1 notice\n" if log != "/dev/null" and Path(log).exists() else ""
        return {
            "log": logs,
            "maxconn": self.maxconn,
            "hard_stop_after_ms": round(self.hard_stop_after_s * 1000),
            "stats_socket": self.sockets_dir / "stats.sock",
            "endpoints_socket": self.sockets_dir / "endpoints.sock",
            "state_file": self.work_dir / "servers.state",
            "options": "".join(f"  option {option}\n" for option in sorted(set(self.haproxy_options))),
            "stats_port": self.stats_port,
            "http_port": self.http_port,
            "https_port": self.https_port,
            "appid_port": self.appid_port,
        }


class HelpRequested(Exception):
    """``--help`` was given; the text is the usage."""


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpRequested(message or "")

    def print_help(self, file: Any = None) -> None:
        raise HelpRequested(self.format_help())


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Config:
    """Read the settings.

    :raises ConfigError: naming the option and the rule.
    :raises HelpRequested: when help was asked for.
    """
    parser = _parser()
    _defaults_from(parser, environ)
    given = parser.parse_args(list(argv))
    groups = frozenset(_split(given.group))
    if not groups:
        raise ConfigError("argument --group: at least one is required; '*' balances every app; see --help")
    work_dir = Path(given.work_dir).absolute()
    options = environ.get("HAPROXY_GLOBAL_DEFAULT_OPTIONS", DEFAULT_OPTIONS)
    return Config(
        mode=given.mode or ("sse" if given.sse else "once"),
        marathon=tuple(url.rstrip("/") for url in _split(given.marathon)),
        groups=groups,
        strict_mode=given.strict_mode,
        health_check=given.health_check,
        template_labels=given.template_labels,
        dont_bind_http_https=given.dont_bind_http_https,
        ssl_certs=_certificates(given.ssl_certs),
        skip_validation=given.skip_validation,
        dry=given.dry,
        command=given.command,
        service_ports=_range(given.min_serv_port_ip_per_task, given.max_serv_port_ip_per_task),
        max_backoff_s=given.max_backoff,
        poll_interval_s=given.poll_interval,
        reload_interval_s=given.min_reload_interval,
        hard_stop_after_s=given.hard_stop_after,
        work_dir=work_dir,
        haproxy_config=Path(given.haproxy_config).absolute() if given.haproxy_config else work_dir / "haproxy.cfg",
        haproxy_binary=_program(given.haproxy_binary),
        templates_dir=Path(given.templates_dir).absolute(),
        stats_port=given.stats_port,
        http_port=given.http_port,
        https_port=given.https_port,
        appid_port=given.appid_port,
        maxconn=given.maxconn or _maxconn(),
        syslog_socket=given.syslog_socket,
        log_level=_level(given.log_level),
        credentials=_credentials(given.marathon_auth_credential_file, given.auth_credentials),
        marathon_ca_cert=_readable(given.marathon_ca_cert, "--marathon-ca-cert"),
        haproxy_options=tuple(option.strip() for option in options.split(",") if option.strip()),
        framework_name=environ.get("FRAMEWORK_NAME") or None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="marathon-lb", description="Keeps HAProxy in step with Marathon's apps.")
    add, switch = parser.add_argument, argparse.BooleanOptionalAction
    add("mode", nargs="?", choices=("sse", "poll"), help="follow the event bus, or ask again and again")
    add("--sse", "-s", action="store_true", help="follow Marathon's event bus; the same as the word sse")
    add("--marathon", "-m", nargs="+", action="extend", metavar="URL", help="Marathon's addresses")
    add("--group", action="append", metavar="NAME", help="balance apps of this HAPROXY_GROUP; '*' takes every app")
    add("--strict-mode", action=switch, default=False, help="only services with HAPROXY_{n}_ENABLED=true")
    add("--health-check", "-H", action=switch, default=True, help="only tasks that Marathon finds healthy")
    add("--template-labels", action=switch, default=True, help="let labels replace templates")
    add("--dont-bind-http-https", action=switch, default=False, help="leave out the shared vhost frontends")
    add("--ssl-certs", metavar="FILES", help=f"certificates, comma separated (default {DEFAULT_CERTIFICATE} if there)")
    add("--skip-validation", action=switch, default=False, help="use configurations without haproxy -c")
    add("--dry", "-d", action="store_true", help="print the configuration and end")
    add("--command", "-c", help="run once the file is written, when neither sse nor poll is asked for")
    add("--min-serv-port-ip-per-task", type=_port, default=10050, metavar="PORT", help="first service port to assign")
    add("--max-serv-port-ip-per-task", type=_port, default=10100, metavar="PORT", help="last service port to assign")
    add("--max-backoff", type=_seconds, default=300.0, metavar="S", help="longest wait before the bus is tried again")
    add("--poll-interval", type=_seconds, default=60.0, metavar="S", help="between two full looks at Marathon")
    add("--min-reload-interval", type=_seconds, default=2.0, metavar="S", help="between two reloads of HAProxy")
    add("--hard-stop-after", type=_seconds, default=600.0, metavar="S", help="when an old HAProxy worker must end")
    add("--work-dir", default="/var/lib/marathon-lb", metavar="DIR", help="sockets, logs, configuration")
    add("--haproxy-config", metavar="FILE", help="the file to write (default: haproxy.cfg in --work-dir)")
    add("--haproxy-binary", default="haproxy", metavar="PATH", help="the HAProxy to run")
    add("--templates-dir", default="templates", metavar="DIR", help="where HAPROXY_* template files lie")
    add("--stats-port", type=_port, default=9090, metavar="PORT", help="statistics and endpoints")
    add("--http-port", type=_port, default=80, metavar="PORT", help="vhosts")
    add("--https-port", type=_port, default=443, metavar="PORT", help="vhosts with TLS, when there are certificates")
    add("--appid-port", type=_port, default=9091, metavar="PORT", help="apps by their X-Marathon-App-Id")
    add("--maxconn", type=int, metavar="N", help="connections at once (default: 50000 or what open files allow)")
    add("--syslog-socket", default="/dev/log", metavar="PATH", help="where HAProxy logs; /dev/null: nowhere")
    add("--log-level", default="INFO", metavar="LEVEL", help=", ".join(LEVELS))
    add("--marathon-auth-credential-file", metavar="FILE", help="its first line is user:password")
    add("--auth-credentials", metavar="USER:PASSWORD", help="for Marathon's basic authentication")
    add("--marathon-ca-cert", metavar="FILE", help="without it Marathon's certificate is not verified")
    return parser


def _defaults_from(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Let the environment replace defaults."""
    for action in parser._actions:
        text = environ.get(ENVIRONMENT + action.dest.upper())
        if text is None or not action.option_strings:
            continue
        if isinstance(action, argparse.BooleanOptionalAction) or action.const is True:
            action.default = text.lower() in ("true", "1", "yes", "")
        elif action.dest in ("marathon", "group"):
            action.default = [text]
        else:
            action.default = text  # argparse itself parses a default that is a text


def _split(values: Sequence[str] | None) -> list[str]:
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} must be a port, 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds")
    return seconds


def _range(low: int, high: int) -> tuple[int, int] | None:
    if low == high == 0:
        return None
    if not 0 < low <= high:
        raise ConfigError(
            f"argument --min-serv-port-ip-per-task: {low} must not exceed --max-serv-port-ip-per-task {high}, "
            f"and both or none must be 0; see --help"
        )
    return low, high


def _certificates(text: str | None) -> tuple[str, ...]:
    if text is None:
        return (DEFAULT_CERTIFICATE,) if Path(DEFAULT_CERTIFICATE).is_file() else ()
    paths = tuple(_split([text]))
    for path in paths:
        if not Path(path).exists():
            raise ConfigError(f"argument --ssl-certs: {path} does not exist; see --help")
    return paths


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ConfigError(f"argument --log-level: {text!r} must be one of {', '.join(LEVELS)}; see --help")
    return text.upper()


def _readable(text: str | None, flag: str) -> Path | None:
    if text is not None and not Path(text).is_file():
        raise ConfigError(f"argument {flag}: {text} does not exist; see --help")
    return Path(text) if text is not None else None


def _credentials(file: str | None, text: str | None) -> tuple[str, str] | None:
    flag = "--auth-credentials"
    if file is not None:
        flag = "--marathon-auth-credential-file"
        path = _readable(file, flag)
        text = path.read_text(encoding="utf-8").partition("\n")[0].strip() if path else ""
    if text is None:
        return None
    user, colon, password = text.partition(":")
    if not colon or not user:
        raise ConfigError(f"argument {flag}: must hold user:password; see --help")
    return user, password


def _maxconn() -> int:
    """Return how many connections the limit of open files admits: HAProxy needs two files for each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 50_000 if hard == resource.RLIM_INFINITY else max(100, min(50_000, (hard - 500) // 2))


def _program(name: str) -> str:
    """Return where a program is: also where only root's PATH leads to, as HAProxy's package puts it there."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or name
