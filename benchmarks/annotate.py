"""Measure how the cost of `annotate` grows with texts, their length, and workers.

In the folder of a project in which `assemble` has run, with `--keep entities`, too:

    python -B benchmarks/annotate.py pipelines/drug_first pipelines/drug_first_entities

The texts are made of the sentences of the project's own. Each cell is a run of the
command, its start included; nothing else should run on the machine meanwhile.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import altair as alt
import pandas as pd
import spacy
import srsly
import typer
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from annotating.texts import Row  # noqa: E402
from annotating.worker import Annotator, Counts, Job  # noqa: E402
from common.packages import identify  # noqa: E402

FOUND = Path(__file__).with_suffix(".json")
ASSETS = ("core_train", "drugs_train", "joint_dev", "test")
# number of texts, words in each
GROWTH = [(1_000, 10), (10_000, 10), (100_000, 10)]
LENGTHS = [(10_000, 10), (1_000, 100), (100, 1_000), (10, 10_000)]
# of the words, those that no text has had before
UNSEEN = 0.2
# texts and repetitions of the comparison with `nlp.pipe`
PIPED, TIMES = 2_000, 3
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Cell:
    """What is measured at once."""

    pipeline: Path
    texts: int
    words: int
    workers: int = 1
    ray: bool = False
    unseen: float = 0.0


def cells(pipelines: list[Path], *, ray: bool) -> list[Cell]:
    """List what is measured."""
    found = []
    for pipeline in pipelines:
        for texts, words in dict.fromkeys([*GROWTH, *LENGTHS]):
            found += [Cell(pipeline, texts, words, workers) for workers in (1, 2)]
    (texts, words), first = GROWTH[-1], pipelines[-1]
    found.append(Cell(first, texts, words, unseen=UNSEEN))
    if ray:
        found += [Cell(first, texts, words, n, ray=True) for n in (1, 2)]
    return found


def write(cell: Cell, file: Path) -> None:
    """Write the texts of a cell, always the same."""
    rows = enumerate(islice(make_texts(cell.words, cell.unseen), cell.texts))
    srsly.write_jsonl(
        file, ({"id": f"t{number}", "text": text} for number, text in rows)
    )


def make_texts(words: int, unseen: float) -> Iterator[str]:
    """Make texts of so many words without end, of the project's own sentences.

    unseen: the share of words that are made up.
    """
    drawn = random.Random(0)  # noqa: S311
    read = [
        str(record["text"]).split()
        for name in ASSETS
        for record in srsly.read_jsonl(ROOT / "assets" / f"{name}.jsonl")
    ]
    held: list[str] = []
    while True:
        while len(held) < words:
            held += drawn.choice(read)
        text, held = held[:words], held[words:]
        yield " ".join(
            "".join(drawn.choices(LETTERS, k=9)) if drawn.random() < unseen else word
            for word in text
        )


def measure(cell: Cell) -> dict[str, Any]:
    """Run the command over a cell's texts.

    RETURNS: tokens; wall and CPU time in seconds; memory of the largest process in MB.
    """
    with tempfile.TemporaryDirectory() as work:
        file, out = Path(work) / "texts.jsonl", Path(work) / "out"
        write(cell, file)
        run = [sys.executable, "-B", str(Path(__file__)), "--one"]
        run += [str(cell.pipeline), str(file), "--output", str(out)]
        run += ["--id-column", "id", "--workers", str(cell.workers)]
        run += ["--ray", "local"] if cell.ray else []
        printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        told = srsly.json_loads(printed.splitlines()[-1])
        tokens = sum(Counts.of(part).words for part in out.glob("*.parquet"))
    named = {**asdict(cell), "pipeline": cell.pipeline.name}
    return {**named, "tokens": tokens, **told}


def run_one(arguments: list[str]) -> None:
    """Run the command in a process of its own, and print what it took."""
    began = time.monotonic()
    command = [sys.executable, "-B", str(ROOT / "scripts" / "annotate.py"), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"seconds": time.monotonic() - began, "memory_mb": used.ru_maxrss / 1e3}
    print(srsly.json_dumps({**told, "cpu_seconds": used.ru_utime + used.ru_stime}))


def against_pipe(pipeline: Path) -> float:
    """Compare with `nlp.pipe` over the same texts, by CPU time in one process.

    RETURNS: the speed of `annotate`, of that of `nlp.pipe`.
    """
    annotator = Annotator(Job(str(pipeline), identify(str(pipeline))))
    nlp = spacy.load(pipeline)
    texts = [*islice(make_texts(20, 0), PIPED)]
    rows = [Row(str(number), text) for number, text in enumerate(texts)]
    took = {"annotate": 0.0, "pipe": 0.0}
    for turn in range(TIMES + 1):
        began = time.process_time()
        annotator.annotate(rows)
        between = time.process_time()
        with nlp.memory_zone():
            for doc in nlp.pipe(texts):
                list(doc.ents)
        # the first time is the warm-up
        if turn:
            took["annotate"] += between - began
            took["pipe"] += time.process_time() - between
    return took["pipe"] / took["annotate"]


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw the seconds of a run, and its speed, over the number and length of texts."""
    rows = pd.DataFrame(found["cells"])
    rows = rows[~rows["ray"] & (rows["unseen"] == 0)]
    rows["run"] = rows["pipeline"] + ", workers: " + rows["workers"].astype(str)
    rows["tokens/s"] = rows["tokens"] / rows["seconds"]
    sizes = [texts * words for texts, words in LENGTHS]
    same = (rows["texts"] * rows["words"]).isin(sizes)
    growth = rows[rows["words"].eq(GROWTH[0][1]) & rows["texts"].isin(dict(GROWTH))]
    marks = [
        alt.Chart(part)
        .mark_line(point=True)
        .encode(
            alt.X(f"{x}:Q").scale(type="log").title(title),
            alt.Y(f"{y}:Q").scale(type=scale),
            alt.Color("run:N").title(None),
        )
        .properties(width=330, height=240)
        for part, x, title, y, scale in [
            (growth, "texts", "texts of 10 words", "seconds", "log"),
            (
                rows[same],
                "words",
                "words in a text, 100,000 in all",
                "tokens/s",
                "linear",
            ),
        ]
    ]
    alt.hconcat(*marks).configure_legend(orient="bottom").save(path)


def main(
    pipelines: Annotated[list[str], typer.Argument(help="Folders")],
    output: Annotated[Path, typer.Option(help="JSON; a plot beside it")] = FOUND,
    ray: Annotated[bool, typer.Option(help="Measure a local cluster, too")] = False,
) -> None:
    """Measure, print, and draw."""
    paths = [Path(pipeline) for pipeline in pipelines]
    piped = {path.name: against_pipe(path) for path in paths}
    measured = []
    for cell in tqdm(cells(paths, ray=ray)):
        measured.append(measure(cell))
        tqdm.write(srsly.json_dumps(measured[-1]))
    found = {"against_pipe": piped, "cells": measured}
    srsly.write_json(output, found)
    draw(found, output.with_suffix(".svg"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(sys.argv[2:])
    else:
        typer.run(main)
