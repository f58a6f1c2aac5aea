"""Annotate texts by a pipeline, from a few files to a data lake, into Parquet.

python scripts/annotate.py pipelines/drug_first texts.jsonl --output annotated
"""

from common.running import alone, ending

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.util import get_package_path, is_package
from tqdm import tqdm
from wasabi import msg

from annotating.parts import FAILURES, Output, plan_parts, select
from annotating.processes import run_here, run_in_processes
from annotating.texts import Columns, File, Row, find_files, read_rows
from annotating.worker import Annotator, Counts
from common.files import sha256

# by default
BY_PLACE = Columns()


@dataclass
class Summary:
    """What there is now, and how it came.

    total: what the folder holds. words: those that were read in this run, in seconds.
    """

    total: Counts
    words: int = 0
    seconds: float = 0


def annotate(
    pipeline: str,
    inputs: Sequence[str],
    folder: Path,
    *,
    columns: Columns = BY_PLACE,
    text: bool = True,
    limit: int | None = None,
    workers: int = 1,
    overwrite: bool = False,
) -> Summary:
    """Annotate texts, or go on where an interrupted run has stopped.

    pipeline: a folder or an installed package.
    inputs: see `find_files`.
    folder: where the parts go.
    text: whether the texts are written, too.
    limit: take no more texts than that.
    workers: how many processes load the pipeline.
    overwrite: begin anew, whatever the folder has of this command.
    RAISES ValueError: the pipeline does not load, a file cannot be read, or the folder
        is of another run. What was annotated before stays.
    """
    files = find_files(inputs)

    def read() -> Iterator[Row]:
        return islice(read_rows(files, columns), limit)

    plan = plan_parts(read)
    output = Output(folder, plan)
    run = _describe(pipeline, files, columns, text=text, limit=limit)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        there = output.begin(run, overwrite=overwrite)
        summary = Summary(there)
        start = time.monotonic()
        parts = select(read(), plan, output.missing())
        if workers == 1:
            done = run_here(parts, Annotator(pipeline, text=text), output)
        else:
            done = run_in_processes(parts, workers, pipeline, output, text=text)
        with tqdm(
            total=plan.rows, initial=there.texts, unit="text", disable=None, leave=False
        ) as bar:
            for _, counts in done:
                summary.total.add(counts)
                summary.words += counts.words
                bar.update(counts.texts)
        summary.seconds = time.monotonic() - start
    return summary


def _describe(
    pipeline: str,
    files: Sequence[File],
    columns: Columns,
    *,
    text: bool,
    limit: int | None,
) -> dict[str, Any]:
    """Tell all that the rows depend on."""
    package = get_package_path(pipeline) if is_package(pipeline) else Path(pipeline)
    configs = sorted(package.rglob("config.cfg"), key=_depth)
    if not configs:
        raise ValueError(f"{pipeline}: neither an installed package nor a pipeline")
    return {
        "pipeline": {"name": Path(pipeline).name, "sha256": sha256(configs[0].parent)},
        "inputs": [[file.address, file.size] for file in files],
        "columns": columns.names,
        "text": text,
        "limit": limit,
    }


def _depth(path: Path) -> int:
    return len(path.parts)


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
    limit: Annotated[int | None, typer.Option(help="No more texts than that")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes")] = 1,
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
            overwrite=overwrite,
        )
    except ValueError as error:
        msg.fail(f"{output} is not complete", str(error), exits=1)
    show(summary)
    msg.good(str(output))


if __name__ == "__main__":
    typer.run(ending(main))
