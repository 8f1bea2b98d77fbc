"""What can go wrong in the balancer, in words for its operator."""

from __future__ import annotations

from mesos.errors import MezzoError


class BalancerError(MezzoError):
    """Root of this program's errors."""


class HaproxyMissing(BalancerError):
    """There is no HAProxy to run."""

    def __init__(self, binary: str) -> None:
        super().__init__(
            f"{binary} is not installed or not executable; install it (Debian, Ubuntu: apt-get install haproxy) "
            f"or name it with --haproxy-binary=PATH"
        )


class PortTaken(BalancerError):
    """One of the balancer's own ports cannot be had."""

    def __init__(self, port: int, flag: str, reason: str) -> None:
        super().__init__(f"port {port} cannot be had: {reason}; choose another with {flag}=PORT")


class HaproxyFailed(BalancerError):
    """HAProxy did not start, reload or answer; the text is what it said."""


class ConfigRefused(BalancerError):
    """``haproxy -c`` refuses a configuration.

    :ivar output: what HAProxy said, lines with ``[file:line]``.
    """

    def __init__(self, output: str) -> None:
        self.output = output
        super().__init__(f"HAProxy refuses the configuration: {output.strip()}")


class RuntimeRefused(BalancerError):
    """HAProxy's runtime API refuses a command; what runs may then differ from what should."""

    def __init__(self, command: str, answer: str) -> None:
        super().__init__(f"HAProxy refuses {command!r}: {answer.strip()}")


class MarathonUnavailable(BalancerError):
    """No Marathon of the list answers."""
