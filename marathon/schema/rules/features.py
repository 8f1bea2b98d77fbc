"""What has to be switched on by ``--enable_features``: secrets, GPUs, external volumes."""

from __future__ import annotations

from collections.abc import Iterator

from marathon.core.model.app import AppDefinition, EnvSecret
from marathon.core.model.container import EngineType
from marathon.errors import Violation
from marathon.schema.context import Context


def disabled(feature: str) -> str:
    """Return upstream's text, stray bracket included."""
    return f"Feature {feature} is not enabled. Enable with --enable_features {feature})"


def rules(app: AppDefinition, context: Context) -> Iterator[Violation]:
    """Check that what is used is switched on, and that secrets are declared."""
    with_secrets = "secrets" in context.features
    if app.secrets and not with_secrets:
        yield Violation("/secrets", disabled("secrets"))
    for name, value in app.env.items():
        if not isinstance(value, EnvSecret):
            continue
        if not with_secrets:
            text = "use of secret-references in the environment requires the secrets feature to be enabled"
            yield Violation(f"/env/{name}/secret", text)
        elif value.secret not in app.secrets:
            yield Violation(f"/env/{name}/secret", "references an undefined secret")
    if app.gpus > 0:
        if "gpu_resources" not in context.features:
            yield Violation("/gpus", disabled("gpu_resources"))
        if app.container is not None and app.container.type is EngineType.DOCKER:
            yield Violation("/", "GPU resources only work with the Mesos containerizer")
