"""Where the ways to combine differ: the texts that decide which one to take."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from spacy.tokens import Doc

from measuring.agreement import collisions
from measuring.scores import Entities, Entity

# as many as a person annotates in half an hour
TEXTS = 50


def disagreements(
    texts: Sequence[Doc],
    ways: Mapping[str, Sequence[Entities]],
    advisable: Collection[str],
) -> tuple[list[dict[str, Any]], int]:
    """Find the texts on which the ways disagree most, to be annotated.

    An entity counts by how evenly the ways are divided about it: in a committee those
    questions tell most that it cannot agree on (Seung, Opper and Sompolinsky 1992,
    Query by Committee). First comes what divides the advisable ways.

    ways: by way, for each text what it finds.
    advisable: those of them that keep what the sources find.
    RETURNS: TEXTS records in Prodigy's format, the most disputed text first, and the
        number of places in all texts that advisable ways decide differently. A record's
        `spans` are what all ways find, and its `candidates` what only some of them, the
        `ways`, find. Its `answer` is `ignore` until a person accepts it: so what nobody
        has looked at does not count as annotated.
    """
    found: list[tuple[int, int, dict[str, Any]]] = []
    places = 0
    for at, doc in enumerate(texts):
        own = {name: ents[at] for name, ents in ways.items()}
        disputed = _disputed(own)
        keeping = _disputed({name: own[name] for name in advisable})
        places += len(collisions([{ent} for ent in keeping], least=1))
        if not disputed:
            continue
        agreed = set.union(*map(set, own.values())) - disputed.keys()
        record = {
            "text": doc.text,
            "spans": [_span(doc, ent) for ent in sorted(agreed)],
            "candidates": [
                {**_span(doc, ent), "ways": names} for ent, names in disputed.items()
            ],
            "answer": "ignore",
        }
        votes = _votes(keeping, len(advisable)), _votes(disputed, len(ways))
        found.append((*votes, record))
    found.sort(key=_first, reverse=True)
    return [record for *_, record in found[:TEXTS]], places


def _disputed(found: Mapping[str, Entities]) -> dict[Entity, list[str]]:
    """List the entities that some ways find and others do not, with those ways."""
    by_ent = {
        ent: [name for name, own in found.items() if ent in own]
        for ent in sorted(set().union(*found.values()))
    }
    return {ent: names for ent, names in by_ent.items() if len(names) < len(found)}


def _votes(disputed: Mapping[Entity, Sequence[str]], ways: int) -> int:
    """Count how evenly the ways are divided about all that is disputed."""
    return sum(min(len(names), ways - len(names)) for names in disputed.values())


def _first(found: tuple[int, int, dict[str, Any]]) -> tuple[int, int]:
    return found[:2]


def _span(doc: Doc, ent: Entity) -> dict[str, Any]:
    start, end, label = ent
    span = doc[start:end]
    return {"start": span.start_char, "end": span.end_char, "label": label}
