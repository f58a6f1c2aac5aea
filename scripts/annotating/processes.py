"""Parts annotated here, in one process or several."""

from common.running import end_with_parent

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from annotating.plan import Part
from annotating.texts import Row
from annotating.worker import Annotator, Found, Job

Done = tuple[int, Found]
# what a worker process keeps: it loads the pipeline once
_at_work: list[Annotator] = []


def run_here(parts: Iterable[Part], job: Job) -> Iterator[Done]:
    """Annotate part after part, and yield what was found in each."""
    annotator = Annotator(job)
    for part, rows in parts:
        yield part, annotator.annotate(rows)


def run_in_processes(parts: Iterable[Part], job: Job, workers: int) -> Iterator[Done]:
    """Annotate parts in processes of their own, and yield them as they are ready.

    No more parts are read than there are workers, and one each that waits.

    RAISES ValueError: a process was killed, or could not load the pipeline.
    """
    # a process that was forked would have the locks of its parent's threads
    with ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=end_with_parent,
    ) as pool:
        waiting: set[Future[Done]] = set()
        try:
            for part, rows in parts:
                waiting.add(pool.submit(_work, job, part, rows))
                if len(waiting) >= 2 * workers:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except BrokenProcessPool as error:
            raise ValueError(
                "a worker process ended in the middle (was it killed, or short of "
                "memory?); what is whole is kept, run the same command to go on"
            ) from error


def _work(job: Job, part: int, rows: Sequence[Row]) -> Done:
    if not _at_work:
        _at_work.append(Annotator(job))
    return part, _at_work[0].annotate(rows)
