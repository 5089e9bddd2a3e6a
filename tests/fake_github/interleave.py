"""Jobs that take turns: only one runs at a time, and at each request a seeded scheduler decides whose turn it is.

The jobs are ordinary blocking code, so each needs a thread to be suspended in; the baton makes the interleaving a pure function of the seed.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence

from faultray_action.github.transport import Request, Response

Transport = Callable[[Request], Response]


class Turns:
    """Runs jobs to their end, one request at a time. `choose` picks the next job out of those that still run."""

    def __init__(self, transport: Transport, choose: Callable[[Sequence[int]], int]) -> None:
        self._transport = transport
        self._choose = choose
        self._batons: list[threading.Semaphore] = []
        self._back = threading.Semaphore(0)
        self._running: list[int] = []
        self._errors: list[BaseException] = []

    def transport(self, job: int) -> Transport:
        """The transport of one job: before each request it hands the baton back."""

        def send(request: Request) -> Response:
            self._back.release()
            self._batons[job].acquire()
            return self._transport(request)

        return send

    def run(self, jobs: Sequence[Callable[[], object]]) -> None:
        self._batons = [threading.Semaphore(0) for _ in jobs]
        self._running = list(range(len(jobs)))
        threads = [threading.Thread(target=self._job, args=(number, job), daemon=True) for number, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        while self._running:
            self._batons[self._choose(self._running)].release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _job(self, number: int, job: Callable[[], object]) -> None:
        self._batons[number].acquire()
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self._errors.append(error)
        self._running.remove(number)
        self._back.release()


def chooser(seed: int) -> Callable[[Sequence[int]], int]:
    """Schedules of three tempers: fair dice, long runs of one job, and last come first served."""
    dice = random.Random(seed)
    temper = seed % 3
    last = [0]

    def choose(running: Sequence[int]) -> int:
        if temper == 1 and last[0] in running and dice.random() < 0.8:
            return last[0]
        if temper == 2 and dice.random() < 0.7:
            return max(running)
        last[0] = dice.choice(running)
        return last[0]

    return choose
