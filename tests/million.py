"""Annotate a million texts, killed on the way, and count the rows.

It is not part of the suite, and prints what it saw:

    PYTHONPATH=scripts python -B tests/million.py sources/drugs --workers 2
    PYTHONPATH=scripts python -B tests/million.py sources/drugs --workers 2 --ray local

The texts are the project's own short ones, repeated with ids. It fails if a text has no
row, or two.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import numpy
import pyarrow.dataset as ds
import srsly
import typer

from helpers import ROOT

FILES = ("core_train", "drugs_train", "joint_dev", "test")
# words of the longest text
SHORT = 12


def main(
    pipeline: Annotated[Path, typer.Argument(help="A folder")],
    texts: Annotated[int, typer.Option(help="How many")] = 1_000_000,
    workers: Annotated[int, typer.Option(help="Processes")] = 2,
    ray: Annotated[str | None, typer.Option(help="See `annotate`")] = None,
    kills: Annotated[int, typer.Option(help="How often it is killed")] = 2,
    seed: Annotated[int, typer.Option(help="Of the moments")] = 0,
) -> None:
    """Annotate texts, kill that, go on, and count the rows."""
    with tempfile.TemporaryDirectory() as work:
        file, out = Path(work) / "texts.jsonl", Path(work) / "out"
        write(file, texts)
        run = [sys.executable, "-B", str(ROOT / "scripts" / "annotate.py")]
        run += [str(pipeline), str(file), "--output", str(out), "--id-column", "id"]
        run += ["--workers", str(workers), *(["--ray", ray] if ray else [])]
        moments = sorted(random.Random(seed).sample(range(5, 95), kills))  # noqa: S311
        for share in moments:
            kill_at(share / 100, run, out)
        began = time.monotonic()
        subprocess.run(run, check=True)
        print(f"the rest in {time.monotonic() - began:,.0f} s")
        check(out, texts)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"largest process: {usage.ru_maxrss / 1e3:,.0f} MB")


def write(file: Path, texts: int) -> None:
    """Write short texts of the project, repeated with ids."""
    read = [
        str(record["text"])
        for name in FILES
        for record in srsly.read_jsonl(ROOT / "assets" / f"{name}.jsonl")
    ]
    short = [text for text in read if len(text.split()) <= SHORT]
    rows = enumerate(islice(cycle(short), texts))
    srsly.write_jsonl(file, ({"id": f"t{n}", "text": text} for n, text in rows))


def kill_at(share: float, run: list[str], out: Path) -> None:
    """Start a run, and kill it once that share of the parts is there."""
    process = subprocess.Popen(run, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        parts = len([*out.glob("part-*")])
        total = srsly.read_json(out / "_run.json")["parts"] if parts else 0
        if total and parts >= share * total:
            process.kill()
            print(f"killed with {parts:,} of {total:,} parts there")
            process.wait()
        time.sleep(0.2)
    if process.returncode != -9:
        raise SystemExit(f"it ended by itself, with {process.returncode}")


def check(out: Path, texts: int) -> None:
    """Count the rows of each text."""
    table = ds.dataset(out, format="parquet").to_table(columns=["id"])
    numbers = [int(id_[1:]) for id_ in table["id"].to_pylist()]
    if (numpy.bincount(numbers, minlength=texts) != 1).any() or len(numbers) != texts:
        raise SystemExit(f"{len(numbers):,} rows of {texts:,} texts")
    print(f"{texts:,} texts, a row each")


if __name__ == "__main__":
    typer.run(main)
