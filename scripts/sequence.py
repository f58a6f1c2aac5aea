"""Compare what each NER says alone with what is left of it in a combination."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc

from intervals import Entities
from scoring import Scores, entities
from views import NAMES


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
