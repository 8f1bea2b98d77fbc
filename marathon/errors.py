"""What can go wrong with a request. The texts are Marathon's; which status each gets is the business of the API."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mesos.errors import MezzoError


class MarathonError(MezzoError):
    """A request that cannot be carried out. The text tells the user why."""


class Violation(msgspec.Struct, frozen=True, order=True):
    """A rule that a definition breaks, and where: ``/healthChecks(0)/portIndex``; ``/`` is the whole object."""

    path: str
    text: str


class Invalid(MarathonError):
    """A definition breaks rules. ``message`` tells whether its form or its meaning is wrong."""

    def __init__(self, violations: Iterable[Violation], message: str = "Object is not valid") -> None:
        self.violations, self.message = tuple(violations), message
        super().__init__(f"{message}: " + "; ".join(f"{each.path} {each.text}" for each in self.violations))


class NotJson(MarathonError):
    """A body is empty or cannot be parsed; ``details`` is what the parser said."""

    def __init__(self, message: str, details: str) -> None:
        self.message, self.details = message, details
        super().__init__(f"{message}: {details}")


class BadRequest(MarathonError):
    """A request contradicts itself."""


class BadArgument(MarathonError):
    """An argument cannot be used."""


class NotFound(MarathonError):
    """What was asked for does not exist."""


class UnknownApp(NotFound):
    """No such app, or no such version of it."""

    def __init__(self, app_id: str, version: str | None = None) -> None:
        where = f" in version {version}" if version else ""
        super().__init__(f"App '{app_id}' does not exist{where}")


class UnknownGroup(NotFound):
    """No such group, or no such version of it."""

    def __init__(self, group_id: str, version: str | None = None) -> None:
        where = f" in version {version}" if version else ""
        super().__init__(f"Group '{group_id}' does not exist{where}")


class UnknownTask(NotFound):
    """No such task."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task '{task_id}' does not exist")


class UnknownDeployment(NotFound):
    """No such deployment is running."""

    def __init__(self, deployment_id: str) -> None:
        super().__init__(f"DeploymentPlan {deployment_id} does not exist")


class NotQueued(NotFound):
    """Nothing of the app waits to be launched."""

    def __init__(self, app_id: str) -> None:
        super().__init__(f"Application {app_id} not found in tasks queue.")


class Conflict(MarathonError):
    """What was to be created exists."""


class AppExists(Conflict):
    """An app of that id exists."""

    def __init__(self, app_id: str) -> None:
        super().__init__(f"An app with id [{app_id}] already exists.")


class Locked(MarathonError):
    """Running deployments hold an app; ``deployment_ids`` names them."""

    def __init__(self, deployment_ids: Iterable[str]) -> None:
        self.deployment_ids = tuple(deployment_ids)
        super().__init__(
            "App is locked by one or more deployments. Override with the option '?force=true'. "
            "View details at '/v2/deployments/<DEPLOYMENT_ID>'."
        )


class TooManyDeployments(MarathonError):
    """As many deployments as allowed are running."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Max number ({limit}) of running deployments is achieved. Wait for existing deployments to complete or "
            "cancel one using force=true parameter. You can increase max deployment number by using "
            "--max_running_deployments parameter but be advised that this can have negative effects on the performance."
        )


class PortsExhausted(MarathonError):
    """Every service port is in use. ``low`` and ``high`` are given out too."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(f"All ports in the range [{low}-{high}) are already in use")
