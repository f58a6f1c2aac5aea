"""A NER that learns from its own group of spans, so that several can share a text.

It is for training only; what it has learned is an ordinary `ner`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

FACTORY = "spans_ner"


class SpansNER(EntityRecognizer):
    """Learns the entities in `doc.spans[name]`, and puts those that it finds there.

    A text without such a group teaches it nothing. So it never meets the entities of
    another NER, whose labels it would take on. All else is as in spaCy's own NER:
    architecture, settings, files.
    """

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], **settings: Any
    ) -> None:
        """Take the labels, too, from the NER's own group of spans."""

        def own() -> Iterable[Example]:
            return [self._own(example) for example in get_examples()]

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
            doc.spans[self.name] = list(doc.ents)
            doc.set_ents([], default="missing")

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score the NER's own group of spans, as `NAME_f` and so on."""

        def spans(doc: Doc, group: str) -> Iterable[Span]:
            return doc.spans.get(group, [])

        return dict(Scorer.score_spans(examples, self.name, getter=spans))

    def _own(self, example: Example) -> Example:
        gold = example.reference.copy()
        annotated = self.name in gold.spans
        ents = list(gold.spans[self.name]) if annotated else []
        gold.set_ents(ents, default="outside" if annotated else "missing")
        # the same predicted doc, as the shared tok2vec knows a batch by it
        return Example(example.predicted, gold, alignment=example.alignment)


@Language.factory(
    FACTORY,
    assigns=["doc.spans"],
    # as spaCy's `ner` has them
    default_config={
        "moves": None,
        "update_with_oracle_cut_size": 100,
        "incorrect_spans_key": None,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
)
def make_spans_ner(
    nlp: Language,
    name: str,
    model: Any,
    moves: Any,
    update_with_oracle_cut_size: int,
    incorrect_spans_key: str | None,
    scorer: Any,
) -> SpansNER:
    """Make the component, with the settings of spaCy's `ner`."""
    return SpansNER(
        nlp.vocab,
        model,
        name,
        moves,
        update_with_oracle_cut_size=update_with_oracle_cut_size,
        incorrect_spans_key=incorrect_spans_key,
        scorer=scorer,
    )
