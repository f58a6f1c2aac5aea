"""Measure what a pipeline costs: speed, memory, time to load, size."""

import io
import itertools
import multiprocessing
import os
import platform
import re
import statistics
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

import shipped  # noqa: F401 (makes the factories known)

Run = Callable[[], Any]
# both source pipelines, one beside the other: what every combination is compared with
SEPARATELY = "separately"
# read so many words a round, for a steady speed
WORDS = 5_000


def measure_costs(
    folders: Sequence[Path], gold: Sequence[Doc], *, together: Sequence[Path]
) -> dict[str, dict[str, float | None]]:
    """Measure all that is to be paid for each pipeline, and for the sources together.

    gold: what they are to read: its first words, or all again and again.
    together: the source pipelines, which are among the folders.
    RETURNS: by name, and for `separately`, `words_per_second`; `memory_mb` at its peak;
        `load_seconds`; `disk_mb`; `wheel_mb`, that is compressed; `speed` and `memory`,
        relative to `separately`.
    """
    docs: list[str] = []
    words = 0
    for doc in itertools.cycle(gold):
        if words >= WORDS:
            break
        docs.append(doc.text)
        words += max(len(doc), 1)
    loaded = {folder.name: _load(folder) for folder in folders}
    runs: dict[str, Run] = {
        name: partial(run_one, nlp, docs) for name, (nlp, _) in loaded.items()
    }
    both = [loaded[folder.name][0] for folder in together]
    runs[SEPARATELY] = partial(run_separately, both, docs)
    costs: dict[str, dict[str, float | None]] = {
        name: {**speed} for name, speed in measure_speed(runs, words).items()
    }
    for folder in folders:
        costs[folder.name] |= {
            "memory_mb": peak_memory([folder], docs),
            "load_seconds": loaded[folder.name][1],
            **sizes(folder),
        }
    base = costs[SEPARATELY]
    base["memory_mb"] = peak_memory(together, docs)
    for key in ("load_seconds", "disk_mb", "wheel_mb"):
        base[key] = sum(costs[folder.name][key] or 0.0 for folder in together)
    for cost in costs.values():
        used, whole = cost["memory_mb"], base["memory_mb"]
        cost["memory"] = used / whole if used and whole else None
    return costs


def environment() -> dict[str, Any]:
    """Tell what was measured on: the `machine`, and the `versions` of what ran."""
    libraries = {name: version(name) for name in ("spacy", "thinc", "numpy")}
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {"Python": platform.python_version(), **libraries},
    }


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
            for other in more
            for ent in other.ents
        ]
        filter_spans([*doc.ents, *(span for span in spans if span)])


def measure_speed(
    runs: Mapping[str, Run], words: int, *, rounds: int = 5
) -> dict[str, dict[str, float]]:
    """Time all runs in turn, `rounds` times, so that a busy moment hits each alike.

    words: what each run reads.
    RETURNS: for each run the median of `words_per_second`, and of the ratio to running
        the sources separately in the same round, `speed`.
    """
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    ratios = {
        name: [b / t for b, t in zip(seconds[SEPARATELY], times, strict=True)]
        for name, times in seconds.items()
    }
    return {
        name: {
            "words_per_second": words / statistics.median(times),
            "speed": statistics.median(ratios[name]),
        }
        for name, times in seconds.items()
    }


def peak_memory(folders: Sequence[Path], texts: Sequence[str]) -> float | None:
    """Measure the most memory, in MB, that a process of its own has in use.

    The process loads the pipelines and runs them over the texts, separately. None where
    the system does not tell (Windows).
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_use_memory, (folders, texts))


def _use_memory(folders: Sequence[Path], texts: Sequence[str]) -> float | None:
    run_separately([spacy.load(folder) for folder in folders], texts)
    status = Path("/proc/self/status")
    if status.exists():
        # on Linux, ru_maxrss would be at least what the parent process had in use
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(peak) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _load(folder: Path, *, rounds: int = 3) -> tuple[Language, float]:
    """Load a pipeline, and time it: the median of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        nlp = spacy.load(folder)
        times.append(time.perf_counter() - start)
    return nlp, statistics.median(times)


def sizes(folder: Path) -> dict[str, float]:
    """Return the megabytes on disk, and compressed as in a wheel."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file)
    return {
        "disk_mb": sum(file.stat().st_size for file in files) / 1e6,
        "wheel_mb": buffer.tell() / 1e6,
    }
