"""The apps that Marathon has, and what the bus announced about their tasks before a document tells it.

Tables are dicts changed in place. What bounds them: apps and live tasks by the cluster, the memory of killed and ended
tasks by ``MAX_MARKS``, the oldest going first.
"""

from __future__ import annotations

from collections.abc import Iterable

from marathon_lb.core.build import last_results
from marathon_lb.core.documents import App
from marathon_lb.core.model import Service
from marathon_lb.core.names import instance_of

MAX_MARKS = 100_000


class Table:
    """What is known of the cluster."""

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self.services: dict[str, tuple[Service, ...]] = {}
        self.problems: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.killing: dict[str, None] = {}
        self.gone: dict[str, None] = {}
        self.alive: dict[str, bool] = {}
        self.app_of: dict[str, str] = {}
        """App by instance and by task."""

    def put(self, app: App) -> None:
        """Take a newer document of an app."""
        self._forget_tasks(app.id, keep={task.id for task in app.tasks or ()})
        self.apps[app.id] = app
        self.alive.update(last_results(app))
        for task in app.tasks or ():
            self.app_of[task.id] = self.app_of[instance_of(task.id)] = app.id

    def drop(self, app_id: str) -> None:
        """Forget an app."""
        self._forget_tasks(app_id, keep=set())
        self.apps.pop(app_id, None)
        self.problems.pop(app_id, None)

    def mark_killing(self, instance: str) -> None:
        """Note that the instance will be killed."""
        _mark(self.killing, instance)

    def mark_gone(self, task_id: str) -> None:
        """Note that the task has ended."""
        _mark(self.gone, task_id)
        self.killing.pop(instance_of(task_id), None)

    def tasks_of(self, app_id: str, instance: str) -> Iterable[str]:
        """Return the app's tasks that belong to the instance."""
        app = self.apps.get(app_id)
        return [task.id for task in (app.tasks or () if app else ()) if instance_of(task.id) == instance]

    def _forget_tasks(self, app_id: str, keep: set[str]) -> None:
        before = self.apps.get(app_id)
        for task in before.tasks or () if before else ():
            if task.id not in keep:
                for key in (task.id, instance_of(task.id)):
                    self.app_of.pop(key, None)
                self.alive.pop(task.id, None)


def _mark(marks: dict[str, None], key: str) -> None:
    marks[key] = None
    if len(marks) > MAX_MARKS:
        del marks[next(iter(marks))]
