"""Agreement of a combination with its sources, on text that nobody has annotated."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc

from measuring.scores import Entities, Entity, Floats, Scores, interval

# so many of the entities that are lost or added most often are named
NAMED = 5
# with so many tokens on either side
AROUND = 8
# start and end of a place in a text, in tokens
Place = tuple[int, int]
# what a source finds in a text, and what a combination finds of its labels
Pair = tuple[set[Entity], set[Entity]]


def collisions(found: Iterable[Entities], least: int = 2) -> list[Place]:
    """Find the places of a text where the NERs of several sources collide.

    A place reaches over all entities that overlap, one with the next.

    found: what each source finds by itself.
    least: of so many sources entities must meet.
    """
    ents = sorted((s, e, at) for at, own in enumerate(found) for s, e, _ in own)
    places: list[Place] = []
    while ents:
        start, end, first = ents.pop(0)
        sources = {first}
        while ents and ents[0][0] < end:
            _, further, at = ents.pop(0)
            end = max(end, further)
            sources.add(at)
        if len(sources) >= least:
            places.append((start, end))
    return places


def agreement(
    predicted: Sequence[Entities],
    sources: Mapping[str, Sequence[Entities]],
    labels: Mapping[str, Collection[str]],
    *,
    texts: Sequence[Doc],
    drawn: Floats,
) -> dict[str, dict[str, Scores]]:
    """Compare what a combination finds with what each source finds by itself.

    predicted: for each text what the combination finds.
    sources: by source, for each text what it finds.
    labels: the labels of each source; entities of others do not count.
    drawn: what `resample` returned.
    RETURNS: by source, `collateral`, outside the places where NERs collide, and
        `decided`, inside them. Each has the `agreement`, that is the F of the
        combination if the source were right (0 to 1, None without entities), and its
        `interval`; how many entities the source has (`found`) and the combination has
        of those (`kept`) and besides (`added`), in all and by label (`labels`); and
        those that are `most_lost` and `most_added`.
    """
    places = [collisions(own) for own in zip(*sources.values(), strict=True)]
    agreed: dict[str, dict[str, Scores]] = {}
    for name, found in sources.items():
        outside: list[Pair] = []
        inside: list[Pair] = []
        for theirs, ours, where in zip(found, predicted, places, strict=True):
            own = {ent for ent in ours if ent[2] in labels[name]}
            here = _touching(theirs, where), _touching(own, where)
            inside.append(here)
            outside.append(({*theirs} - here[0], own - here[1]))
        agreed[name] = {
            "collateral": _compare(outside, texts, drawn),
            "decided": _compare(inside, texts, drawn),
        }
    return agreed


def _touching(ents: Entities, places: Collection[Place]) -> set[Entity]:
    return {ent for ent in ents if any(ent[0] < e and s < ent[1] for s, e in places)}


def _compare(pairs: Sequence[Pair], texts: Sequence[Doc], drawn: Floats) -> Scores:
    parts = {
        "found": [theirs for theirs, _ in pairs],
        "kept": [theirs & ours for theirs, ours in pairs],
        "added": [ours - theirs for theirs, ours in pairs],
    }
    by_label: dict[str, Counter[str]] = {}
    for part, sets in parts.items():
        for _, _, label in (ent for own in sets for ent in own):
            by_label.setdefault(label, Counter(dict.fromkeys(parts, 0)))[part] += 1
    counts = np.array([[len(own) for own in sets] for sets in parts.values()], float).T
    totals = counts.sum(axis=0)
    return {
        "agreement": _share(totals) if totals.any() else None,
        "interval": interval(_share(drawn @ counts)),
        **{part: int(total) for part, total in zip(parts, totals, strict=True)},
        "labels": {label: dict(own) for label, own in sorted(by_label.items())},
        "most_lost": _most([theirs - ours for theirs, ours in pairs], texts),
        "most_added": _most(parts["added"], texts),
    }


def _share(counts: Floats) -> Any:
    """Compute the F from numbers `found`, `kept` and `added` in the last dimension."""
    found, kept, added = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore"):
        share = 2 * kept / (found + kept + added)
    return share if share.ndim else float(share)


def _most(sets: Sequence[set[Entity]], texts: Sequence[Doc]) -> list[dict[str, Any]]:
    """Name the entities that there are most of, each with where it is first."""
    times: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for ents, doc in zip(sets, texts, strict=True):
        for start, end, label in sorted(ents):
            own = doc[start:end].text, label
            times[own] += 1
            around = doc[max(start - AROUND, 0) : end + AROUND]
            examples.setdefault(own, around.text)
    return [
        {"entity": text, "label": label, "times": number, "in": examples[text, label]}
        for (text, label), number in times.most_common(NAMED)
    ]
