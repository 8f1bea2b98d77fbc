"""The whole file: a join of parts, with a note of which app each line comes from.

Order: head, user lists, the frontends that all services share, one frontend and one backend for each service.
Source: marathon-lb ``marathon_lb.py`` (``config``).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

import msgspec

from marathon_lb.render.services import Part
from marathon_lb.render.templates import Templates


class Shared(msgspec.Struct, frozen=True):
    """Which shared frontends there are.

    :ivar http: the frontends of vhosts, on the ports of http and https.
    :ivar certificates: files; without any there is no TLS frontend.
    """

    http: bool = True
    certificates: tuple[str, ...] = ()


class Document:
    """A configuration.

    :ivar text: the file.
    """

    def __init__(self, pieces: Iterable[tuple[str | None, str]]) -> None:
        self._starts: list[int] = []
        self._owners: list[str | None] = []
        texts, line = [], 1
        for owner, text in pieces:
            if text:
                self._starts.append(line)
                self._owners.append(owner)
                texts.append(text)
                line += text.count("\n")
        self.text = "".join(texts)

    def owner(self, line: int) -> str | None:
        """Return the app that a line (from 1) comes from; ``None`` for what is everybody's."""
        at = bisect.bisect_right(self._starts, line) - 1
        return self._owners[at] if at >= 0 else None


def document(parts: Sequence[Part], templates: Templates, shared: Shared) -> Document:
    """Return the file that holds ``parts``."""
    ordered = sorted(parts, key=lambda part: (part.structure.app_id, part.structure.port))
    ranked = sorted(ordered, key=lambda part: -part.structure.rank)
    pieces: list[tuple[str | None, str]] = [(None, templates.fill("HEAD"))]
    pieces += [(part.structure.app_id, part.structure.userlist) for part in ordered]
    if shared.http:
        pieces.append((None, templates.fill("HTTP_FRONTEND_HEAD")))
        pieces += [(part.structure.app_id, part.structure.http) for part in ranked]
    pieces.append((None, templates.fill("HTTP_FRONTEND_APPID_HEAD")))
    pieces += [(part.structure.app_id, part.structure.app_id_rule) for part in ordered]
    if shared.http and shared.certificates:
        certificates = " ".join(f"crt {path}" for path in shared.certificates)
        pieces.append((None, templates.fill("HTTPS_FRONTEND_HEAD", sslCerts=certificates)))
        pieces += [(part.structure.app_id, part.structure.https) for part in ranked]
    pieces += [(part.structure.app_id, part.structure.frontend) for part in ordered]
    for part in ordered:
        pieces.append((part.structure.app_id, part.structure.backend + part.server_text))
    return Document(pieces)
