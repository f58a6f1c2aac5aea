"""The policies that are tried on what the NERs of a combination propose."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from operator import itemgetter
from typing import Any

from numpy.typing import NDArray

from measuring.policies import Undecided
from ner_components import (
    LabelPriority,
    Longest,
    Policy,
    Priority,
    Score,
    Vote,
    Weighted,
)

# of so many NERs every order is tried: 24 of four
ALL_ORDERS = 4
# what a candidate has to weigh
LEAST = [round(0.05 * step, 2) for step in range(11)]
Labels = Mapping[str, Collection[str]]


def trials(
    undecided: Undecided, labels: Labels, *, scores: bool
) -> Iterator[tuple[Any, NDArray[Any]]]:
    """Yield policies, each with what is right, wrong and missed: (texts, 3).

    What a policy learns from the texts would fit these better than any others. So an
    order that is searched for, and weights, are learned from each half of the texts and
    counted on the other; the policy itself has learned from all.

    labels: those that each NER knows.
    scores: whether all NERs can tell how sure they are.
    """
    ners = [*labels]
    knowing = Counter(label for own in labels.values() for label in own)
    most = max(knowing.values(), default=1)
    every_order = permutations(ners) if len(ners) <= ALL_ORDERS else ()
    fixed: list[Policy] = [Priority([*order]) for order in every_order]
    fixed += [Longest(), *([Score()] if scores else [])]
    # where nobody else knows a label, nobody can say that an entity is none
    shared = most > 1
    fixed += [Vote(votes) for votes in range(1, most + 1) if shared]
    # of the NERs alone: `assemble` knows no others
    colliding = sorted(undecided.labels() & knowing.keys())
    learned: list[Callable[[Undecided], Policy]] = [
        partial(_ordered, LabelPriority, colliding),
        *(partial(_weighted, labels, least) for least in LEAST if shared or not least),
    ]
    if len(ners) > ALL_ORDERS:
        learned.insert(0, partial(_ordered, Priority, ners))
    for policy in fixed:
        yield policy, undecided.counts(policy)
    texts = range(len(undecided.gold))
    one, other = undecided.part(texts[::2]), undecided.part(texts[1::2])
    for learn in learned:
        counts = one.counts(learn(other)) + other.counts(learn(one))
        yield learn(undecided), counts


def _weighted(labels: Labels, least: float, undecided: Undecided) -> Policy:
    return Weighted(undecided.weights(labels), least)


def _ordered(
    make: Callable[[list[str]], Policy], names: Sequence[str], undecided: Undecided
) -> Policy:
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
        found = [(undecided.micro_f(make(new)), new) for new in orders]
        better, longer = max(found, key=itemgetter(0))
        if better <= best:
            break
        best, order = better, longer
    return make(order)
