"""What a user of the command line can be told."""

from __future__ import annotations

from mesos.errors import MezzoError


class CommandError(MezzoError):
    """The command cannot be done. The text says why and what to do; it is shown without a trace, exit code 1."""


class ApiError(CommandError):
    """A program refused a request. ``status`` is the HTTP status, 0 when it could not be reached."""

    def __init__(self, text: str, status: int = 0) -> None:
        self.status = status
        super().__init__(text)
