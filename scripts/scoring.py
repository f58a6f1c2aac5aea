"""Score entities with the standard scorers: spaCy's Scorer, and nervaluate."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from nervaluate import Evaluator
from spacy.language import Language
from spacy.scorer import PRFScore, Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

from intervals import Entities
from views import NAMES

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


def alone(
    nlp: Language, gold: Sequence[Doc], core: Collection[str]
) -> dict[str, list[Entities]]:
    """Run each NER of a combination without the others, by name.

    Call it before the whole combination runs: a NER that meets another's entities takes
    on their labels.

    core: the components of the core pipeline; what else they propose is there always.
    """
    names = [name for name in nlp.pipe_names if name in NAMES]
    proposing = {
        name
        for name in nlp.pipe_names
        if "doc.ents" in nlp.get_pipe_meta(name).assigns
        and (name in NAMES or name not in core)
    }
    found = {}
    for name in names:
        with nlp.select_pipes(disable=[*(proposing - {name})]):
            docs = nlp.pipe([doc.text for doc in gold])
            found[name] = [entities(a, b) for a, b in zip(docs, gold, strict=True)]
    return found


def in_sequence(
    said: Mapping[str, Sequence[Entities]],
    found: Sequence[Entities],
    gold: Sequence[Entities],
    labels: Mapping[str, set[str]],
) -> Scores:
    """Compare what each NER says alone with what is left of it in a combination.

    said: what `alone` returned.
    found: what the whole combination says.
    labels: what each NER can predict.
    RETURNS: by NER its score `alone` and `in_sequence`, and the number of entities that
        the sequence took away (`lost`) or that are there only in sequence (`added`).
    """
    rest = [set(ents) for ents in found]
    result = {}
    for name, own in said.items():
        # the first one's entities are never changed; what nobody said is the last one's
        last = name == [*said][-1]
        left = [
            {ent for ent in ents if last or ent in mine}
            for ents, mine in zip(rest, own, strict=True)
        ]
        rest = [ents - mine for ents, mine in zip(rest, left, strict=True)]
        pairs = list(zip(own, left, strict=True))
        result[name] = {
            "alone": _sum(own, gold, labels[name]),
            "in_sequence": _sum(left, gold, labels[name]),
            "lost": sum(len(a - b) for a, b in pairs),
            "added": sum(len(b - a) for a, b in pairs),
        }
    return result


def _sum(
    found: Iterable[Entities], gold: Iterable[Entities], labels: set[str]
) -> Scores:
    total = PRFScore()
    for said, true in zip(found, gold, strict=True):
        total.score_set(
            {ent for ent in said if ent[2] in labels},
            {ent for ent in true if ent[2] in labels},
        )
    return {"p": total.precision, "r": total.recall, "f": total.fscore}
