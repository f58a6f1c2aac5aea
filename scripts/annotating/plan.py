"""Which texts are annotated together, so that an interrupted run can go on."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy
from tqdm import tqdm

from annotating.pieces import cut
from annotating.texts import Columns, File, Row, read_rows

# a part is what is done anew after an interruption; so many in all at most
PART_WORDS, PARTS = 50_000, 2_000
# ids that an error names
SHOWN = 5

Part = tuple[int, list[Row]]


@dataclass(frozen=True)
class Texts:
    """All texts of a run; they can be read again, and in another process.

    limit: no more of them than that.
    """

    files: Sequence[File]
    columns: Columns
    limit: int | None = None

    def read(self) -> Iterator[Row]:
        """Yield them, always in the same order."""
        return islice(read_rows(self.files, self.columns), self.limit)


@dataclass(frozen=True)
class Plan:
    """How the texts are cut into parts.

    starts: the number of the first row of each part. words: how many it has, roughly.
    rows: how many there are in all. sha256: of their ids and texts.
    """

    starts: list[int]
    words: list[int]
    rows: int
    sha256: str


def plan_parts(texts: Texts) -> Plan:
    """Read all texts once, so that a fault in them is found before hours of work.

    The plan is the same each time, whoever works by it. It takes 8 bytes a text where a
    column tells what they are called.

    RAISES ValueError: a row cannot be read, or two have the same id.
    """
    starts, words = [0], [0]
    hashes = array("q")
    digest = hashlib.sha256()
    rows = 0
    for row in tqdm(
        texts.read(),
        "reading",
        unit=" texts",
        unit_scale=True,
        leave=False,
        disable=None,
    ):
        if words[-1] >= PART_WORDS:
            starts.append(rows)
            words.append(0)
        words[-1] += words_in(row)
        digest.update(f"{row.id}\0{row.text}\0".encode(errors="surrogatepass"))
        rows += 1
        if texts.columns.id:
            hashes.append(hash(row.id))
    _refuse_repeated(texts, hashes)
    # of so many parts that a folder can hold them
    step = -(-len(starts) // PARTS)
    grouped = [sum(words[at : at + step]) for at in range(0, len(words), step)]
    return Plan(starts[::step], grouped, rows, digest.hexdigest())


def _refuse_repeated(texts: Texts, hashes: array[int]) -> None:
    """Refuse ids that stand twice; different ones may have the same hash."""
    values = numpy.asarray(hashes)
    values.sort()
    twice = {*values[1:][values[1:] == values[:-1]].tolist()}
    if not twice:
        return
    ids = Counter(row.id for row in texts.read() if hash(row.id) in twice)
    if repeated := [name for name, number in ids.items() if number > 1]:
        shown = ", ".join(repeated[:SHOWN]) + ", ..." * (len(repeated) > SHOWN)
        raise ValueError(
            f"{len(repeated):,} ids stand more than once ({shown}); give a column "
            "that tells texts apart, or leave out --id-column"
        )


def read_parts(texts: Texts, plan: Plan, parts: Collection[int]) -> Iterator[Part]:
    """Yield some of the parts with their rows, in order; the others are skipped.

    RAISES ValueError: there are fewer rows than were planned.
    """
    ends = [*plan.starts[1:], plan.rows]
    stream = texts.read()
    for part, (start, end) in enumerate(zip(plan.starts, ends, strict=True)):
        own = islice(stream, end - start)
        if part not in parts:
            deque(own, maxlen=0)
            continue
        rows = list(own)
        if len(rows) < end - start:
            raise ValueError(
                "the texts have become fewer while they were read; what is whole is "
                "kept, let nobody change them, and begin anew with --overwrite"
            )
        yield part, rows


def words_in(row: Row) -> int:
    """Count the words of a row, a long text in pieces: its words take much memory."""
    return sum(count_words(text) for _, text in cut(row.text or ""))


def count_words(text: str) -> int:
    """Count the words of a text, roughly: what stands between spaces.

    Text without spaces counts by its characters.
    """
    return max(len(text.split()), len(text) // 10, 1)
