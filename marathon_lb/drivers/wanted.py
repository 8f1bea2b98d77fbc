"""What should be balanced, and which apps of it may: ports clash, templates break, HAProxy refuses.

One app's fault is that app's alone: it is left out, logged once, and looked at again when it changes. Ports that some
other program holds are tried again after a while.
"""

from __future__ import annotations

import errno
import logging
import re
import socket
from collections.abc import Iterable, Mapping

from marathon_lb.core.model import Service
from marathon_lb.errors import PortTaken
from marathon_lb.render.document import Document
from marathon_lb.render.services import Part, Structure, parts
from marathon_lb.render.templates import TemplateError, Templates

log = logging.getLogger(__name__)

_AT_LINE = re.compile(r"\[[^\[\]]*?:(\d+)\]")
_BIND = re.compile(r"^\s*bind\s+(\S+):(\d+)", re.MULTILINE)
_ANY = ("*", "0.0.0.0", "::")


def structures(of: Iterable[Part]) -> tuple[Structure, ...]:
    """Return what of the parts only a reload changes."""
    return tuple(part.structure for part in of)


class Wanted:
    """The parts of every app.

    :param reserved: ports that no app may have, and what has them.
    """

    def __init__(self, templates: Templates, reserved: Mapping[int, str]) -> None:
        self._templates, self.reserved = templates, reserved
        self.parts: dict[str, tuple[Part, ...]] = {}
        self.refused: dict[str, tuple[tuple[Structure, ...], str]] = {}
        """By app: what was refused and why. Something else by the same app is another matter."""
        self._again: set[str] = set()

    def put(self, app_id: str, services: tuple[Service, ...]) -> None:
        """Take an app's services; none: it goes."""
        try:
            rendered = parts(services, self._templates)
        except TemplateError as error:
            rendered = ()
            self._note(app_id, (), str(error))
        if rendered:
            self.parts[app_id] = rendered
        else:
            self.parts.pop(app_id, None)
        if app_id in self.refused and rendered and self.refused[app_id][0] != structures(rendered):
            del self.refused[app_id]
        if not services:
            self.refused.pop(app_id, None)

    def of(self, app_id: str) -> tuple[Part, ...]:
        """Return the app's parts, none when it is left out."""
        return () if app_id in self.refused else self.parts.get(app_id, ())

    def refuse(self, app_id: str, reason: str, *, again: bool = False) -> None:
        """Leave the app out as it is now.

        :param again: the reason may pass by itself.
        """
        self._note(app_id, structures(self.parts.get(app_id, ())), reason)
        if again:
            self._again.add(app_id)

    def reconsider(self) -> set[str]:
        """Admit again what was left out for reasons that may have passed; return these apps."""
        again, self._again = self._again & self.refused.keys(), set()
        for app_id in again:
            del self.refused[app_id]
        return again

    def admitted(self, bound: frozenset[tuple[str, int]]) -> list[Part]:
        """Return the parts that can go into one file; whose port is not to be had is refused.

        :param bound: what HAProxy listens on now.
        """
        found: list[Part] = []
        owners: dict[int, list[tuple[str, str]]] = {}
        for app_id in sorted(self.parts):
            own = self.of(app_id)
            for bind in [part.structure.bind for part in own]:
                reason, again = self._why_not(bind, owners, bound)
                if reason:
                    self.refuse(app_id, reason, again=again)
                    own = ()
                    break
            for part in own:
                owners.setdefault(part.structure.bind[1], []).append((part.structure.bind[0], app_id))
            found += own
        return found

    def blame(self, output: str, document: Document, suspects: set[str]) -> set[str]:
        """Return the apps that HAProxy complains about: by line, by name, or at last those that are new.

        Only alerts count: it also warns of what is merely odd, and a HAProxy that was killed complains of nobody.
        """
        output = "\n".join(line for line in output.splitlines() if "[ALERT]" in line)
        if not output:
            return set()
        found = {document.owner(int(match[1])) for match in _AT_LINE.finditer(output)} - {None}
        if not found:
            found = {app_id for app_id, own in self.parts.items() if any(part.structure.name in output for part in own)}
        return {app_id for app_id in found if app_id} or {app for app in suspects if self.of(app)}

    def _why_not(
        self, bind: tuple[str, int], owners: Mapping[int, list[tuple[str, str]]], bound: frozenset[tuple[str, int]]
    ) -> tuple[str, bool]:
        address, port = bind
        if port in self.reserved:
            return f"port {port} is the balancer's own ({self.reserved[port]})", False
        for other, owner in owners.get(port, ()):
            if address == other or address in _ANY or other in _ANY:
                return f"port {port} is already the port of {owner}", True
        if bind not in bound and not any(("*", port) == each for each in bound):
            reason = _bindable(address, port)
            return (f"port {port} cannot be had: {reason}", True) if reason else ("", False)
        return "", False

    def _note(self, app_id: str, what: tuple[Structure, ...], reason: str) -> None:
        if self.refused.get(app_id) != (what, reason):
            self.refused[app_id] = (what, reason)
            log.warning("app left out", extra={"app_id": app_id, "reason": reason})


def binds(text: str) -> frozenset[tuple[str, int]]:
    """Return the addresses and ports that a configuration listens on."""
    return frozenset((match[1], int(match[2])) for match in _BIND.finditer(text))


def require_free(reserved: Mapping[int, str]) -> None:
    """Check that the balancer's own ports can be had: two HAProxys on one port would share its connections.

    :raises PortTaken: naming the first that cannot, and its flag.
    """
    for port, flag in reserved.items():
        reason = _bindable("*", port)
        if reason:
            raise PortTaken(port, flag, reason)


def _bindable(address: str, port: int) -> str:
    """Return why a port cannot be listened on; empty when it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0" if address in _ANY and family == socket.AF_INET else address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "another program listens there"
            return error.strerror or str(error)
    return ""
