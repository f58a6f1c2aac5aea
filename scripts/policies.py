"""Policies: what decides between colliding entities. They ship in the wheels.

A policy is a pure function: colliding candidates in, those to keep out. It may carry
`why(winner, loser)`, which puts its reason into words, and `components` and `labels`,
the names that it was given, to be checked against those of the pipeline. Which NER
proposed a candidate, and how sure it was, stands in `span._.component` and
`span._.score`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from spacy.tokens import Span
from spacy.util import registry

Policy = Callable[[Sequence[Span]], list[Span]]
Key = Callable[[Span], Any]


def keep_best(name: str, key: Key, why: Callable[[Span, Span], str], /) -> Policy:
    """Make the policy that takes candidates by `key`, smallest first, while they fit.

    Ties go to the longer span, then the earlier, then by label and component, so the
    order of the input never matters.
    """

    def policy(spans: Sequence[Span]) -> list[Span]:
        kept: list[Span] = []
        for span in sorted(spans, key=lambda span: (key(span), *_identity(span))):
            if not any(overlap(span, other) for other in kept):
                kept.append(span)
        return kept

    policy.__name__ = name
    policy.why = why
    return policy


def overlap(a: Span, b: Span) -> bool:
    """Tell whether two spans share a token; touching is not overlapping."""
    return a.start < b.end and b.start < a.end


def _identity(span: Span) -> tuple[Any, ...]:
    length = span.end - span.start
    return -length, span.start, span.label_, span._.component or ""


def _place(order: Sequence[str], name: str | None) -> int:
    return order.index(name) if name in order else len(order)


@registry.misc("ner_policy.priority.v1")
def priority(components: list[str]) -> Policy:
    """Prefer the component that is named first."""
    policy = keep_best(
        "priority",
        lambda span: _place(components, span._.component),
        lambda winner, loser: f"{winner._.component} goes before {loser._.component}",
    )
    policy.components = components
    return policy


@registry.misc("ner_policy.longest.v1")
def longest() -> Policy:
    """Prefer the span with more tokens."""
    return keep_best(
        "longest",
        lambda span: span.start - span.end,
        lambda winner, loser: f"{len(winner)} tokens against {len(loser)}",
    )


@registry.misc("ner_policy.label_priority.v1")
def label_priority(labels: list[str]) -> Policy:
    """Prefer the label that is named first; those not named come last."""
    policy = keep_best(
        "label_priority",
        lambda span: _place(labels, span.label_),
        lambda winner, loser: f"{winner.label_} goes before {loser.label_}",
    )
    policy.labels = labels
    return policy


@registry.misc("ner_policy.score.v1")
def score() -> Policy:
    """Prefer the candidate that its NER is more confident of."""
    return keep_best(
        "score",
        lambda span: -_sure(span),
        lambda winner, loser: f"score {_sure(winner):.2f} against {_sure(loser):.2f}",
    )


def _sure(span: Span) -> float:
    """Take a NER that tells no scores for one that is never sure."""
    return float(span._.score or 0.0)


@registry.misc("ner_policy.union.v1")
def union(rest: Policy) -> Policy:
    """Keep all where nothing collides; `rest` decides where something does."""

    def policy(spans: Sequence[Span]) -> list[Span]:
        alone = [s for s in spans if sum(overlap(s, o) for o in spans) == 1]
        return [*alone, *rest([span for span in spans if span not in alone])]

    policy.__name__ = f"union({getattr(rest, '__name__', 'policy')})"
    for name in ["why", "components", "labels"]:
        if hasattr(rest, name):
            setattr(policy, name, getattr(rest, name))
    return policy
