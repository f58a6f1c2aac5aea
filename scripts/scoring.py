"""Score entities with the standard scorers: spaCy's Scorer, and nervaluate."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from nervaluate import Evaluator
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

from intervals import Entities

Scores = dict[str, Any]
KEYS = ("p", "r", "f")
# nervaluate's schemes (MUC-5 and SemEval-2013 task 9.1), and how they may go out
SCHEMES = ("strict", "exact", "partial", "ent_type")
OUTCOMES = ("correct", "incorrect", "partial", "missed", "spurious")


def score(examples: Sequence[Example], labels: Collection[str]) -> Scores:
    """Score the entities of some labels with spaCy's Scorer.

    RETURNS: `p`, `r` and `f`, from 0 to 1; None where there is no entity at all.
    """

    def ents(doc: Doc, attribute: str) -> Iterable[Span]:
        return [ent for ent in doc.ents if ent.label_ in labels]

    result = Scorer.score_spans(examples, "ents", getter=ents)
    return {key: result[f"ents_{key}"] for key in KEYS}


def schemes(
    found: Sequence[Entities], gold: Sequence[Entities], labels: Collection[str]
) -> Scores:
    """Score with nervaluate, by scheme: what counts as right if an entity is nearly so.

    RETURNS: by scheme `p`, `r`, `f`, and the number of entities by outcome; empty where
        there is no text.
    """
    if not found:
        return {}
    true, said = (
        # the end is a token that still belongs to the entity
        [
            [{"start": s, "end": e - 1, "label": t} for s, e, t in sorted(ents)]
            for ents in d
        ]
        for d in (gold, found)
    )
    tags = sorted(labels)
    results = Evaluator(true, said, tags, loader="dict").evaluate()["overall"]
    return {
        scheme: {
            **dict(zip(KEYS, (r.precision, r.recall, r.f1), strict=True)),
            **{outcome: getattr(r, outcome) for outcome in OUTCOMES},
        }
        for scheme, r in ((scheme, results[scheme]) for scheme in SCHEMES)
    }


def entities(doc: Doc, gold: Doc) -> Entities:
    """Collect entities as (start, end, label), in tokens of the annotated doc."""
    ents = list(doc.ents)
    aligned = (
        Example(doc, gold).get_aligned_spans_x2y(ents) if doc is not gold else ents
    )
    return {(ent.start, ent.end, ent.label_) for ent in aligned}
