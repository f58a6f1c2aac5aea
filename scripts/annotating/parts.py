"""The folder that is written: in parts, each whole or not there."""

import json
import shutil
from array import array
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy
import pyarrow.parquet as pq
import srsly

from annotating.texts import Row
from annotating.worker import Counts, Found, words_in
from common.files import write_json, writing

# what tells of the run as a whole; pyarrow and others skip names that begin so
RUN = "_run.json"
FAILURES = "_failures"
# in the metadata of each part
COUNTS = b"annotate"
# a part is what is done anew after an interruption; so many in all at most
PART_WORDS, PARTS = 100_000, 2_000
# ids that an error names
SHOWN = 5


@dataclass(frozen=True)
class Plan:
    """How the texts are cut into parts.

    starts: the number of the first row of each part. rows: how many there are.
    """

    starts: list[int]
    rows: int


def plan_parts(read: Callable[[], Iterable[Row]]) -> Plan:
    """Read all texts once, so that a fault in them is found before hours of work.

    The plan is the same each time, whoever works by it. It takes 8 bytes a text.

    read: reads the rows anew.
    RAISES ValueError: a row cannot be read, or two have the same id.
    """
    # where another PART_WORDS would begin; every n-th of them is taken in the end
    places, words = [0], 0
    hashes = array("q")
    for count, row in enumerate(read()):
        if words >= len(places) * PART_WORDS:
            places.append(count)
        words += words_in(row)
        hashes.append(hash(row.id))
    values, times = numpy.unique(hashes, return_counts=True)
    if twice := {*values[times > 1].tolist()}:
        # different ids may have the same hash
        ids = Counter(row.id for row in read() if hash(row.id) in twice)
        if repeated := [name for name, number in ids.items() if number > 1]:
            shown = ", ".join(repeated[:SHOWN]) + ", ..." * (len(repeated) > SHOWN)
            raise ValueError(
                f"{len(repeated):,} ids stand more than once ({shown}); give a column "
                "that tells texts apart, or leave out --id-column"
            )
    step = -(-len(places) // PARTS)
    return Plan(places[::step] if hashes else [], len(hashes))


class Output:
    """A folder of parts."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Name the parts."""
        self.folder, self.plan = folder, plan

    def path(self, part: int) -> Path:
        """Name the file of a part."""
        return self.folder / f"part-{part:05}.parquet"

    def begin(self, run: dict[str, Any], *, overwrite: bool = False) -> Counts:
        """Begin, or go on with what the same run has left.

        run: all that the rows depend on.
        overwrite: remove what this command has left.
        RETURNS: what is there already.
        RAISES ValueError: the folder holds something else.
        """
        path = self.folder / RUN
        if overwrite and path.is_file():
            for file in [*self.folder.glob("part-*"), *self.folder.glob(RUN)]:
                file.unlink()
            shutil.rmtree(self.folder / FAILURES, ignore_errors=True)
        before = srsly.read_json(path) if path.is_file() else None
        others = [p for p in self.folder.iterdir() if not p.name.startswith(".")]
        if before is None and others:
            raise ValueError(
                f"{self.folder}: it holds files that are not of this command; give "
                "another folder"
            )
        if before and (other := [key for key in run if before.get(key) != run[key]]):
            raise ValueError(
                f"{self.folder}: it is of a run with other {' and '.join(other)}; "
                "give another folder, or --overwrite"
            )
        write_json(path, run)
        there = Counts()
        missing = self.missing()
        for part in range(len(self.plan.starts)):
            if part not in missing:
                there.add(self.counts(part))
        return there

    def missing(self) -> set[int]:
        """Collect the parts that are not there."""
        parts = range(len(self.plan.starts))
        return {part for part in parts if not self.path(part).is_file()}

    def write(self, part: int, found: Found) -> None:
        """Put a part in place, whole; before it the texts that failed."""
        failures = self.folder / FAILURES / f"part-{part:05}.jsonl"
        if found.failures:
            with writing(failures) as unfinished:
                srsly.write_jsonl(unfinished, found.failures)
        else:
            failures.unlink(missing_ok=True)
        counted = {**asdict(found.counts), "entities": [*found.counts.entities.items()]}
        told = {**(found.table.schema.metadata or {}), COUNTS: json.dumps(counted)}
        with writing(self.path(part)) as unfinished:
            pq.write_table(found.table.replace_schema_metadata(told), unfinished)

    def counts(self, part: int) -> Counts:
        """Read what a part holds.

        RAISES ValueError: the file is no part.
        """
        path = self.path(part)
        try:
            told = json.loads((pq.read_schema(path).metadata or {})[COUNTS])
        except Exception as error:
            raise ValueError(
                f"{path}: no part of this command ({type(error).__name__}: {error}); "
                "remove it, and run again"
            ) from error
        pairs = {tuple(key): number for key, number in told.pop("entities")}
        return Counts(**told, entities=Counter(pairs))


def select(
    rows: Iterable[Row], plan: Plan, parts: Collection[int]
) -> Iterator[tuple[int, list[Row]]]:
    """Yield some of the parts with their rows, in order; the others are skipped."""
    ends = [*plan.starts[1:], plan.rows]
    stream = iter(rows)
    for part, (start, end) in enumerate(zip(plan.starts, ends, strict=True)):
        own = islice(stream, end - start)
        if part in parts:
            yield part, list(own)
        else:
            deque(own, maxlen=0)
