"""A pipeline in one process, and what it makes of some texts."""

import json
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from spacy.language import Language
from spacy.tokens import Doc

from annotating.pieces import cut
from annotating.plan import count_words
from annotating.rows import conflicts, entities, schema
from annotating.texts import Row
from common.ners import load, owners
from common.packages import identify

# how many words are read at once: by texts, a batch of long ones would fill the memory
WORDS = 20_000
# in the metadata of a part
COUNTS = b"annotate"


@dataclass(frozen=True)
class Job:
    """What is done with texts, in whatever process.

    pipeline: a folder or an installed package. identity: which one of that name it is.
    text: whether texts are written beside what was found in them.
    """

    pipeline: str
    identity: str
    text: bool = True

    @property
    def packaged(self) -> bool:
        """Whether it is loaded by name, on whatever machine it is installed."""
        return self.pipeline.isidentifier()


@dataclass
class Counts:
    """What a part holds.

    entities: by label and component.
    """

    texts: int = 0
    words: int = 0
    conflicts: int = 0
    failures: int = 0
    entities: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def add(self, other: "Counts") -> None:
        """Count in another part."""
        self.texts += other.texts
        self.words += other.words
        self.conflicts += other.conflicts
        self.failures += other.failures
        self.entities.update(other.entities)

    def stamp(self, table: pa.Table) -> pa.Table:
        """Write the counts into the metadata of the table that they are of."""
        told = {**asdict(self), "entities": [*self.entities.items()]}
        metadata = table.schema.metadata or {}
        return table.replace_schema_metadata({**metadata, COUNTS: json.dumps(told)})

    @classmethod
    def of(cls, path: Path) -> "Counts":
        """Read the counts of a part."""
        told = json.loads(pq.read_schema(path).metadata[COUNTS])
        pairs = {tuple(key): number for key, number in told.pop("entities")}
        return cls(**told, entities=Counter(pairs))


class Piece(NamedTuple):
    """A part of a text that is read at once.

    number: of the row. start: where it begins in the row's text, in characters.
    """

    number: int
    start: int
    text: str


@dataclass
class Found:
    """What was found in some texts: a Parquet file, and the texts that failed."""

    data: bytes
    failures: list[dict[str, str]]
    counts: Counts


class Annotator:
    """Annotates texts by a pipeline that is loaded once."""

    def __init__(self, job: Job) -> None:
        """Load the pipeline.

        RAISES ValueError: it does not load, or is another one here.
        """
        _refuse_other(job)
        self.nlp: Language = load(job.pipeline)
        self.schema = schema(text=job.text)
        # of a label that several know, only the doc can tell
        known = owners(self.nlp).items()
        self.owners = {label: own[0] for label, own in known if len(own) == 1}

    def annotate(self, rows: Sequence[Row]) -> Found:
        """Annotate texts; one that makes the pipeline fail stops no other.

        RETURNS: a row for each text that did not fail, in their order.
        """
        found = [_row(row) for row in rows]
        reasons = {n: "there is no text" for n, r in enumerate(rows) if r.text is None}
        counts = Counts(texts=len(rows))
        # words are forgotten behind it, and cost time where they come again
        with self.nlp.memory_zone():
            for piece, doc in chain.from_iterable(map(self._read, _batches(rows))):
                if isinstance(doc, str):
                    reasons.setdefault(piece.number, doc)
                    continue
                own = found[piece.number]
                own["entities"] += entities(doc, piece.start, self.owners)
                own["conflicts"] += conflicts(doc, piece.start)
                own["words"] += len(doc)
        written = [own for number, own in enumerate(found) if number not in reasons]
        for own in written:
            counts.words += own.pop("words")
            counts.conflicts += len(own["conflicts"])
            counts.entities.update(
                (ent["label"], ent["component"]) for ent in own["entities"]
            )
        counts.failures = len(reasons)
        failures = [{"id": rows[n].id, "reason": reasons[n]} for n in sorted(reasons)]
        table = pa.Table.from_pylist(written, self.schema)
        file = BytesIO()
        pq.write_table(counts.stamp(table), file)
        return Found(file.getvalue(), failures, counts)

    def _read(self, pieces: Sequence[Piece]) -> Iterator[tuple[Piece, Doc | str]]:
        """Yield each piece with its doc, or why there is none."""
        done = 0
        try:
            for doc in self.nlp.pipe([piece.text for piece in pieces]):
                yield pieces[done], doc
                done += 1
        except Exception:
            for piece in pieces[done:]:
                yield piece, self._alone(piece)

    def _alone(self, piece: Piece) -> Doc | str:
        """Read a piece whose batch failed by itself."""
        try:
            return self.nlp(piece.text)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def _row(row: Row) -> dict[str, Any]:
    empty: dict[str, Any] = {"entities": [], "conflicts": [], "words": 0}
    return {"id": row.id, "text": row.text, **empty}


def _refuse_other(job: Job) -> None:
    """Refuse what only has the same name on this machine."""
    here = identify(job.pipeline)
    if here == job.identity:
        return
    expected, *_ = job.identity.split()
    found = f"has {here.split()[0]} of {job.pipeline}" if here else "lacks it"
    raise ValueError(
        f"{job.pipeline}: {platform.node()} {found}, the run is of {expected}; install "
        "the same wheel on every machine"
    )


def _batches(rows: Sequence[Row]) -> Iterator[list[Piece]]:
    """Group the pieces of rows to WORDS each; spaCy's `minibatch_by_words` takes Docs.

    One text may be many batches: all of a book at once would fill the memory.
    """
    batch: list[Piece] = []
    words = 0
    for number, row in enumerate(rows):
        for start, text in cut(row.text) if row.text is not None else ():
            batch.append(Piece(number, start, text))
            words += count_words(text)
            if words >= WORDS:
                yield batch
                batch, words = [], 0
    if batch:
        yield batch
