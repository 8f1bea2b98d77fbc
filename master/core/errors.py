"""What a master refuses. The API's table says with which status."""

from __future__ import annotations

from mesos.errors import MezzoError


class NoSuchFramework(MezzoError):
    """An operator named a framework that is not registered."""

    def __init__(self) -> None:
        super().__init__("No framework found with specified ID")
