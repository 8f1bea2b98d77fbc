"""What an agent cannot do. Texts go into task statuses, so they are for users."""

from __future__ import annotations

from mesos.errors import MezzoError


class AgentError(MezzoError):
    """Base of the agent's own errors."""


class LaunchFailed(AgentError):
    """A container could not be started; the text says why."""


class FetchFailed(LaunchFailed):
    """A URI could not be brought into the sandbox; the text names it."""


class NoSuchPath(AgentError):
    """A file that was asked for is not there, or not for everybody."""
