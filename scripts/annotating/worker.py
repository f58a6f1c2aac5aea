"""A pipeline in one process, and what it makes of some texts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from spacy.language import Language
from spacy.tokens import Doc

from annotating.pieces import cut
from annotating.rows import conflicts, entities, schema
from annotating.texts import Row
from common.ners import load, owners

# how many words are read at once: by texts, a batch of long ones would fill the memory
WORDS = 20_000


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


@dataclass
class Found:
    """What was found in some texts: a table, and the texts that failed."""

    table: pa.Table
    failures: list[dict[str, str]]
    counts: Counts


class Annotator:
    """Annotates texts by a pipeline that is loaded once."""

    def __init__(self, pipeline: str, *, text: bool) -> None:
        """Load the pipeline.

        text: whether texts are written beside what was found in them.
        RAISES ValueError: it does not load.
        """
        self.nlp: Language = load(pipeline)
        self.schema = schema(text=text)
        # of a label that several know, only the doc can tell
        known = owners(self.nlp).items()
        self.owners = {label: own[0] for label, own in known if len(own) == 1}

    def annotate(self, rows: Sequence[Row]) -> Found:
        """Annotate texts; one that makes the pipeline fail stops no other.

        RETURNS: a row for each text that did not fail, in their order.
        """
        written: list[dict[str, Any]] = []
        failures: list[dict[str, str]] = []
        counts = Counts(texts=len(rows))
        for batch in _batches(rows):
            with self.nlp.memory_zone():
                for row, result in self._read(batch):
                    if isinstance(result, str):
                        failures.append({"id": row.id, "reason": result})
                        continue
                    own = self._row(row, result)
                    written.append(own)
                    counts.words += sum(len(doc) for _, doc in result)
                    counts.conflicts += len(own["conflicts"])
                    counts.entities.update(
                        (ent["label"], ent["component"]) for ent in own["entities"]
                    )
        counts.failures = len(failures)
        return Found(pa.Table.from_pylist(written, self.schema), failures, counts)

    def _read(
        self, rows: Sequence[Row]
    ) -> Iterator[tuple[Row, list[tuple[int, Doc]] | str]]:
        """Yield each row with its docs, or why there are none."""
        pieces = [list(cut(row.text)) if row.text is not None else [] for row in rows]
        texts = [text for own in pieces for _, text in own]
        try:
            docs = iter(list(self.nlp.pipe(texts)))
        except Exception:
            for row, own in zip(rows, pieces, strict=True):
                yield row, self._alone(row, own)
            return
        for row, own in zip(rows, pieces, strict=True):
            if row.text is None:
                yield row, "there is no text"
            else:
                yield row, [(start, next(docs)) for start, _ in own]

    def _alone(
        self, row: Row, pieces: Sequence[tuple[int, str]]
    ) -> list[tuple[int, Doc]] | str:
        """Read a text whose batch failed by itself."""
        if row.text is None:
            return "there is no text"
        try:
            return [(start, self.nlp(text)) for start, text in pieces]
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _row(self, row: Row, docs: Sequence[tuple[int, Doc]]) -> dict[str, Any]:
        return {
            "id": row.id,
            "text": row.text,
            "entities": [e for at, doc in docs for e in entities(doc, at, self.owners)],
            "conflicts": [c for at, doc in docs for c in conflicts(doc, at)],
        }


def words_in(row: Row) -> int:
    """Count the words of a text, roughly: what stands between spaces.

    Text without spaces counts by its characters.
    """
    text = row.text or ""
    return max(len(text.split()), len(text) // 10, 1)


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Group rows to WORDS each; spaCy's `minibatch_by_words` takes Docs."""
    batch: list[Row] = []
    words = 0
    for row in rows:
        batch.append(row)
        words += words_in(row)
        if words >= WORDS:
            yield batch
            batch, words = [], 0
    if batch:
        yield batch
