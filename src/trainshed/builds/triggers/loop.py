"""Background duty of build triggers: look at the repositories that they watch."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from trainshed.builds.triggers.pushes import Pushes
from trainshed.clock import Clock
from trainshed.duty import Duty, Next, off_loop
from trainshed.errors import TrainshedError

log = logging.getLogger(__name__)


class Watcher:
    """Looks at the repositories of all triggers: each in its turn, and at once when somebody says that it changed."""

    def __init__(self, pushes: Pushes, clock: Clock, *, interval_seconds: float) -> None:
        self._pushes = pushes
        self._clock = clock
        self._interval = timedelta(seconds=interval_seconds)
        self._next_round = clock.now()
        self._hurried: set[str] = set()
        self._wakes: list[Callable[[], None]] = []

    def duty(self) -> Duty:
        """Make the duty."""
        interval = self._interval.total_seconds()
        duty = Duty("repositories", self.run_once, interval_seconds=interval, clock=self._clock)
        self._wakes.append(duty.wake)
        return duty

    def hurry(self, trigger_ids: Iterable[str]) -> None:
        """Look at the repositories of these triggers now. To be called on the event loop."""
        self._hurried.update(trigger_ids)
        for wake in self._wakes:
            wake()

    async def run_once(self) -> Next:
        """Look at what was named, and at everything when a round is due; answer when the next one is."""
        hurried, self._hurried = self._hurried, set()
        watched = await off_loop(self._pushes.watched)
        if self._clock.now() >= self._next_round:
            self._next_round = self._clock.now() + self._interval
            named = watched
        else:
            named = tuple(trigger for trigger in watched if trigger.trigger_id in hurried)
        for trigger in named:
            try:
                await off_loop(self._pushes.poll, trigger)
            except TrainshedError as error:
                await off_loop(self._pushes.note_error, trigger, error)
            except Exception:  # a defect of ours must not keep the other repositories from being looked at
                log.exception("Build trigger %s failed.", trigger.name, extra={"action": "duty_failed"})
        return self._next_round
