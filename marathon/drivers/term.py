"""One term as leader: the loaded state, the loop around it, and everything that acts for it.

A term begins with reading the store and ends for good: when leadership is lost, when the store fails, when the program
stops. The next term starts over from the store, in the same process or in another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from marathon.core import effects as fx
from marathon.core import events as ev
from marathon.core.machine import Machine
from marathon.core.settings import Settings
from marathon.core.state import State
from marathon.drivers.alarm import Alarm
from marathon.drivers.bus import EventBus
from marathon.drivers.mesos import MesosDriver, Registration
from marathon.drivers.prober import Prober
from marathon.store.load import load
from mesos.clock import Clock, IdSource
from mesos.effects import Effect
from mesos.election import Detector
from mesos.loop import Loop
from mesos.store import Store

log = logging.getLogger(__name__)


END_TIMEOUT_S = 3.0
"""How long the end of a term waits for its store."""


class Term:
    """Made with :meth:`begin`. ``state`` is to be looked at only; it changes through :meth:`ask`."""

    def __init__(
        self,
        store: Store,
        state: State,
        *,
        settings: Settings,
        registration: Registration,
        detector: Detector,
        bus: EventBus,
        clock: Clock,
        ids: IdSource,
        probes_at_once: int,
        on_failure: Callable[[str], None],
        on_refused: Callable[[str], None],
    ) -> None:
        self.store, self.state, self.bus = store, state, bus
        self._on_failure, self._on_refused = on_failure, on_refused
        machine = Machine(state, settings, ids)
        self._loop = Loop(machine.step, clock=clock, perform=self._perform, store=store, on_failure=self._store_failed)
        self._alarm = Alarm(clock, lambda: self._loop.post(ev.Tick()))
        self._prober = Prober(self._loop.post, probes_at_once)
        self.mesos = MesosDriver(
            detector,
            ids,
            registration,
            framework_id=state.framework_id,
            roles=lambda: tuple(state.roles),
            post=self._loop.post,
        )
        self._subscription: asyncio.Task[None] | None = None
        self._over = False
        self._handlers: dict[type[Effect], Callable[..., None]] = {
            fx.SendCall: lambda effect: self.mesos.send(effect.call),
            fx.Publish: lambda effect: bus.publish(effect.kind, effect.fields, effect.at_s),
            fx.WakeAt: lambda effect: self._alarm.set(effect.at_s),
            fx.Probe: self._prober.probe,
            fx.ReadinessQuery: self._prober.ask_readiness,
            fx.SubscribeRoles: lambda _: self.mesos.update_roles(),
            fx.RegisterAnew: lambda _: self.mesos.register_anew(),
            fx.FrameworkRefused: lambda effect: self._on_refused(effect.message),
        }

    @classmethod
    async def begin(
        cls,
        store: Store,
        *,
        settings: Settings,
        registration: Registration,
        detector: Detector,
        bus: EventBus,
        clock: Clock,
        ids: IdSource,
        probes_at_once: int = 256,
        on_failure: Callable[[str], None],
        on_refused: Callable[[str], None],
    ) -> Term:
        """Read the store, go on where the last leader stopped, and subscribe with the master.

        :param on_failure: told once when the store fails: the term is over.
        :param on_refused: told when the master will not have this framework any more.
        :raises BadState: when what is stored cannot be read.
        :raises StoreError: when the store cannot be read.
        """
        state = await load(store, settings)
        term = cls(
            store,
            state,
            settings=settings,
            registration=registration,
            detector=detector,
            bus=bus,
            clock=clock,
            ids=ids,
            probes_at_once=probes_at_once,
            on_failure=on_failure,
            on_refused=on_refused,
        )
        term._loop.post(ev.Elected())
        await term._loop.idle()
        term._subscription = asyncio.get_running_loop().create_task(term.mesos.run())
        log.info("term began", extra={"apps": len(state.current), "instances": len(state.instances)})
        return term

    async def ask(self, make_event: Callable[[int], ev.Event]) -> object:
        """Let the core decide on a request and return its answer, once that is durable.

        :raises MarathonError: what the core refuses it with.
        :raises LoopFailed: when the term is over.
        """
        return await self._loop.ask(make_event)

    async def end(self, *, leads: bool = False) -> None:
        """Stop acting at once, or with ``leads`` only after what was decided has left; then close the store.

        A store that does not answer is not waited for: whoever leads next finds what became durable.
        """
        self._over = not leads
        self._alarm.cancel()
        if self._subscription is not None:
            self._subscription.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._subscription
        await self._prober.close()
        for finish in (self._loop.stop, self.store.close):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_TIMEOUT_S):
                    await finish()
        self._over = True
        self._alarm.cancel()

    def _perform(self, effect: Effect) -> None:
        if self._over:
            return  # another leader may act by now
        self._handlers[type(effect)](effect)

    def _store_failed(self, error: BaseException) -> None:
        self._on_failure(str(error))
