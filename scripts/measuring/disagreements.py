"""Where the ways to combine differ: the texts that decide which one to take."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy.tokens import Doc

from measuring.agreement import collisions
from measuring.scores import Entities, Entity

# as many as a person annotates in half an hour
TEXTS = 50


def disagreements(
    texts: Sequence[Doc], ways: Mapping[str, Sequence[Entities]]
) -> tuple[list[dict[str, Any]], int]:
    """Find the texts on which the ways disagree most, to be annotated.

    An entity counts by how evenly the ways are divided about it: in a committee those
    members tell most who are asked what it cannot agree on (Seung, Opper and
    Sompolinsky 1992, Query by Committee).

    ways: by way, for each text what it finds.
    RETURNS: TEXTS records in Prodigy's format, the most disputed text first, and the
        number of disputed places in all texts. A record's `spans` are what all ways
        find, and its `candidates` what only some of them, the `ways`, find. Its
        `answer` is `ignore` until a person accepts it: so what nobody has looked at
        does not count as annotated.
    """
    records, places = [], 0
    for doc, *found in zip(texts, *ways.values(), strict=True):
        by_way = dict(zip(ways, found, strict=True))
        agreed = set.intersection(*map(set, found)) if found else set()
        disputed = {
            ent: [name for name, own in by_way.items() if ent in own]
            for ent in sorted(set().union(*found) - agreed)
        }
        if not disputed:
            continue
        here = len(collisions([{ent} for ent in disputed], least=1))
        places += here
        votes = [min(len(own), len(ways) - len(own)) for own in disputed.values()]
        records.append(
            {
                "text": doc.text,
                "spans": [_span(doc, ent) for ent in sorted(agreed)],
                "candidates": [
                    {**_span(doc, ent), "ways": own} for ent, own in disputed.items()
                ],
                "meta": {"places": here, "disputed": sum(votes)},
                "answer": "ignore",
            }
        )
    records.sort(key=_disputed, reverse=True)
    return records[:TEXTS], places


def _disputed(record: dict[str, Any]) -> int:
    return int(record["meta"]["disputed"])


def _span(doc: Doc, ent: Entity) -> dict[str, Any]:
    start, end, label = ent
    span = doc[start:end]
    return {"start": span.start_char, "end": span.end_char, "label": label}
