"""Parts annotated here, in one process or several."""

from common.running import end_with_parent

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from annotating.parts import Output
from annotating.texts import Row
from annotating.worker import Annotator, Counts

Part = tuple[int, Sequence[Row]]
Done = tuple[int, Counts]
# what a worker process keeps: it loads the pipeline once
_at_work: list[tuple[Annotator, Output]] = []


def run_here(
    parts: Iterable[Part], annotator: Annotator, output: Output
) -> Iterator[Done]:
    """Annotate part after part, and yield what each holds."""
    for part, rows in parts:
        found = annotator.annotate(rows)
        output.write(part, found)
        yield part, found.counts


def run_in_processes(
    parts: Iterable[Part], workers: int, pipeline: str, output: Output, *, text: bool
) -> Iterator[Done]:
    """Annotate parts in processes of their own, as they come.

    No more parts are read than there are workers, and one each that waits.

    RAISES ValueError: a process was killed, or could not load the pipeline.
    """
    # a process that was forked would have the locks of its parent's threads
    with ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(pipeline, text, output),
    ) as pool:
        waiting: set[Future[Done]] = set()
        try:
            for part, rows in parts:
                waiting.add(pool.submit(_work, part, rows))
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


def _begin(pipeline: str, text: bool, output: Output) -> None:
    end_with_parent()
    _at_work.append((Annotator(pipeline, text=text), output))


def _work(part: int, rows: Sequence[Row]) -> Done:
    annotator, output = _at_work[0]
    ((done, counts),) = run_here([(part, rows)], annotator, output)
    return done, counts
