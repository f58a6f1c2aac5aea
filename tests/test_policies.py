"""Policies are pure functions: whatever collides, one sound choice comes out."""

from collections.abc import Sequence

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span, SpanGroup
from test_readme import run_block

from components import Resolve, clusters, collide
from policies import Policy, label_priority, longest, priority, score, union

NLP = spacy.blank("en")
WORDS = [f"w{i}" for i in range(12)]
COMPONENTS = ["ner", "ner_drug"]
LABELS = ["PERSON", "DRUG", "ORG"]
POLICIES: dict[str, Policy] = {
    "priority": priority(["ner_drug", "ner"]),
    "longest": longest(),
    "label_priority": label_priority(["PERSON", "DRUG"]),
    "score": score(),
    "union": union(label_priority(["DRUG"])),
}
Candidate = tuple[int, int, str, str, float]


def make_doc(candidates: Sequence[Candidate]) -> Doc:
    """Build a doc with candidates: start, end, label, component, score."""
    doc = Doc(NLP.vocab, words=WORDS)
    for component in COMPONENTS:
        mine = [c for c in candidates if c[3] == component]
        doc.spans[component] = SpanGroup(
            doc,
            name=component,
            spans=[Span(doc, start, end, label) for start, end, label, *_ in mine],
            attrs={"scores": [c[4] for c in mine]},
        )
    return doc


def resolve(doc: Doc, policy: Policy) -> list[tuple[str, str | None]]:
    Resolve("resolve", COMPONENTS, policy)(doc)
    return [(f"{e.start}-{e.end} {e.label_}", e._.component) for e in doc.ents]


@st.composite
def proposals(draw: st.DrawFn) -> list[Candidate]:
    """Candidates of two NERs; those of one NER never overlap."""
    found: list[Candidate] = []
    for component in COMPONENTS:
        edges = sorted(draw(st.sets(st.integers(0, len(WORDS)), max_size=8)))
        for start, end in zip(edges[::2], edges[1::2], strict=False):
            label = draw(st.sampled_from(LABELS))
            sure = draw(st.floats(0.01, 1.0))
            found.append((start, end, label, component, sure))
    return found


A = (0, 2, "PERSON", "ner", 0.9)


@pytest.mark.parametrize(
    ("policy", "other", "winner"),
    [
        ("priority", (1, 2, "DRUG", "ner_drug", 0.1), "ner_drug"),
        ("longest", (1, 2, "DRUG", "ner_drug", 1.0), "ner"),
        ("longest", (1, 4, "DRUG", "ner_drug", 0.1), "ner_drug"),
        ("label_priority", (1, 2, "DRUG", "ner_drug", 1.0), "ner"),
        ("label_priority", (0, 2, "ORG", "ner_drug", 1.0), "ner"),
        ("score", (0, 2, "DRUG", "ner_drug", 0.95), "ner_drug"),
        ("score", (0, 2, "DRUG", "ner_drug", 0.85), "ner"),
        ("union", (1, 3, "DRUG", "ner_drug", 0.1), "ner_drug"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_right_one_wins(policy: str, other: Candidate, winner: str) -> None:
    ((_, component),) = resolve(make_doc([A, other]), POLICIES[policy])
    assert component == winner


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_touching_is_not_colliding(policy: Policy) -> None:
    doc = make_doc([A, (2, 3, "DRUG", "ner_drug", 0.5)])
    assert len(resolve(doc, policy)) == 2
    assert doc._.conflicts == []


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_equal_candidates_are_no_conflict(policy: Policy) -> None:
    doc = make_doc([A, (0, 2, "PERSON", "ner_drug", 0.5)])
    assert resolve(doc, policy) == [("0-2 PERSON", "ner")]
    assert doc._.conflicts == []


def test_decision_is_told() -> None:
    doc = make_doc([A, (1, 2, "DRUG", "ner_drug", 0.5)])
    resolve(doc, POLICIES["score"])
    (decision,) = doc._.conflicts
    assert decision["winner"]["text"] == "w0 w1"
    assert decision["winner"]["component"] == "ner"
    assert decision["losers"][0]["label"] == "DRUG"
    assert decision["losers"][0]["score"] == 0.5
    assert decision["policy"] == "score"
    assert decision["reason"] == "score 0.90 against 0.50"


PROPERTIES = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


@PROPERTIES
@given(proposals())
@settings(max_examples=60, deadline=None)
def test_no_overlaps_and_only_candidates(
    policy: Policy, found: list[Candidate]
) -> None:
    doc = make_doc(found)
    resolve(doc, policy)
    # doc.ents itself cannot hold overlaps, so ask the policy, too
    for cluster in clusters(sorted(s for c in COMPONENTS for s in doc.spans[c])):
        kept = policy(cluster)
        assert all(span in cluster for span in kept)
        assert not any(collide(a, b) for a in kept for b in kept if a is not b)
        assert kept
    known = {(start, end, label) for start, end, label, *_ in found}
    assert all((e.start, e.end, e.label_) in known for e in doc.ents)


@PROPERTIES
@given(proposals(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_order_of_input_does_not_matter(
    policy: Policy, found: list[Candidate], random: st.DataObject
) -> None:
    doc = make_doc(found)
    distinct = {(s.start, s.end, s.label): s for c in COMPONENTS for s in doc.spans[c]}
    for cluster in clusters(sorted(distinct.values())):
        shuffled = list(cluster)
        random.shuffle(shuffled)
        assert sorted(policy(shuffled)) == sorted(policy(cluster))


@PROPERTIES
@given(proposals())
@settings(max_examples=60, deadline=None)
def test_what_collides_with_nothing_changes_nothing(
    policy: Policy, found: list[Candidate]
) -> None:
    before = [c for c in found if c[1] <= 10]
    alone = (10, 12, "ORG", "ner", 0.5)
    without = resolve(make_doc(before), policy)
    assert resolve(make_doc([*before, alone]), policy) == [
        *without,
        ("10-12 ORG", "ner"),
    ]


@PROPERTIES
@given(proposals())
@settings(max_examples=60, deadline=None)
def test_candidates_are_left_as_they_were(
    policy: Policy, found: list[Candidate]
) -> None:
    doc, same = make_doc(found), make_doc(found)
    resolve(doc, policy)
    for component in COMPONENTS:
        assert doc.spans[component].to_bytes() == same.spans[component].to_bytes()


def test_policy_that_returns_overlaps_is_refused() -> None:
    doc = make_doc([A, (1, 2, "DRUG", "ner_drug", 0.5)])
    with pytest.raises(
        ValueError, match=r"'list' returned spans that overlap: 'w0 w1'"
    ):
        Resolve("resolve", COMPONENTS, list)(doc)


def test_policy_that_invents_is_refused() -> None:
    doc = make_doc([A, (1, 2, "DRUG", "ner_drug", 0.5)])

    def invent(spans: Sequence[Span]) -> list[Span]:
        return [Span(doc, 0, 1, "DRUG")]

    with pytest.raises(
        ValueError, match=r"'invent' returned 'w0' \(DRUG\), which is no"
    ):
        Resolve("resolve", COMPONENTS, invent)(doc)


def test_missing_group_is_refused() -> None:
    doc = make_doc([A])
    del doc.spans["ner_drug"]
    with pytest.raises(ValueError, match=r"no candidates of 'ner_drug' \(it has ner\)"):
        Resolve("resolve", COMPONENTS, longest())(doc)


def test_policy_of_the_readme_works() -> None:
    names = run_block("@spacy.registry.misc")
    policy = names["rarest"](["ORG"])
    doc = make_doc([A, (1, 2, "ORG", "ner_drug", 0.5)])
    assert resolve(doc, policy) == [("1-2 ORG", "ner_drug")]
