"""Logs: one line an event, a constant text and its fields as ``key=value``.

``log.info("offer declined", extra={"offer_id": "..."})`` becomes
``2026-01-02T03:04:05.678Z INFO  marathon.drivers.scheduler offer declined offer_id=...``: easy to read, easy to grep.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

RESERVED = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}
"""Names that a field of a log line cannot have."""


class FieldsFormatter(logging.Formatter):
    """Appends the ``extra`` fields of a record to its text."""

    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        """Render times in UTC."""
        return time.gmtime(seconds)

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole line, with the trace of an exception below."""
        when = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        parts = [f"{when}.{int(record.msecs):03d}Z {record.levelname:<7} {record.name} {record.getMessage()}"]
        parts += [f"{key}={_text(value)}" for key, value in record.__dict__.items() if key not in RESERVED]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def setup(program: str, level: str = "INFO", file: Path | None = None) -> None:
    """Send all logs of this process to stderr, or to ``file``.

    :param program: goes into the first line, so that a file tells whose it is.
    :param level: a name of :mod:`logging`, or upstream's ``WARNING``/``INFO``/``ERROR``; case does not matter.
    """
    handler: logging.Handler = logging.FileHandler(file) if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(FieldsFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("kazoo", "urllib3", "docker", "asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger(program).info("log opened", extra={"program": program, "level": level.upper()})


def _text(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(c.isspace() or c == '"' for c in text) else text
