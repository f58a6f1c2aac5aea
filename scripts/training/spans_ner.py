"""A NER that learns from a group of spans, so that several can share a text.

It is for training only; what it has learned is an ordinary `ner`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import load_config
from thinc.api import Model

from common.ners import load

FACTORY = "spans_ner"


@Language.factory(FACTORY, assigns=["doc.spans"])
class SpansNER(EntityRecognizer):
    """Learns the entities in `doc.spans[source]`, and puts those that it finds there.

    A text without such a group teaches it nothing. So it never meets the entities of
    another NER, whose labels it would take on. All else is as in spaCy's own NER:
    architecture, files.
    """

    def __init__(self, nlp: Language, name: str, model: Model, source: str) -> None:
        """Learn from the group of spans that is named as this source."""
        super().__init__(nlp.vocab, model, name)
        self.source = source

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], **settings: Any
    ) -> None:
        """Take the labels, too, from the NER's own group of spans."""
        # once, as spaCy asks for them several times
        examples = [self._own(example) for example in get_examples()]

        def own() -> Iterable[Example]:
            return examples

        super().initialize(own, **settings)

    def update(self, examples: Iterable[Example], **settings: Any) -> dict[str, float]:
        """Learn from the NER's own group of spans."""
        own = [self._own(example) for example in examples]
        return dict(super().update(own, **settings))

    def set_annotations(self, docs: Iterable[Doc], states: Any) -> None:
        """Put what was found into the NER's own group of spans."""
        docs = list(docs)
        super().set_annotations(docs, states)
        for doc in docs:
            doc.spans[self.source] = list(doc.ents)
            doc.set_ents([], default="missing")

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score the NER's own group of spans, as `NAME_f` and so on."""

        def spans(doc: Doc, _: str) -> Iterable[Span]:
            return doc.spans.get(self.source, [])

        return dict(Scorer.score_spans(examples, self.name, getter=spans))

    def _own(self, example: Example) -> Example:
        gold = example.reference.copy()
        annotated = self.source in gold.spans
        ents = list(gold.spans[self.source]) if annotated else []
        gold.set_ents(ents, default="outside" if annotated else "missing")
        # the same predicted doc, as the shared tok2vec knows a batch by it
        return Example(example.predicted, gold, alignment=example.alignment)


def load_plain(folder: Path) -> Language:
    """Load what was trained, each such NER as an ordinary one.

    The config in the folder is changed to that.
    """
    config = load_config(folder / "config.cfg")
    for component in config["components"].values():
        if component["factory"] == FACTORY:
            component["factory"] = "ner"
            del component["source"]
    config.to_disk(folder / "config.cfg")
    return load(folder)
