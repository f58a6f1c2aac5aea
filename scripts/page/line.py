"""The line in which visitors wait for their turn, the patient behind the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from threading import Condition
from time import monotonic


class Line:
    """Lets in one thread at a time: the one whose patience ends first.

    Who can wait for long is overtaken by those who cannot, but never for ever.
    """

    def __init__(self) -> None:
        """Open the line."""
        # when the patience of each ends; if of two at the same time, as they came
        self.waiting: list[tuple[float, int]] = []
        self._numbers = count()
        self._taken = False
        self._changed = Condition()

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends.

        patience: the seconds in which those who come later, and have less, go before.
        """
        with self._changed:
            own = (monotonic() + patience, next(self._numbers))
            heappush(self.waiting, own)
            while self._taken or self.waiting[0] != own:
                self._changed.wait()
            heappop(self.waiting)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
