"""Turns names of tasks, frameworks and agents into DNS labels.

Source: Mesos-DNS ``records/labels`` and ``records/generator``; the hash and the suffix have to be exact to the bit,
because people write them down.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

Label = Callable[[str], str]
"""Makes one label of a text; may give the empty text."""

_ZBASE32 = "ybndrfg8ejkmcpqxot1uwisza345h769"
_DROPPED = re.compile(r"[^a-z0-9-]")
_DASHES = str.maketrans("._", "--")
_CACHED = 1 << 16
"""Texts remembered: apps repeat, tasks do not come in here."""


@lru_cache(maxsize=_CACHED)
def rfc1123(text: str) -> str:
    """Return ``text`` as a label of up to 63 letters, digits and inner dashes."""
    return _label(text, max_length=63, left="-")


@lru_cache(maxsize=_CACHED)
def rfc952(text: str) -> str:
    """Return ``text`` as a label of up to 24 characters that begins with a letter."""
    return _label(text, max_length=24, left="-0123456789")


def fragment(text: str, label: Label) -> str:
    """Return a framework's or host's name as labels: split at dots, empty parts left out."""
    return ".".join(part for part in map(label, text.split(".")) if part)


def task_hash(task_id: str) -> str:
    """Return five characters of zbase32 that tell tasks of one name apart."""
    number = int.from_bytes(hashlib.sha1(task_id.encode(), usedforsecurity=False).digest()[:4], "big")
    return "".join(_ZBASE32[number >> shift & 31] for shift in (27, 22, 17, 12, 7))


@lru_cache(maxsize=_CACHED)
def agent_suffix(agent_id: str) -> str:
    """Return what stands after the last dash of an agent's id, in lower case: ``...-S12`` gives ``s12``."""
    return agent_id.rpartition("-")[2].lower()


def _label(text: str, *, max_length: int, left: str) -> str:
    """Sanitise, trim and cut; where the cut left dashes at the end, what follows them moves up."""
    # lower() alone would fold letters beyond ASCII into ASCII ones
    ascii_only = "".join(c for c in text if c.isascii())
    clean = _DROPPED.sub("", ascii_only.lower().translate(_DASHES)).lstrip(left)
    head, rest = clean[:max_length].rstrip("-"), clean[max_length:].lstrip("-")
    if len(clean) <= max_length or len(head) == max_length:
        return head
    return head + rest[: max_length - len(head)]
