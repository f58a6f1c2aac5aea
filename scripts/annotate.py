"""Annotate texts by a pipeline, from a few files to a data lake, into Parquet.

python scripts/annotate.py pipelines/drug_first texts.jsonl --output annotated
"""

from common.running import alone, ending

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm
from wasabi import msg

from annotating.cluster import run_on_ray
from annotating.parts import FAILURES, Output
from annotating.plan import Plan, Texts, plan_parts, read_parts
from annotating.processes import Done, run_here, run_in_processes
from annotating.texts import Columns, File, find_files
from annotating.worker import Counts, Job
from common.packages import identify

# by default
BY_PLACE = Columns()
# seconds between two lines of progress where nobody looks on
PAUSE = 60


@dataclass
class Summary:
    """What there is now, and how it came.

    total: what the folder holds. words: those that were read in this run, in seconds.
    """

    total: Counts
    words: int
    seconds: float


def annotate(
    pipeline: str,
    inputs: Sequence[str],
    folder: Path,
    *,
    columns: Columns = BY_PLACE,
    text: bool = True,
    limit: int | None = None,
    workers: int = 1,
    ray: str | None = None,
    overwrite: bool = False,
) -> Summary:
    """Annotate texts, or go on where an interrupted run has stopped.

    pipeline: a folder or an installed package.
    inputs: see `find_files`.
    folder: where the parts go.
    text: whether the texts are written, too.
    limit: take no more texts than that.
    workers: how many processes load the pipeline.
    ray: where these are, if not just here; see `run_on_ray`.
    overwrite: begin anew, whatever the folder has of this command.
    RAISES ValueError: the pipeline does not load, a file cannot be read, or the folder
        is of another run. What was annotated before stays.
    """
    job = _job(pipeline, text=text)
    texts = Texts(_outside(folder, find_files(inputs)), columns, limit)
    plan = plan_parts(texts)
    output = Output(folder, len(plan.starts))
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        output.begin(_describe(job, texts, plan), overwrite=overwrite)
        there = output.counts()
        missing = {*range(len(plan.starts))} - there.keys()
        done: Iterable[Done]
        if not missing:
            done = ()
        elif ray:
            done = run_on_ray(texts, plan, missing, job, workers, ray)
        elif workers > 1:
            done = run_in_processes(read_parts(texts, plan, missing), job, workers)
        else:
            done = run_here(read_parts(texts, plan, missing), job)
        return _write(done, output, plan, there)


def _job(pipeline: str, *, text: bool) -> Job:
    identity = identify(pipeline)
    if not identity:
        raise ValueError(f"{pipeline}: neither an installed package nor a pipeline")
    # workers may have another working directory
    path = Path(pipeline)
    return Job(str(path.absolute()) if path.is_dir() else pipeline, identity, text)


def _outside(folder: Path, files: Sequence[File]) -> list[File]:
    """Leave out what this command has written."""
    own = folder.absolute()
    return [file for file in files if not Path(file.path).is_relative_to(own)]


def _describe(job: Job, texts: Texts, plan: Plan) -> dict[str, Any]:
    """Tell all that the rows depend on, and which of them a part has."""
    return {
        "pipeline": [Path(job.pipeline).name, job.identity],
        "inputs": [file.address for file in texts.files],
        "columns": texts.columns.names,
        "text": job.text,
        "limit": texts.limit,
        "texts": plan.sha256,
        "parts": len(plan.starts),
    }


def _write(
    done: Iterable[Done], output: Output, plan: Plan, there: Mapping[int, Counts]
) -> Summary:
    """Write parts as they are ready, and show how far it is.

    there: those that were written before.
    """
    summary = Summary(Counts(), 0, 0)
    for counts in there.values():
        summary.total.add(counts)
    start = time.monotonic()
    with tqdm(
        total=sum(plan.words),
        initial=sum(plan.words[part] for part in there),
        unit=" words",
        unit_scale=True,
        leave=False,
        # where nobody looks on, each line stays
        mininterval=0.1 if sys.stderr.isatty() else PAUSE,
    ) as bar:
        for part, found in done:
            output.write(part, found)
            summary.total.add(found.counts)
            summary.words += found.counts.words
            bar.update(plan.words[part])
    summary.seconds = time.monotonic() - start
    return summary


def show(summary: Summary) -> None:
    """Print what there is now."""
    total = summary.total
    speed = f"{summary.words / summary.seconds:,.0f} words/s" if summary.words else ""
    msg.info(f"{total.texts:,} texts, {total.words:,} words", speed)
    rows = [
        (label, component or "?", f"{number:,}")
        for (label, component), number in total.entities.most_common()
    ]
    head = ("label", "component", "entities")
    msg.table(rows, header=head, divider=True, aligns=("l", "l", "r"))
    msg.info(f"{total.conflicts:,} conflicts")
    if total.failures:
        msg.warn(f"{total.failures:,} texts failed: {FAILURES} in the folder says why")


def main(
    pipeline: Annotated[str, typer.Argument(help="A folder or an installed package")],
    inputs: Annotated[list[str], typer.Argument(help="Files, folders, patterns")],
    output: Annotated[Path, typer.Option(help="The folder that is written")],
    text_column: Annotated[str, typer.Option(help="Where texts stand")] = "text",
    id_column: Annotated[str | None, typer.Option(help="What they are called")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="No more texts")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes")] = 1,
    ray: Annotated[
        str | None, typer.Option(help="A cluster: local, auto or HOST:PORT")
    ] = None,
    text: Annotated[bool, typer.Option(help="Write the texts, too")] = True,
    overwrite: Annotated[bool, typer.Option(help="Begin anew")] = False,
) -> None:
    """Annotate texts by a pipeline, into Parquet."""
    try:
        summary = annotate(
            pipeline,
            inputs,
            output,
            columns=Columns(text_column, id_column),
            text=text,
            limit=limit,
            workers=workers,
            ray=ray,
            overwrite=overwrite,
        )
    except ValueError as error:
        msg.fail(f"{output} is not complete", str(error), exits=1)
    show(summary)
    msg.good(str(output))


if __name__ == "__main__":
    typer.run(ending(main))
