"""Links: agents' connections by number."""

from __future__ import annotations

from collections.abc import Callable

from mesos.link import FromAgent, FromMaster, LinkConnection, LinkMessage


class Links:
    """All open links. A number is never used again.

    :param on_messages: ``(number, peer's address, messages)``.
    :param on_closed: ``(number, reason)``, also for an end that was asked for.
    """

    def __init__(
        self,
        on_messages: Callable[[int, str | None, list[FromAgent]], None],
        on_closed: Callable[[int, str], None],
    ) -> None:
        self._on_messages, self._on_closed = on_messages, on_closed
        self._links: dict[int, LinkConnection] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._links)

    def open(self) -> LinkConnection:
        """Return the protocol for a new agent's connection."""
        self._next += 1
        number = self._next

        def messages(link: LinkConnection, received: list[FromAgent | FromMaster]) -> None:
            self._on_messages(number, link.peer_ip, received)  # type: ignore[arg-type]

        def closed(_: LinkConnection, reason: str) -> None:
            self._links.pop(number, None)
            self._on_closed(number, reason)

        self._links[number] = LinkConnection("master", on_messages=messages, on_closed=closed)
        return self._links[number]

    def send(self, number: int, message: LinkMessage) -> None:
        """Send an agent a message; on a link that has ended it is dropped."""
        link = self._links.get(number)
        if link is not None:
            link.send(message)

    def close(self, number: int, reason: str) -> None:
        """End a link after what was sent."""
        link = self._links.get(number)
        if link is not None:
            link.close(reason)

    def close_all(self, reason: str) -> None:
        """End all links."""
        for number in list(self._links):
            self.close(number, reason)
