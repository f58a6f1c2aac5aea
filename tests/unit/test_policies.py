"""Policies are pure functions: whatever collides, one sound choice comes out."""

import pickle
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from helpers import propose
from ner_components import (
    LabelPriority,
    Longest,
    Policy,
    Priority,
    Resolve,
    Score,
    clusters,
    overlap,
    policy_name,
)

NLP = spacy.blank("en")
WORDS = [f"w{i}" for i in range(12)]
COMPONENTS = ["ner", "ner_drug", "ner_gene"]
LABELS = ["PERSON", "DRUG", "ORG"]
POLICIES: dict[str, Policy] = {
    "priority": Priority(["ner_drug", "ner"]),
    "longest": Longest(),
    "label_priority": LabelPriority(["PERSON", "DRUG"]),
    "score": Score(),
}
Candidate = tuple[int, int, str, str, float]
A: Candidate = (0, 2, "PERSON", "ner", 0.9)
each_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


def make_doc(candidates: Sequence[Candidate]) -> Doc:
    return propose(Doc(NLP.vocab, words=WORDS), candidates)


def make_resolve(policy: Policy) -> Resolve:
    return Resolve(NLP, components=COMPONENTS, policy=policy)


def resolve(doc: Doc, policy: Policy) -> list[tuple[str, str | None]]:
    make_resolve(policy)(doc)
    return [(f"{e.start}-{e.end} {e.label_}", e._.ner_component) for e in doc.ents]


def colliding(doc: Doc) -> list[list[Span]]:
    return clusters(make_resolve(Longest()).candidates(doc))


@st.composite
def proposals(draw: st.DrawFn) -> list[Candidate]:
    """Candidates of three NERs; those of one NER never overlap."""
    found: list[Candidate] = []
    for component in COMPONENTS:
        edges = sorted(draw(st.sets(st.integers(0, len(WORDS)), max_size=8)))
        for start, end in zip(edges[::2], edges[1::2], strict=False):
            label = draw(st.sampled_from(LABELS))
            score = draw(st.floats(0.01, 1.0))
            found.append((start, end, label, component, score))
    return found


@pytest.mark.parametrize(
    ("policy", "other", "winner"),
    [
        ("priority", (1, 2, "DRUG", "ner_drug", 0.1), "ner_drug"),
        ("priority", (1, 5, "DRUG", "ner_gene", 1.0), "ner"),
        ("longest", (1, 2, "DRUG", "ner_drug", 1.0), "ner"),
        ("longest", (1, 4, "DRUG", "ner_drug", 0.1), "ner_drug"),
        ("label_priority", (1, 2, "DRUG", "ner_drug", 1.0), "ner"),
        ("label_priority", (0, 2, "ORG", "ner_drug", 1.0), "ner"),
        ("score", (0, 2, "DRUG", "ner_drug", 0.95), "ner_drug"),
        ("score", (0, 2, "DRUG", "ner_drug", 0.85), "ner"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_preferred_one_wins(policy: str, other: Candidate, winner: str) -> None:
    ((_, component),) = resolve(make_doc([A, other]), POLICIES[policy])
    assert component == winner


@each_policy
def test_touching_is_not_overlapping(policy: Policy) -> None:
    doc = make_doc([A, (2, 3, "DRUG", "ner_drug", 0.5)])
    assert len(resolve(doc, policy)) == 2
    assert doc._.ner_conflicts == []


@each_policy
def test_equal_candidates_are_no_conflict(policy: Policy) -> None:
    doc = make_doc([(0, 2, "PERSON", "ner_drug", 0.5), A])
    # credited to the component that is named first
    assert resolve(doc, policy) == [("0-2 PERSON", "ner")]
    assert doc._.ner_conflicts == []


def test_a_decision_is_written_down() -> None:
    doc = make_doc([A, (1, 3, "DRUG", "ner_drug", 0.5)])
    resolve(doc, POLICIES["score"])
    loser = {"text": "w1 w2", "start": 1, "end": 3, "label": "DRUG"}
    winner = {"text": "w0 w1", "start": 0, "end": 2, "label": "PERSON"}
    assert doc._.ner_conflicts == [
        {
            "winner": {**winner, "component": "ner", "score": 0.9},
            "losers": [{**loser, "component": "ner_drug", "score": 0.5}],
            "policy": "score",
            "reason": "score 0.90 against 0.50",
        }
    ]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("priority", "ner_drug goes before ner"),
        ("longest", "3 tokens against 2"),
        ("label_priority", "DRUG goes before ORG"),
        ("score", "score 0.95 against 0.90"),
    ],
)
def test_the_reason_is_put_into_words(policy: str, reason: str) -> None:
    org = (0, 2, "ORG", "ner", 0.9)
    doc = make_doc([org, (1, 4, "DRUG", "ner_drug", 0.95)])
    resolve(doc, POLICIES[policy])
    (decision,) = doc._.ner_conflicts
    assert decision["reason"] == reason


def test_a_policy_that_keeps_none_leaves_a_decision_without_winner() -> None:
    doc = make_doc([A, (1, 2, "DRUG", "ner_drug", 0.5)])

    def nobody(spans: Sequence[Span]) -> list[Span]:
        return []

    assert resolve(doc, nobody) == []
    (decision,) = doc._.ner_conflicts
    assert decision["winner"] is None
    assert [loser["text"] for loser in decision["losers"]] == ["w0 w1", "w1"]
    assert decision["policy"] == decision["reason"] == "nobody"


def test_a_loser_is_told_once_of_the_winner_that_was_chosen_first() -> None:
    outer = (0, 3, "ORG", "ner", 0.5)
    inner = [(0, 1, "DRUG", "ner_drug", 0.6), (2, 3, "DRUG", "ner_drug", 0.9)]
    doc = make_doc([outer, *inner])
    resolve(doc, POLICIES["score"])
    (decision,) = doc._.ner_conflicts
    assert decision["winner"]["text"] == "w2"


@each_policy
@given(proposals())
@settings(max_examples=25, deadline=None)
def test_no_overlaps_and_only_candidates(
    policy: Policy, found: list[Candidate]
) -> None:
    for cluster in colliding(make_doc(found)):
        kept = sorted(policy(cluster))
        assert kept
        assert {(s.start, s.end, s.label_) for s in kept} <= {
            (start, end, label) for start, end, label, *_ in found
        }
        assert not any(overlap(a, b) for a, b in pairwise(kept))


@each_policy
@given(proposals(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_order_of_input_does_not_matter(
    policy: Policy, found: list[Candidate], random: Random
) -> None:
    for cluster in colliding(make_doc(found)):
        shuffled = list(cluster)
        random.shuffle(shuffled)
        assert sorted(policy(shuffled)) == sorted(policy(cluster))


@each_policy
@given(proposals())
@settings(max_examples=25, deadline=None)
def test_what_overlaps_nothing_changes_nothing(
    policy: Policy, found: list[Candidate]
) -> None:
    before = [c for c in found if c[1] <= 10]
    alone = (10, 12, "ORG", "ner", 0.5)
    without = resolve(make_doc(before), policy)
    everything = resolve(make_doc([*before, alone]), policy)
    assert everything == [*without, ("10-12 ORG", "ner")]


@each_policy
@given(proposals())
@settings(max_examples=25, deadline=None)
def test_candidates_are_left_as_they_were(
    policy: Policy, found: list[Candidate]
) -> None:
    doc = make_doc(found)
    expected = sorted((c[3], *c[:3]) for c in found)
    resolve(doc, policy)
    assert expected == sorted(
        (component, span.start, span.end, span.label_)
        for component, spans in doc._.ner_candidates.items()
        for span in spans
    )


@each_policy
@given(proposals())
@settings(max_examples=25, deadline=None)
def test_every_loser_is_told_once(policy: Policy, found: list[Candidate]) -> None:
    doc = make_doc(found)
    candidates = {
        (s.start, s.end, s.label_) for s in make_resolve(policy).candidates(doc)
    }
    kept = {(e[0]) for e in resolve(doc, policy)}
    losers = [
        f"{loser['start']}-{loser['end']} {loser['label']}"
        for decision in doc._.ner_conflicts
        for loser in decision["losers"]
    ]
    assert sorted(losers) == sorted({f"{a}-{b} {c}" for a, b, c in candidates} - kept)


def test_overlaps_are_refused() -> None:
    doc = make_doc([A, (1, 2, "DRUG", "ner_drug", 0.5)])
    with pytest.raises(
        ValueError,
        match=r"'list' returned spans that overlap: 'w0 w1' \(PERSON\) and 'w1' \(DRUG",
    ):
        resolve(doc, list)


def test_an_invented_entity_is_refused() -> None:
    doc = make_doc([A, (1, 2, "DRUG", "ner_drug", 0.5)])

    def invent(spans: Sequence[Span]) -> list[Span]:
        return [Span(doc, 0, 1, "DRUG")]

    with pytest.raises(
        ValueError, match=r"'invent' returned 'w0' \(DRUG\), which is no candidate"
    ):
        resolve(doc, invent)


@each_policy
def test_policies_pickle(policy: Policy) -> None:
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301


@pytest.mark.parametrize("name", POLICIES)
def test_policies_are_registered(name: str) -> None:
    make = spacy.registry.misc.get(f"ner_policy.{name}.v1")
    assert make is type(POLICIES[name])
    assert policy_name(POLICIES[name]) == name


def test_a_chain_of_thousands_of_overlaps_is_decided() -> None:
    doc = Doc(NLP.vocab, words=["w"] * 8001)
    chain: list[Candidate] = []
    for at in range(0, 7998, 2):
        chain.append((at, at + 2, "ORG", "ner", 0.5))
        chain.append((at + 1, at + 3, "DRUG", "ner_drug", 0.6))
    propose(doc, chain)
    resolve(doc, Score())
    assert {ent.label_ for ent in doc.ents} == {"DRUG"}
    assert sum(len(c["losers"]) for c in doc._.ner_conflicts) == 3999
