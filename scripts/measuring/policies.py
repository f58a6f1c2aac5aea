"""What policies would make of the same candidates, and the search for a good one."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from common.ners import Entity, entity
from measuring.scores import score
from ner_components import Policy, Resolve, clusters


class Undecided:
    """What the NERs propose in some texts, for any policy to decide."""

    def __init__(
        self, resolve: Resolve, docs: Sequence[Doc], gold: Sequence[set[Entity]]
    ) -> None:
        """Set apart what collides; only that depends on the policy."""
        self.conflicts: list[tuple[int, list[Span], set[Entity]]] = []
        self.settled = numpy.zeros((len(docs), 3))
        for at, (doc, entities) in enumerate(zip(docs, gold, strict=True)):
            self.settled[at, 2] = len(entities)
            for cluster in clusters(resolve.candidates(doc)):
                if len(cluster) > 1:
                    self.conflicts.append((at, cluster, entities))
                else:
                    self.settled[at] += _count(cluster, entities)

    def counts(self, policy: Policy) -> NDArray[Any]:
        """Count what is right, wrong and missed had this policy decided: (texts, 3)."""
        counts = self.settled.copy()
        for at, cluster, entities in self.conflicts:
            counts[at] += _count(policy(cluster), entities)
        return counts

    def micro_f(self, policy: Policy) -> float:
        """Score all entities, had this policy decided."""
        return score(self.counts(policy))["f"] or 0.0

    def labels(self) -> set[str]:
        """Collect the labels that take part in a conflict."""
        return {span.label_ for _, cluster, _ in self.conflicts for span in cluster}


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
