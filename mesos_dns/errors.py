"""What can go wrong in ways that a user can mend."""

from __future__ import annotations

from mesos.errors import MezzoError


class SourceError(MezzoError):
    """A master or a marathon could not be asked, or answered something else."""


class UpstreamError(MezzoError):
    """No resolver answered."""
