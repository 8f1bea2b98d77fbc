"""Settings: declared once, read from flags, environment and defaults, in this order.

A program declares a frozen dataclass whose fields are made by :func:`setting`; :func:`load` fills it. Flags are
written as upstream writes them: ``--name=value``, ``--name`` and ``--no-name`` for booleans, ``--name value`` besides.
A unit at the end of a field's name (``_s``, ``_bytes``, ``_mb``) is no part of its flag: ``ping_timeout_s`` is
``--ping_timeout=15secs``. Dashes and underscores in flags are the same.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from mesos.errors import ConfigError

C = TypeVar("C")

_UNITS = re.compile(r"_(s|bytes|mb)\Z")
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|secs|mins|hrs|days|weeks)\s*\Z")
_SIZE = re.compile(r"\s*(\d+)\s*(B|KB|MB|GB|TB)\s*\Z")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1.0,
    "mins": 60.0,
    "hrs": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}
_BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


class HelpRequested(Exception):
    """``--help`` was given; the text is the usage."""


def setting(
    default: str | None,
    help: str,
    *,
    parse: Callable[[str], Any] = str,
    required: bool = False,
    flag: str | None = None,
    aliases: Sequence[str] = (),
) -> Any:
    """Declare one setting of a dataclass.

    :param default: the text that a user would write, parsed like any other; ``None`` for an unset option.
    :param help: one line for ``--help``.
    :param parse: turns the text into the value; a ``ValueError``'s text is shown to the user.
    :param required: there is no default and the program cannot do without.
    :param flag: the flag's name where it is not the field's.
    :param aliases: older names that still work.
    """
    metadata = {"setting": _Setting(default, help, parse, required, flag, tuple(aliases))}
    if required:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default_factory=lambda: parse(default) if default is not None else None, metadata=metadata)


def load(kind: type[C], argv: Sequence[str], environ: Mapping[str, str], *, prefix: str) -> C:
    """Read ``kind`` from ``argv`` (without the program's name) and ``environ``.

    :param prefix: of environment variables: ``MESOS_`` makes ``--work_dir`` also ``MESOS_WORK_DIR``.
    :raises ConfigError: naming the flag, the value and the rule.
    :raises HelpRequested: when ``--help`` is among the arguments.
    """
    settings = _settings(kind)
    given = _from_environment(settings, environ, prefix)
    given.update(_from_flags(kind, settings, argv))
    values: dict[str, Any] = {}
    for flag, (field_name, declared) in settings.items():
        if flag in given:
            values[field_name] = _parse(flag, declared, given[flag])
        elif declared.required:
            raise ConfigError(f"Missing required flag --{flag}: {declared.help}")
    try:
        return kind(**values)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def usage(kind: type) -> str:
    """Return the text of ``--help``: every flag with its default and what it means."""
    lines = ["Flags (--name=value, --no-name for booleans):"]
    for flag, (_, declared) in sorted(_settings(kind).items()):
        default = "required" if declared.required else f"default: {declared.default or 'none'}"
        lines.append(f"  --{flag:<36} {declared.help} ({default})")
    return "\n".join(lines)


def as_flags(config: Any) -> dict[str, str]:
    """Return all set options as texts by flag name, as ``/flags`` shows them."""
    result = {}
    for flag, (field_name, _) in _settings(type(config)).items():
        value = getattr(config, field_name)
        if value is not None:
            result[flag] = _as_text(field_name, value)
    return result


def boolean(text: str) -> bool:
    """Read ``true``, ``1``, ``false`` or ``0``."""
    match text.lower():
        case "true" | "1" | "":
            return True
        case "false" | "0":
            return False
    raise ValueError("must be true or false")


def duration_s(text: str) -> float:
    """Read ``15secs``, ``1.5hrs``, ``500ms``: a number and one of ns us ms secs mins hrs days weeks."""
    match = _DURATION.match(text)
    if match is None:
        raise ValueError("must be a number with a unit, one of ns, us, ms, secs, mins, hrs, days, weeks")
    return float(match[1]) * _SECONDS[match[2]]


def duration_text(seconds: float) -> str:
    """Write seconds the way upstream does: the largest unit that leaves a whole number."""
    for unit in ("weeks", "days", "hrs", "mins", "secs", "ms", "us"):
        amount = seconds / _SECONDS[unit]
        if amount >= 1 and abs(amount - round(amount)) < 1e-9:
            return f"{round(amount)}{unit}"
    return f"{round(seconds / _SECONDS['ns'])}ns"


def size_bytes(text: str) -> int:
    """Read ``4KB``, ``2GB``: a whole number and one of B KB MB GB TB."""
    match = _SIZE.match(text)
    if match is None:
        raise ValueError("must be a whole number with a unit, one of B, KB, MB, GB, TB")
    return int(match[1]) * _BYTES[match[2]]


def size_text(number: int) -> str:
    """Write bytes in the largest unit that leaves a whole number."""
    for unit in ("TB", "GB", "MB", "KB"):
        if number and number % _BYTES[unit] == 0:
            return f"{number // _BYTES[unit]}{unit}"
    return f"{number}B"


def port(text: str) -> int:
    """Read a port, 0 to 65535; 0 lets the system choose."""
    if not text.isdigit() or int(text) > 65535:
        raise ValueError("must be a port, 0 to 65535")
    return int(text)


def inline_or_file(text: str) -> str:
    """Return the text itself, or what the file says when it is ``file:///path``.

    :raises ValueError: when the file cannot be read.
    """
    if not text.startswith("file://"):
        return text
    try:
        return Path(text.removeprefix("file://")).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class _Setting:
    default: str | None
    help: str
    parse: Callable[[str], Any]
    required: bool
    flag: str | None
    aliases: tuple[str, ...]


def _settings(kind: type) -> dict[str, tuple[str, _Setting]]:
    result = {}
    for field in dataclasses.fields(kind):
        declared = field.metadata.get("setting")
        if declared is not None:
            result[declared.flag or _UNITS.sub("", field.name)] = (field.name, declared)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise TypeError(f"{kind.__name__}.{field.name} is neither a setting nor has it a default")
    return result


def _names(settings: dict[str, tuple[str, _Setting]]) -> dict[str, str]:
    """Return every name that may be written, in lower case with underscores, to the flag it stands for."""
    names = {}
    for flag, (_, declared) in settings.items():
        for name in (flag, *declared.aliases):
            names[_plain(name)] = flag
    return names


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _from_environment(
    settings: dict[str, tuple[str, _Setting]], environ: Mapping[str, str], prefix: str
) -> dict[str, str]:
    names = _names(settings)
    found = {}
    for variable, value in environ.items():
        if variable.upper().startswith(prefix):
            name = _plain(variable[len(prefix) :])
            if name in names:  # others are left alone: tasks and tools use the prefix too
                found[names[name]] = value
    return found


def _from_flags(kind: type, settings: dict[str, tuple[str, _Setting]], argv: Sequence[str]) -> dict[str, str]:
    names = _names(settings)
    found: dict[str, str] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if not word.startswith("--"):
            raise ConfigError(f"Unexpected argument {word!r}: flags are written --name=value")
        name, has_value, value = word[2:].partition("=")
        if name == "help":
            raise HelpRequested(usage(kind))
        plain = _plain(name)
        negated = plain.removeprefix("no_")
        if plain not in names and negated in names and plain != negated:
            flag, value = names[negated], "false"
            if has_value:
                raise ConfigError(f"--{name} takes no value")
            _require_boolean(settings[flag][1], f"--{name}")
        elif plain in names:
            flag = names[plain]
            if not has_value:
                value = _next_value(settings[flag][1], name, words)
        else:
            _unknown(name, names)
        if flag in found:
            raise ConfigError(f"--{flag} is given twice")
        found[flag] = value
    return found


def _next_value(declared: _Setting, name: str, words: list[str]) -> str:
    if declared.parse is boolean:
        return "true"
    if not words or words[0].startswith("--"):
        raise ConfigError(f"--{name} needs a value: --{name}=VALUE")
    return words.pop(0)


def _require_boolean(declared: _Setting, name: str) -> None:
    if declared.parse is not boolean:
        raise ConfigError(f"{name}: only boolean flags can be negated")


def _unknown(name: str, names: dict[str, str]) -> NoReturn:
    near = difflib.get_close_matches(_plain(name), names, n=1)
    hint = f"; did you mean --{names[near[0]]}?" if near else ""
    raise ConfigError(f"Unknown flag --{name}{hint}")


def _parse(flag: str, declared: _Setting, text: str) -> Any:
    try:
        return declared.parse(text)
    except ValueError as error:
        raise ConfigError(f"--{flag}={text}: {error}") from error


def _as_text(field_name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if field_name.endswith("_s"):
        return duration_text(value)
    if field_name.endswith("_bytes"):
        return size_text(value)
    return str(value)
