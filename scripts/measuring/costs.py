"""Measure what a pipeline costs: speed, memory, time to load, size."""

import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans
from tqdm import tqdm

from common.files import sha256
from common.ners import found_by

Cost = dict[str, float | None]
SCRIPTS = Path(__file__).resolve().parent.parent
# read so many words a round, for a steady speed
WORDS = 3_000
ROUNDS = 5


@dataclass(frozen=True)
class Loaded:
    """A pipeline, and how long it took to load."""

    folder: Path
    nlp: Language
    load_seconds: float


def measure_costs(
    pipelines: Mapping[str, Loaded], sources: Sequence[str], gold: Iterable[Doc]
) -> tuple[dict[str, Cost], Cost]:
    """Measure all that is to be paid for each pipeline, and for the sources together.

    pipelines: what is measured, by name; all of it has run before.
    sources: the names of the source pipelines.
    gold: what they are to read: its first words, or all again and again.
    RETURNS: by name, and for all sources separately, one beside the other:
        `words_per_second` of CPU time; `memory_mb` at its peak; `load_seconds`;
        `disk_mb`; `wheel_mb`, that is compressed; `speed` and `memory`, relative to
        the sources separately.
    """
    texts, words = take(gold, WORDS)
    together = partial(run_separately, [pipelines[n].nlp for n in sources], texts)
    each = [partial(run_one, one.nlp, texts) for one in pipelines.values()]
    speed, *speeds = measure_speeds([together, *each], words)
    folders = [one.folder for one in pipelines.values()]
    loads = [[pipelines[name].folder for name in sources], *([f] for f in folders)]
    with ThreadPoolExecutor(2) as pool, ExitStack() as end:
        # Ctrl-C does not wait for what has not begun
        end.callback(pool.shutdown, wait=False, cancel_futures=True)
        running = pool.map(partial(peak_memory, texts=texts), loads)
        peak, *peaks = tqdm(
            running, "memory", total=len(loads), leave=False, disable=None
        )
        known: dict[str, int] = {}
        packed = list(pool.map(partial(sizes, known=known), folders))
    costs: dict[str, Cost] = {}
    for at, (name, one) in enumerate(pipelines.items()):
        own = {"load_seconds": one.load_seconds, **packed[at]}
        costs[name] = {**speeds[at], **_memory(peaks[at], peak), **own}
    sums = {
        key: sum(costs[name][key] or 0.0 for name in sources)
        for key in ("load_seconds", "disk_mb", "wheel_mb")
    }
    return costs, {**speed, **_memory(peak, peak), **sums}


def _memory(peak: float | None, base: float | None) -> Cost:
    return {"memory_mb": peak, "memory": peak / base if peak and base else None}


def environment() -> dict[str, Any]:
    """Tell what was measured on: the `machine`, and the `versions` of what ran."""
    libraries = {name: version(name) for name in ("spacy", "thinc", "numpy")}
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {"Python": platform.python_version(), **libraries},
    }


def take(gold: Iterable[Doc], size: int) -> tuple[list[str], int]:
    """Take the first texts, again from the start where they end.

    RETURNS: the texts, and how many words they have: `size` or a few more.
    """
    texts: list[str] = []
    words = 0
    for doc in itertools.cycle(gold):
        if words >= size:
            break
        texts.append(doc.text)
        # a text without words would go on for ever
        words += max(len(doc), 1)
    return texts, words


def run_one(nlp: Language, texts: Sequence[str]) -> None:
    """Run one pipeline over the texts."""
    for _ in nlp.pipe(texts):
        pass


def run_separately(pipelines: Sequence[Language], texts: Sequence[str]) -> None:
    """Run pipelines one beside the other and merge their entities in Python.

    It is what people do without a combination, and what all speeds are relative to.
    """
    first, *others = pipelines
    rest = [nlp.pipe(texts) for nlp in others]
    for doc, *more in zip(first.pipe(texts), *rest, strict=True):
        spans = [
            doc.char_span(ent.start_char, ent.end_char, label=ent.label_)
            for nlp, other in zip(others, more, strict=True)
            for ent in found_by(nlp, other)
        ]
        filter_spans([*doc.ents, *(span for span in spans if span)])


def measure_speeds(runs: Sequence[Callable[[], Any]], words: int) -> list[Cost]:
    """Time runs in turn, some rounds, so that a busy moment hits each alike.

    It is CPU time, all threads of this process: what else a machine does is left out.

    runs: that to which all others are compared stands first.
    words: what each run reads.
    RETURNS: for each run the medians of its `words_per_second` and of how many times
        as fast as the first run it was in the same round, `speed`.
    """
    # no clock tells less than its own step
    least = time.get_clock_info("process_time").resolution
    rounds: list[list[float]] = []
    for _ in tqdm(range(ROUNDS), "speed", leave=False, disable=None):
        seconds = []
        for run in runs:
            start = time.process_time()
            run()
            seconds.append(max(time.process_time() - start, least))
        rounds.append(seconds)
    return [
        {
            "words_per_second": words / statistics.median(times),
            "speed": statistics.median(r[0] / r[i] for r in rounds),
        }
        for i, times in enumerate(zip(*rounds, strict=True))
    ]


def peak_memory(folders: Sequence[Path], texts: Sequence[str]) -> float | None:
    """Measure the most memory, in MB, that a process of its own has in use.

    The process loads the pipelines and runs them over the texts, separately. None where
    the system does not tell (Windows), or has not that much.
    """
    paths = [str(folder.resolve()) for folder in folders]
    done = subprocess.run(
        [sys.executable, "-B", "-m", "measuring.memory", *paths],
        cwd=SCRIPTS,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
    )
    return float(done.stdout) if done.returncode == 0 else None


def sizes(folder: Path, known: dict[str, int]) -> dict[str, float]:
    """Return the megabytes on disk, and compressed as in a wheel.

    known: by SHA-256 how long compressed files are: much is the same in pipelines.
    """
    disk = wheel = 0
    for file in folder.rglob("*"):
        if file.is_file():
            digest = sha256(file)
            if digest not in known:
                known[digest] = len(zlib.compress(file.read_bytes()))
            disk += file.stat().st_size
            wheel += known[digest]
    return {"disk_mb": disk / 1e6, "wheel_mb": wheel / 1e6}
