"""A component that keeps a whole pipeline inside: ships in the wheels that need it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch


class IsolatedNER:
    """A NER that keeps its pipeline, vocab and tokenizer to itself.

    For a NER whose features another pipeline's vocab, tokenizer or sentence starts
    would change. It reads the text alone and writes `doc.ents`; like any NER of spaCy
    it leaves the entities that are there. Its spans are widened to the tokens of the
    doc where these differ from its own.
    """

    def __init__(self, nlp: Language, name: str, ner: str = "ner") -> None:
        """Start with an empty pipeline; `load` or `from_disk` fills it.

        ner: the name of the NER in the pipeline of its own.
        """
        self.name, self.ner = name, ner
        self.nlp = nlp.__class__()
        self.make_confidence: Callable[[Any], Any] | None = None
        self.confidence: Any = None
        self.found: WeakKeyDictionary[Doc, list[float]] = WeakKeyDictionary()

    def load(self, path: str | Path) -> None:
        """Take over a saved pipeline, up to its NER."""
        self.nlp = spacy.load(path)
        names = self.nlp.component_names
        for name in names[names.index(self.ner) + 1 :] + list(self.nlp.disabled):
            if name in self.nlp.component_names:
                self.nlp.remove_pipe(name)
        if self.make_confidence:
            self.listen(self.make_confidence)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the NER."""
        if self.ner not in self.nlp.pipe_names:
            return ()
        return tuple(self.nlp.get_pipe(self.ner).labels)

    def listen(self, make_confidence: Callable[[Any], Any]) -> None:
        """Score entities from now on, by what `make_confidence` makes of the NER."""
        self.make_confidence = make_confidence
        if self.ner in self.nlp.pipe_names:
            self.confidence = make_confidence(self.nlp.get_pipe(self.ner))

    def score(self, found: Sequence[tuple[Doc, Sequence[Span]]]) -> list[list[float]]:
        """Score entities that this component has just found in some docs."""
        return [self.found.pop(doc, []) for doc, _ in found]

    def memory_zone(self, mem: Any = None) -> AbstractContextManager[Any]:
        """Let the vocab inside forget its words when the one outside does."""
        return self.nlp.memory_zone(mem)

    def __call__(self, doc: Doc) -> Doc:
        """Add the entities of one doc."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Add the entities of many docs."""
        for docs in minibatch(stream, batch_size):
            texts = [doc.text for doc in docs]
            read = list(self.nlp.pipe(texts, batch_size=batch_size))
            found = [(own, own.ents) for own in read]
            scores = self.confidence.score(found) if self.confidence else []
            for at, doc in enumerate(docs):
                self._add(doc, read[at].ents, scores[at] if scores else [])
                yield doc

    def _add(self, doc: Doc, ents: Sequence[Span], scores: list[float]) -> None:
        """Write the entities that fit among those there are, and keep their scores."""
        taken = {token.i for ent in doc.ents for token in ent}
        spans, kept = [], []
        for at, ent in enumerate(ents):
            span = doc.char_span(
                ent.start_char,
                ent.end_char,
                label=ent.label_,
                alignment_mode="expand",
            )
            # every character of a text belongs to a token, so there is a span
            if span is not None and taken.isdisjoint(range(span.start, span.end)):
                taken.update(range(span.start, span.end))
                spans.append(span)
                kept += scores[at : at + 1]
        if kept:
            self.found[doc] = kept
        doc.ents = [*doc.ents, *spans]

    def to_disk(self, path: Path, exclude: Iterable[str] = ()) -> None:
        """Save the pipeline inside."""
        self.nlp.to_disk(path)

    def from_disk(self, path: Path, exclude: Iterable[str] = ()) -> "IsolatedNER":
        """Load the pipeline inside."""
        self.load(path)
        return self

    def to_bytes(self, exclude: Iterable[str] = ()) -> bytes:
        """Serialize the pipeline inside, and the config to make it anew."""
        config = self.nlp.config.to_bytes()
        return len(config).to_bytes(4, "big") + config + self.nlp.to_bytes()

    def from_bytes(self, data: bytes, exclude: Iterable[str] = ()) -> "IsolatedNER":
        """Restore the pipeline inside."""
        end = 4 + int.from_bytes(data[:4], "big")
        config = spacy.Config().from_bytes(data[4:end])
        self.nlp = spacy.util.load_model_from_config(config)
        self.nlp.from_bytes(data[end:])
        if self.make_confidence:
            self.listen(self.make_confidence)
        return self


def make_isolated_ner(nlp: Language, name: str, ner: str) -> IsolatedNER:
    """Create an empty IsolatedNER."""
    return IsolatedNER(nlp, name, ner)


# several wheels, or a wheel and this file, may be loaded together: the first will do
if not Language.has_factory("isolated_ner"):
    Language.factory(
        "isolated_ner",
        assigns=["doc.ents"],
        default_config={"ner": "ner"},
        func=make_isolated_ner,
    )
