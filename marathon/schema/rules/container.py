"""Images and engines. Source: Marathon ``AppValidation.validOldContainerAPI``, ``validCanonicalAppDefinition``."""

from __future__ import annotations

from collections.abc import Iterator

from marathon.core.model.app import AppDefinition
from marathon.core.model.container import Container, Docker, EngineType, LinuxInfo
from marathon.errors import Violation
from marathon.schema.context import Context
from marathon.schema.rules.features import disabled

AT = "/container"


def rules(app: AppDefinition, context: Context) -> Iterator[Violation]:
    """Check the container, if there is one."""
    container = app.container
    if container is None:
        return
    if container.type is EngineType.DOCKER:
        yield from _docker(container)
    elif container.docker is not None:
        yield from _mesos(container.docker, app, context)
    if container.linux_info is not None:
        yield from _linux(container.linux_info, container.type)


def _docker(container: Container) -> Iterator[Violation]:
    if container.docker is None:
        yield Violation(f"{AT}/docker", "not defined")
    elif container.docker.pull_config is not None:
        yield Violation(f"{AT}/docker/pullConfig", "pullConfig is not supported with Docker containerizer")


def _mesos(docker: Docker, app: AppDefinition, context: Context) -> Iterator[Violation]:
    if docker.parameters:
        yield Violation(f"{AT}/docker/parameters", "must be empty")
    if docker.privileged:
        yield Violation(f"{AT}/docker/privileged", "must be empty")
    if docker.pull_config is not None:
        if "secrets" not in context.features:
            yield Violation(f"{AT}/docker/pullConfig", disabled("secrets"))
        elif docker.pull_config.secret not in app.secrets:
            text = "pullConfig.secret must refer to an existing secret"
            yield Violation(f"{AT}/docker/pullConfig/secret", text)


def _linux(info: LinuxInfo, engine: EngineType) -> Iterator[Violation]:
    at = f"{AT}/linuxInfo"
    if engine is EngineType.DOCKER:
        yield Violation(at, "linuxInfo is not supported with Docker containerizer")
    if info.seccomp is not None:
        has_profile = info.seccomp.profile_name is not None
        if not has_profile and not info.seccomp.unconfined:
            yield Violation(f"{at}/seccomp", "Seccomp unconfined must be true when Profile is NOT defined")
        if has_profile and info.seccomp.unconfined:
            yield Violation(f"{at}/seccomp", "Seccomp unconfined can NOT be true when Profile is defined")
    if info.ipc_info is not None and info.ipc_info.mode == "SHARE_PARENT" and info.ipc_info.shm_size is not None:
        yield Violation(f"{at}/ipcInfo", "ipcInfo shmSize can NOT be set when mode is SHARE_PARENT")
