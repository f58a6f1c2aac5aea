"""Pipelines that are loaded once and answer many visitors at the same time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import srsly
import streamlit as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

import common.ners
from common.lanes import Keep, keep_of, left_out
from ner_components import Candidates, Resolve, get_provenance, set_provenance
from page.differences import Entity, to_entities
from page.line import Line
from page.memory import give_back

T = TypeVar("T")
Key = tuple[str, int]
# what is in use, so that only what was built anew is loaded anew
LOADED: "WeakValueDictionary[Key, Served]" = WeakValueDictionary()
# characters that are read before another visitor's turn: about a fifth of a second
TURN = 5_000
# seconds that a character waits for shorter texts: ten times what it takes to read it
PATIENCE = 0.0006
# one for all pipelines: behind a file, a text would wait for each of them anew
LINE = Line()


class Served:
    """One pipeline, shared between the threads of all visitors.

    spaCy does not promise that a pipeline can run in two threads at once: its vocab
    grows, and the scores of a NER are read from what its last run left behind. So it is
    used in turns, and what was read leaves as plain data.
    """

    def __init__(self, folder: Path) -> None:
        """Load the pipeline of a folder.

        RAISES ValueError: it does not load.
        """
        self.name = folder.name
        # tells it from every other pipeline, and from an earlier build of this one
        self.key = (str(folder), built(folder))
        self.nlp = common.ners.load(folder)
        # no entity depends on them, and visitors wait for them
        for name in left_out(self.nlp, Keep.sentences):
            self.nlp.remove_pipe(name)
        self.order = list(common.ners.proposers(self.nlp))
        # the components that know a label
        self.owners = common.ners.owners(self.nlp)
        # what it calls labels that annotated text may have, and it has not
        self.renamed = common.ners.renamed_in_gold(self.nlp)
        # what decides between candidates, if anything does
        decide = [pipe for _, pipe in self.nlp.pipeline if isinstance(pipe, Resolve)]
        self.resolve: Any = decide[-1] if decide else None
        collecting = [p for _, p in self.nlp.pipeline if isinstance(p, Candidates)]
        self.tells_scores = all(pipe.tells_scores for pipe in collecting)

    def read(self, texts: Iterable[str], keep: Callable[[Doc], T]) -> list[T]:
        """Read texts, in a turn of the line, and return what `keep` makes of each doc.

        keep: must not return the doc or a part of it: all of a text is forgotten after
            its turn, or the vocab would hold every word that was ever typed.
        """
        with self.nlp.memory_zone():
            return [keep(doc) for doc in self.nlp.pipe(texts)]

    def find(self, texts: Iterable[str]) -> Iterator[list[Entity]]:
        """Yield the entities of each text; others have their turn in between."""

        def keep(doc: Doc) -> list[Entity]:
            return to_entities(doc.ents, self.owners)

        for batch in turns(texts):
            with LINE.turn(PATIENCE * sum(map(len, batch))):
                found = self.read(batch, keep)
            yield from found


def turns(texts: Iterable[str]) -> Iterator[list[str]]:
    """Put texts together until they have the size of a turn."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        # an empty text takes its time too
        size += len(text) + 1
        if size >= TURN:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def load(pipelines: Path) -> tuple[list[Served], list[str]]:
    """Load all pipelines in a folder, by name; once for all visitors.

    One that was built anew is loaded anew, and its former self forgotten. Those that
    keep less of the core show nothing that the whole ones do not, so they are left out.

    RETURNS: the pipelines, and for each that does not load the reason.
    """
    folders = [f for f in common.ners.pipelines_in(pipelines) if _is_whole(f)]
    return _load([(str(folder), built(folder)) for folder in folders])


def _is_whole(folder: Path) -> bool:
    # one that is damaged is told of when it is loaded
    with suppress(ValueError, AttributeError):
        return keep_of(srsly.read_json(folder / "meta.json")) == Keep.all
    return True


@st.cache_resource(max_entries=1, show_spinner="Loading the pipelines …")
def _load(folders: Sequence[Key]) -> tuple[list[Served], list[str]]:
    give_back()
    served, failures = [], []
    for key in folders:
        try:
            served.append(LOADED.get(key) or Served(Path(key[0])))
        except ValueError as error:
            failures.append(str(error))
    LOADED.update((one.key, one) for one in served)
    return served, failures


def built(folder: Path) -> int:
    """Tell when a pipeline was built."""
    return (folder / "config.cfg").stat().st_mtime_ns


@st.cache_data(max_entries=60, show_spinner="Reading the text …")
def analyse(
    _pipelines: Sequence[Served], keys: Sequence[Key], text: str
) -> list[bytes]:
    """Read one text with all pipelines; visitors who ask the same get the same answer.

    RETURNS: by pipeline the doc, for `restore`.
    """

    with LINE.turn(PATIENCE * len(text)):
        return [data for served in _pipelines for data in served.read([text], pack)]


def pack(doc: Doc) -> bytes:
    """Keep of a doc what a page shows: not the vectors, which are most of it."""
    # a component may leave vectors in its user data, too
    plain = doc.to_bytes(exclude=["tensor", "user_data"])
    return bytes(srsly.msgpack_dumps([plain, get_provenance(doc)]))


def restore(data: bytes) -> Doc:
    """Make a doc on a vocab of its own, which no other thread can see."""
    plain, provenance = srsly.msgpack_loads(data)
    doc = Doc(Vocab()).from_bytes(plain)
    set_provenance(doc, provenance)
    return doc
