"""Starts and stops a program.

A program is one coroutine that runs until it is cancelled. SIGTERM and SIGINT cancel it and give it time to clean up;
what goes wrong before it runs (a bad flag, a port that is taken) becomes one line on stderr and exit code 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from mesos.errors import MezzoError


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run ``main()`` to its end on uvloop (or plain asyncio where there is none) and return the exit code."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signalled(main))
    except MezzoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return 1
    return 0


async def _until_signalled(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    inner = loop.create_task(main())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, inner.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await inner
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
