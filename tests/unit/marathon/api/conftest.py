"""A running marathon on a simulated Mesos."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.marathon_node import Client, running


@pytest.fixture
async def api() -> AsyncIterator[Client]:
    async with running() as client:
        yield client
