"""What policies would make of the same candidates."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from common.ners import entity
from measuring.scores import Entities, score
from ner_components import (
    OTHERS,
    Policy,
    Resolve,
    asks_about_single,
    clusters,
    get_components,
)

# to the F of each label so many entities are added that a NER finds as well as others
PRIOR = 5
Weights = dict[str, dict[str, float]]


class Undecided:
    """What the NERs propose in some texts, for any policy to decide."""

    def __init__(
        self,
        resolve: Resolve,
        docs: Sequence[Doc],
        gold: Sequence[Entities],
        looked: Sequence[Collection[str]],
    ) -> None:
        """Set apart what collides; on most policies only that depends.

        looked: the labels that people have looked for in each text; what is found of
            others is neither right nor wrong.
        """
        self.gold, self.looked = gold, looked
        self.conflicts: list[tuple[int, list[Span]]] = []
        self.single: list[tuple[int, list[Span]]] = []
        for at, doc in enumerate(docs):
            for cluster in clusters(resolve.candidates(doc)):
                group = self.conflicts if len(cluster) > 1 else self.single
                group.append((at, cluster))
        self._settle()

    def _settle(self) -> None:
        """Count what is missed, and what it comes to if all that is single stays."""
        self.missed = numpy.array([[0, 0, len(entities)] for entities in self.gold])
        self.settled = self.missed.copy()
        for at, cluster in self.single:
            self.settled[at] += self._count(cluster, at)

    def part(self, texts: Collection[int]) -> "Undecided":
        """Return what is in some of the texts; the others are empty."""
        part = copy(self)
        part.gold = [own if at in texts else set() for at, own in enumerate(self.gold)]
        part.conflicts = [(at, own) for at, own in self.conflicts if at in texts]
        part.single = [(at, own) for at, own in self.single if at in texts]
        part._settle()
        return part

    def counts(self, policy: Policy) -> NDArray[Any]:
        """Count what is right, wrong and missed had this policy decided: (texts, 3)."""
        asked = asks_about_single(policy)
        counts = (self.missed if asked else self.settled).copy()
        for at, cluster in self.conflicts + (self.single if asked else []):
            counts[at] += self._count(policy(cluster), at)
        return counts

    def micro_f(self, policy: Policy) -> float:
        """Score all entities, had this policy decided."""
        return score(self.counts(policy))["f"] or 0.0

    def weights(self, labels: Mapping[str, Collection[str]]) -> Weights:
        """Weigh each NER by its F.

        labels: those that each NER knows.
        RETURNS: by NER and label; "*" stands for labels that are nowhere in the texts,
            and is the F over all that the NER knows. The fewer entities there are of a
            label, the nearer to that is its own.
        """
        there = Counter(label for own in self.gold for *_, label in own)
        found: Counter[tuple[str, str]] = Counter()
        right: Counter[tuple[str, str]] = Counter()
        for at, cluster in self.single + self.conflicts:
            for span in cluster:
                if span.label_ not in self.looked[at]:
                    continue
                own = [(name, span.label_) for name in get_components(span)]
                found.update(own)
                right.update(own if entity(span) in self.gold[at] else ())
        weights: Weights = {}
        for ner, known in labels.items():
            hits = {label: right[ner, label] for label in sorted(known)}
            seen = {label: found[ner, label] + there[label] for label in hits}
            f = 2 * sum(hits.values()) / max(sum(seen.values()), 1)
            smooth = {
                label: (2 * hits[label] + PRIOR * f) / (number + PRIOR)
                for label, number in seen.items()
                if number
            } | {OTHERS: f}
            weights[ner] = {label: round(weight, 3) for label, weight in smooth.items()}
        return weights

    def labels(self) -> set[str]:
        """Collect the labels that take part in a conflict."""
        return {span.label_ for _, cluster in self.conflicts for span in cluster}

    def _count(self, predicted: Sequence[Span], at: int) -> NDArray[Any]:
        """Count what is right, what is wrong, and what is no longer missed."""
        counted = [span for span in predicted if span.label_ in self.looked[at]]
        right = sum(entity(span) in self.gold[at] for span in counted)
        return numpy.array([right, len(counted) - right, -right])
