"""Policies are pure functions: whatever collides, one sound choice comes out."""

import itertools
import pickle
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.util import registry

from helpers import knowing, propose
from ner_components import (
    LabelPriority,
    Longest,
    Policy,
    Priority,
    Resolve,
    Score,
    Vote,
    Weighted,
    asks_about_single,
    clusters,
    overlap,
    policy_name,
)

NLP = spacy.blank("en")
WORDS = [f"w{i}" for i in range(12)]
COMPONENTS = ["ner", "ner_drug", "ner_gene"]
LABELS = ["PERSON", "DRUG", "ORG"]
# by NER and label, as its F
WEIGHTS = {
    "ner": {"PERSON": 0.9, "*": 0.4},
    "ner_drug": {"PERSON": 0.6, "DRUG": 0.7},
    "ner_gene": {"PERSON": 0.5},
}
POLICIES: dict[str, Policy] = {
    "priority": Priority(["ner_drug", "ner"]),
    "longest": Longest(),
    "label_priority": LabelPriority(["PERSON", "DRUG"]),
    "score": Score(),
    "vote": Vote(1),
    "weighted": Weighted(WEIGHTS),
}
# those that drop what has no rival
DROPPING: dict[str, Policy] = {
    "vote": Vote(2),
    "vote of all": Vote(3),
    "weighted": Weighted(WEIGHTS, 0.3),
}
Candidate = tuple[int, int, str, str, float | None]
A: Candidate = (0, 2, "PERSON", "ner", 0.9)
each_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
any_policy = pytest.mark.parametrize(
    "policy",
    [*POLICIES.values(), *DROPPING.values()],
    ids=[*POLICIES, *(f"{name} that drops" for name in DROPPING)],
)
# two NERs know PERSON, three ORG, one DRUG
EXPERTS = knowing(
    spacy.blank("en"),
    ner=["PERSON", "ORG"],
    ner_drug=["DRUG", "ORG"],
    ner_gene=["PERSON", "ORG"],
)


def make_doc(candidates: Sequence[Candidate]) -> Doc:
    return propose(Doc(NLP.vocab, words=WORDS), candidates)


def make_resolve(policy: Policy) -> Resolve:
    return Resolve(EXPERTS, components=COMPONENTS, policy=policy)


def resolve(doc: Doc, policy: Policy) -> list[tuple[str, str | None]]:
    make_resolve(policy)(doc)
    return [(f"{e.start}-{e.end} {e.label_}", e._.ner_component) for e in doc.ents]


def colliding(doc: Doc) -> list[list[Span]]:
    return clusters(make_resolve(Longest()).candidates(doc))


# made once, as to make them costs more than to draw from them
PLACES = st.sets(st.integers(0, len(WORDS)), max_size=8).map(sorted)
LABELLED = st.sampled_from(LABELS)
SCORED = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0, None])


@st.composite
def proposals(draw: st.DrawFn, *, overlapping: bool = True) -> list[Candidate]:
    """Candidates of three NERs; of many the scores are equal, or unknown.

    overlapping: whether those of one may overlap, as those of a spancat.
    """
    found: list[Candidate] = []
    spancat = draw(st.sampled_from([*COMPONENTS, None])) if overlapping else None
    for component in COMPONENTS:
        edges = draw(PLACES)
        apart = zip(edges[::2], edges[1::2], strict=False)
        every = itertools.combinations(edges, 2)
        for start, end in every if component == spancat else apart:
            found.append((start, end, draw(LABELLED), component, draw(SCORED)))
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


orders = st.permutations(COMPONENTS).map(lambda own: own[:2])
weights = st.dictionaries(
    st.sampled_from(COMPONENTS),
    st.dictionaries(st.sampled_from([*LABELS, "*"]), st.floats(0, 1)),
)
ARGUMENTS: dict[Any, list[st.SearchStrategy[Any]]] = {
    Priority: [orders],
    LabelPriority: [st.permutations(LABELS)],
    Score: [],
    Longest: [],
    Vote: [st.integers(0, 4)],
    Weighted: [weights, st.floats(0, 1)],
}
policies = st.one_of(*(st.builds(kind, *own) for kind, own in ARGUMENTS.items()))


@given(policies, proposals(), st.randoms(use_true_random=False))
def test_any_policy_decides_alike_in_any_order(
    policy: Policy, found: list[Candidate], random: Random
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    docs = [make_doc(found), make_doc(shuffled), make_doc(found)]
    first, second, again = [resolve(doc, policy) for doc in docs]
    assert first == second == again
    # to decide about what was decided changes nothing
    assert resolve(docs[0], policy) == first
    told = [srsly.json_dumps(doc._.ner_conflicts) for doc in docs]
    assert told[0] == told[1] == told[2]
    copy = Doc(NLP.vocab).from_bytes(docs[0].to_bytes())
    assert srsly.json_dumps(copy._.ner_conflicts) == told[0]
    assert registry.resolve({"own": written(policy)})["own"] == policy


def written(policy: Any) -> dict[str, Any]:
    """Write a policy as its block in a config."""
    return {"@misc": f"ner_policy.{policy.name}.v1", **asdict(policy)}


@any_policy
@given(proposals())
def test_no_overlaps_and_only_candidates(
    policy: Policy, found: list[Candidate]
) -> None:
    for cluster in colliding(make_doc(found)):
        kept = sorted(policy(cluster))
        assert kept or policy in DROPPING.values()
        assert {(s.start, s.end, s.label_) for s in kept} <= {
            (start, end, label) for start, end, label, *_ in found
        }
        assert not any(overlap(a, b) for a, b in pairwise(kept))


@any_policy
@given(proposals(), st.randoms(use_true_random=False))
def test_order_of_input_does_not_matter(
    policy: Policy, found: list[Candidate], random: Random
) -> None:
    for cluster in colliding(make_doc(found)):
        shuffled = list(cluster)
        random.shuffle(shuffled)
        assert sorted(policy(shuffled)) == sorted(policy(cluster))


@any_policy
@given(proposals())
def test_what_overlaps_nothing_changes_nothing(
    policy: Policy, found: list[Candidate]
) -> None:
    before = [c for c in found if c[1] <= 10]
    # all three agree
    alone: list[Candidate] = [(10, 12, "ORG", name, 0.5) for name in COMPONENTS]
    without = resolve(make_doc(before), policy)
    everything = resolve(make_doc([*before, *alone]), policy)
    kept = policy not in [DROPPING["weighted"]]
    assert everything == [*without, *([("10-12 ORG", "ner")] if kept else [])]


@any_policy
@given(proposals())
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


@any_policy
@given(proposals())
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


@any_policy
def test_policies_pickle(policy: Policy) -> None:
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301


@pytest.mark.parametrize("name", POLICIES)
def test_policies_are_registered(name: str) -> None:
    make = spacy.registry.misc.get(f"ner_policy.{name}.v1")
    assert make is type(POLICIES[name])
    assert policy_name(POLICIES[name]) == name


# ------------------------------------------------------------ votes and weights
AT = (0, 2)


def by(label: str, *ners: str, at: tuple[int, int] = AT) -> list[Candidate]:
    """Let several NERs propose the same."""
    return [(*at, label, ner, 0.5) for ner in ners]


@pytest.mark.parametrize(
    ("found", "at_least", "kept"),
    [
        (by("ORG", "ner"), 1, ["0-2 ORG"]),
        (by("ORG", "ner"), 2, []),
        (by("ORG", "ner", "ner_gene"), 2, ["0-2 ORG"]),
        (by("ORG", "ner", "ner_gene"), 3, []),
        # two know it
        (by("PERSON", "ner"), 3, []),
        (by("PERSON", "ner", "ner_gene"), 3, ["0-2 PERSON"]),
        # one knows it
        (by("DRUG", "ner_drug"), 3, ["0-2 DRUG"]),
        # other bounds or another label are no vote
        (by("ORG", "ner") + by("ORG", "ner_drug", at=(0, 3)), 2, []),
        (by("ORG", "ner") + by("PERSON", "ner_gene"), 2, []),
        # all of one against two of three
        (by("ORG", "ner", "ner_gene") + by("DRUG", "ner_drug"), 1, ["0-2 DRUG"]),
        # the same share of more
        (by("PERSON", "ner", "ner_gene") + by("DRUG", "ner_drug"), 1, ["0-2 PERSON"]),
        # one of three is too few, however it collides
        (by("ORG", "ner", at=(0, 5)) + by("DRUG", "ner_drug"), 2, ["0-2 DRUG"]),
    ],
)
def test_enough_of_those_who_know_a_label_must_agree(
    found: list[Candidate], at_least: int, kept: list[str]
) -> None:
    assert [name for name, _ in resolve(make_doc(found), Vote(at_least))] == kept


@pytest.mark.parametrize("component", ["rules", None])
@pytest.mark.parametrize("policy", DROPPING.values(), ids=DROPPING)
def test_what_no_ner_proposed_needs_no_vote(
    policy: Policy, component: str | None
) -> None:
    doc = make_doc([(0, 2, "ORG", component or "", 1.0)])
    for *_, (proposal,) in doc._.ner_provenance:
        proposal["component"] = component
    assert resolve(doc, policy) == [("0-2 ORG", component)]


def test_a_ner_that_is_not_there_has_no_vote() -> None:
    judge, found = make_resolve(Vote(3)), by("ORG", "ner", "ner_gene")
    assert not judge(make_doc(found)).ents
    with EXPERTS.select_pipes(disable="ner_drug"):
        assert judge(make_doc(found)).ents
    assert not judge(make_doc(found)).ents


@pytest.mark.parametrize(
    ("found", "weight"),
    [
        (by("PERSON", "ner"), 0.45),
        (by("PERSON", "ner", "ner_gene"), 0.7),
        (by("DRUG", "ner_drug"), 0.7),
        # "*" of the one, and of the other none
        (by("ORG", "ner", "ner_gene"), 0.4 / 3),
        (by("ORG", "rules"), 1.0),
    ],
)
def test_weights_of_those_who_agree_are_added(
    found: list[Candidate], weight: float
) -> None:
    doc = make_doc(found)
    (span,) = make_resolve(Longest()).candidates(doc)
    assert Weighted(WEIGHTS).weigh(span) == pytest.approx(weight)
    assert resolve(doc, Weighted(WEIGHTS, weight - 0.01))
    assert not resolve(doc, Weighted(WEIGHTS, weight + 0.01))


def test_the_heavier_one_stays() -> None:
    light = by("PERSON", "ner", at=(0, 4))
    doc = make_doc([*light, *by("DRUG", "ner_drug")])
    assert resolve(doc, Weighted(WEIGHTS)) == [("0-2 DRUG", "ner_drug")]


@given(proposals(overlapping=False))
def test_a_single_ner_keeps_all_it_finds(found: list[Candidate]) -> None:
    own = [one for one in found if one[3] == "ner_gene"]
    expected = [(f"{start}-{end} {label}", "ner_gene") for start, end, label, *_ in own]
    for policy in (Vote(1), Weighted({"ner_gene": {"*": 0.5}})):
        assert resolve(make_doc(own), policy) == sorted(
            expected, key=lambda one: int(one[0].partition("-")[0])
        )


@given(proposals())
def test_more_votes_that_are_needed_leave_less(found: list[Candidate]) -> None:
    kept = [len(resolve(make_doc(found), Vote(votes))) for votes in (1, 2, 3)]
    assert kept == sorted(kept, reverse=True)


def test_all_who_proposed_an_entity_are_told() -> None:
    doc = make_doc(by("ORG", "ner_gene", "ner"))
    resolve(doc, Vote(1))
    (ent,) = doc.ents
    # in the order of the components
    assert ent._.ner_components == ["ner", "ner_gene"]
    assert ent._.ner_component == "ner"


@pytest.mark.parametrize(
    ("policy", "found", "reason"),
    [
        (Vote(2), by("ORG", "ner"), "1 of 3 votes, 2 needed"),
        (Vote(3), by("PERSON", "ner"), "1 of 2 votes, 2 needed"),
        (
            Vote(2),
            by("ORG", "ner", "ner_gene") + by("DRUG", "ner_drug", at=(1, 3)),
            "1 of 1 votes against 2 of 3",
        ),
        (
            Vote(2),
            by("ORG", "ner") + by("DRUG", "ner_drug", at=(1, 3)),
            "1 of 3 votes, 2 needed",
        ),
        (Weighted(WEIGHTS, 0.5), by("PERSON", "ner"), "weight 0.45, 0.5 needed"),
        (
            Weighted(WEIGHTS),
            by("PERSON", "ner") + by("DRUG", "ner_drug", at=(1, 3)),
            "weight 0.70 against 0.45",
        ),
    ],
    ids=["few", "few that know", "share", "few in a conflict", "light", "weight"],
)
def test_the_reason_tells_what_was_lacking(
    policy: Policy, found: list[Candidate], reason: str
) -> None:
    doc = make_doc(found)
    resolve(doc, policy)
    (decision,) = doc._.ner_conflicts
    assert decision["reason"] == reason
    assert bool(decision["winner"]) == ("DRUG" in str(found))


def test_a_policy_is_asked_about_single_ones_only_if_it_wants() -> None:
    def nobody(spans: Sequence[Span]) -> list[Span]:
        return []

    doc = make_doc([A])
    assert resolve(doc, nobody)
    nobody.asks_about_single = True
    assert asks_about_single(nobody)
    assert not resolve(doc, nobody)
    (decision,) = doc._.ner_conflicts
    assert decision["winner"] is None and decision["reason"] == "nobody"


# ------------------------------------------------------------ all candidates
@any_policy
def test_all_candidates_are_kept_as_spans_where_asked(policy: Policy) -> None:
    found = [*by("ORG", "ner", "ner_gene"), *by("DRUG", "ner_drug", at=(1, 3))]
    doc = make_doc(found)
    make_resolve(policy)(doc)
    assert not doc.spans
    Resolve(EXPERTS, components=COMPONENTS, policy=policy, spans_key="all")(doc)
    spans = [(span.start, span.end, span.label_) for span in doc.spans["all"]]
    assert spans == [(0, 2, "ORG"), (1, 3, "DRUG")]


@pytest.mark.slow
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
