"""What policies would make of the same candidates, and the search for a good one."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from common.ners import Entity, entity
from ner_components import (
    OTHERS,
    Policy,
    Resolve,
    asks_about_single,
    clusters,
    get_components,
)

# fewer entities of a label tell too little of a NER to weigh it by them
ENOUGH = 10
Weights = dict[str, dict[str, float]]


class Undecided:
    """What the NERs propose in some texts, for any policy to decide."""

    def __init__(
        self, resolve: Resolve, docs: Sequence[Doc], gold: Sequence[set[Entity]]
    ) -> None:
        """Set apart what collides; on most policies only that depends."""
        self.gold = gold
        self.conflicts: list[tuple[int, list[Span], set[Entity]]] = []
        self.single: list[tuple[int, list[Span], set[Entity]]] = []
        self.missed = numpy.array([[0, 0, len(entities)] for entities in gold])
        for at, (doc, entities) in enumerate(zip(docs, gold, strict=True)):
            for cluster in clusters(resolve.candidates(doc)):
                group = self.conflicts if len(cluster) > 1 else self.single
                group.append((at, cluster, entities))
        self.settled = self.missed.copy()
        for at, cluster, entities in self.single:
            self.settled[at] += _count(cluster, entities)

    def counts(self, policy: Policy) -> NDArray[Any]:
        """Count what is right, wrong and missed had this policy decided: (texts, 3)."""
        asked = asks_about_single(policy)
        counts = (self.missed if asked else self.settled).copy()
        for at, cluster, entities in [*self.conflicts, *(self.single if asked else ())]:
            counts[at] += _count(policy(cluster), entities)
        return counts

    def weights(
        self, labels: Mapping[str, Collection[str]], texts: Collection[int]
    ) -> Weights:
        """Weigh each NER by its F in some of the texts.

        labels: those that each NER knows.
        RETURNS: by NER and label, of which there are enough entities; "*" stands for
            the others, and is the F over all that the NER knows.
        """
        there = Counter(label for at in texts for *_, label in self.gold[at])
        found: Counter[tuple[str, str]] = Counter()
        right: Counter[tuple[str, str]] = Counter()
        for at, cluster, entities in self.single + self.conflicts:
            for span in cluster if at in texts else ():
                own = [(name, span.label_) for name in get_components(span)]
                found.update(own)
                right.update(own if entity(span) in entities else ())
        weights: Weights = {}
        for ner, known in labels.items():
            total = numpy.zeros(3)
            weights[ner] = {}
            for label in sorted(known):
                key = ner, label
                counts = numpy.array([right[key], found[key], there[label]])
                total += counts
                if there[label] >= ENOUGH:
                    weights[ner][label] = _f(counts)
            weights[ner][OTHERS] = _f(total)
        return weights

    def labels(self) -> set[str]:
        """Collect the labels that take part in a conflict."""
        return {span.label_ for _, cluster, _ in self.conflicts for span in cluster}


def _f(counts: NDArray[Any]) -> float:
    right, found, there = counts
    return round(2 * right / max(found + there, 1), 3)


def _count(predicted: Sequence[Span], gold: set[Entity]) -> NDArray[Any]:
    """Count what is right, what is wrong, and what is no longer missed."""
    right = sum(entity(span) in gold for span in predicted)
    return numpy.array([right, len(predicted) - right, -right])


def climb(
    attempt: Callable[[Any], float],
    policy: Callable[[list[str]], Any],
    names: Sequence[str],
) -> None:
    """Look for the best order: put one name more into it, as long as that helps."""
    order: list[str] = []
    best = 0.0
    while len(order) < len(names):
        orders = [
            [*order[:at], name, *order[at:]]
            for name in names
            if name not in order
            for at in range(len(order) + 1)
        ]
        found = [(attempt(policy(new)), new) for new in orders]
        better, order = max(found, key=itemgetter(0))
        if better <= best:
            return
        best = better
