"""All NERs propose as at home, and how sure they are is what they computed."""

import copy
from typing import Any

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from thinc.api import Model

from helpers import (
    TEXTS,
    Case,
    entity,
    make_core,
    make_drugs,
    replay,
    resolve_rules,
    teach,
    told,
)
from ner_components import (
    Candidates,
    Confidence,
    IsolatedNER,
    Longest,
    Policy,
    Priority,
    Score,
    Vote,
    policy_name,
    proposals,
)

# what a batch holds changes the last bits of a score
CLOSE = 1e-4


def proposed(doc: Doc, component: str) -> list[tuple[int, int, str]]:
    return [entity(span) for span in doc._.ner_candidates.get(component, [])]


def test_the_cases_are_what_they_are_called(case: Case) -> None:
    isolated = isinstance(case.nlp.get_pipe("ner_drug"), IsolatedNER)
    assert isolated == case.isolated


def test_candidates_are_the_entities_of_the_sources(resolved: Case) -> None:
    docs = list(resolved.nlp.pipe(TEXTS))
    for component, source in [("ner", resolved.core), ("ner_drug", resolved.drugs)]:
        found = [proposed(doc, component) for doc in docs]
        assert found == [[*map(entity, doc.ents)] for doc in source.pipe(TEXTS)]
        assert all(found)
    assert all(doc._.ner_conflicts for doc in docs)


def test_the_first_ner_is_as_at_home(case: Case) -> None:
    first, source = ("ner", case.core)
    if case.name == "drug_first":
        first, source = ("ner_drug", case.drugs)
    labels = set(source.get_pipe("ner").labels)
    with case.nlp.select_pipes(
        enable=[n for n in case.nlp.pipe_names if n in ("tok2vec", "tagger", first)]
    ):
        found = [[*map(entity, doc.ents)] for doc in case.nlp.pipe(TEXTS)]
    assert found == [[*map(entity, doc.ents)] for doc in source.pipe(TEXTS)]
    assert {label for ents in found for *_, label in ents} <= labels


def test_a_ner_sees_no_trace_of_the_one_before() -> None:
    nlp = make_core(pipes=["ner"])
    nlp.add_pipe("ner_candidates_v2", config={"component": "ner"})
    doc = nlp(TEXTS[0])
    assert doc._.ner_candidates["ner"]
    assert all(token.ent_iob == 0 and token.ent_type == 0 for token in doc)
    assert all(token.ent_id == 0 and token.ent_kb_id == 0 for token in doc)


def test_every_entity_tells_its_component_and_score(resolved: Case) -> None:
    ents = [ent for doc in resolved.nlp.pipe(TEXTS) for ent in doc.ents]
    owners = {(e.label_ == "DRUG", e._.ner_component) for e in ents}
    assert owners == {(True, "ner_drug"), (False, "ner")}
    assert all(0 < ent._.ner_score < 1 for ent in ents)


@pytest.mark.parametrize("component", ["ner", "ner_drug"])
def test_a_score_is_the_product_of_the_greedy_softmax(
    component: str, resolved: Case
) -> None:
    nlp = resolved.fresh()
    for name in ["ner_candidates", "ner_drug_candidates"]:
        nlp.get_pipe(name).temperature = 1.0
    home = resolved.core if component == "ner" else resolved.drugs
    for doc in nlp.pipe(TEXTS):
        with home.select_pipes(disable="ner"):
            expected = replay(home.get_pipe("ner"), home(doc.text))
        spans = doc._.ner_candidates[component]
        assert [entity(span) for span in spans] == list(expected)
        scores = [span._.ner_score for span in spans]
        assert scores == pytest.approx(list(expected.values()), rel=CLOSE)


OTHER_LAYERS = [(True, 2), (True, 3), (False, 1), (False, 2)]


# the fast ones: what is unlike the doubles, with an upper layer and without one
@pytest.mark.parametrize(
    ("upper", "pieces"),
    [
        (True, 1),
        (False, 3),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in OTHER_LAYERS),
    ],
)
def test_a_score_is_that_of_any_greedy_ner(upper: bool, pieces: int) -> None:
    spans = [(0, 2, "PERSON"), (4, 7, "ORG")]
    nlp = teach(make_core(pipes=["ner"], upper=upper, pieces=pieces), spans)
    home = copy.deepcopy(nlp)
    nlp.add_pipe("ner_candidates_v2", config={"component": "ner"})
    lengths: set[int] = set()
    for doc in nlp.pipe(TEXTS):
        with home.select_pipes(disable="ner"):
            expected = replay(home.get_pipe("ner"), home(doc.text))
        found = doc._.ner_candidates["ner"]
        assert [entity(span) for span in found] == list(expected)
        scores = [span._.ner_score for span in found]
        assert scores == pytest.approx(list(expected.values()), rel=CLOSE)
        assert min(scores) < 1
        lengths |= {len(span) for span in found}
    assert max(lengths) > 1


def test_scores_change_no_entity_and_can_be_left_out(resolved: Case) -> None:
    names = ["ner", "ner_drug"]
    changes = {f"components.{name}_candidates.scores": False for name in names}
    without = spacy.load(resolved.path, config=changes)
    for doc, expected in zip(without.pipe(TEXTS), resolved.expected, strict=True):
        assert [entity(ent) for ent in doc.ents] == [ent[:3] for ent in expected[0]]
        assert [ent._.ner_component for ent in doc.ents] == [e[3] for e in expected[0]]
        assert {ent._.ner_score for ent in doc.ents} == {None}


def test_a_higher_temperature_makes_less_sure(resolved: Case) -> None:
    hot = resolved.fresh()
    for name in ["ner_candidates", "ner_drug_candidates"]:
        hot.get_pipe(name).temperature = 20.0
    for doc, other in zip(hot.pipe(TEXTS), resolved.nlp.pipe(TEXTS), strict=True):
        for component, spans in doc._.ner_candidates.items():
            others = other._.ner_candidates[component]
            for span, cold in zip(spans, others, strict=True):
                assert span._.ner_score < cold._.ner_score


@pytest.mark.parametrize(
    ("factory", "change"),
    [("beam_ner", {"beam_width": 2}), ("ner", {"model": {"extra_state_tokens": True}})],
    ids=["beam", "more tokens a state"],
)
def test_a_ner_that_is_not_greedy_has_no_scores(
    factory: str, change: dict[str, Any]
) -> None:
    nlp = spacy.blank("en")
    ner: Any = nlp.add_pipe(factory, name="ner", config=change)
    ner.add_label("DRUG")
    nlp.initialize()
    nlp.add_pipe("ner_candidates_v2", config={"component": "ner"})
    doc = nlp(TEXTS[0])
    spans = [span for own in doc._.ner_candidates.values() for span in own]
    assert {span._.ner_score for span in spans} <= {None}
    assert not nlp.get_pipe("ner_candidates_v2").witness.scores


class OnDevice:
    """An array that refuses to become one of numpy, as CuPy's do."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")


class DeviceOps:
    """Does what CuPy's ops do to take an array from its device."""

    def to_numpy(self, data: Any, *, byte_order: str | None = None) -> Any:
        return data.array


def test_scores_are_computed_of_arrays_on_a_device(
    resolved: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    ner: Any = resolved.core.get_pipe("ner")
    docs = list(resolved.core.pipe(TEXTS))
    spans = [list(doc.ents) for doc in docs]
    with resolved.core.select_pipes(disable="ner"):
        vectors = [ner.model.layers[0].predict([resolved.core(t)]) for t in TEXTS]
    listener = Confidence(ner)
    expected = listener.logits(docs, vectors, spans)
    get_param = Model.get_param
    monkeypatch.setattr(
        Model, "get_param", lambda model, name: OnDevice(get_param(model, name))
    )
    monkeypatch.setattr(ner.model, "ops", DeviceOps())
    found = listener.logits(docs, [OnDevice(v) for v in vectors], spans)
    for array, other in zip(found, expected, strict=True):
        assert numpy.array_equal(array, other)
    with pytest.raises(TypeError, match="Implicit conversion"):
        numpy.asarray(OnDevice(vectors[0]))


# ------------------------------------------------------------------ rules and ids
def with_ruler(nlp: Language, factory: str, **place: Any) -> Language:
    config = {"annotate_ents": True} if factory == "span_ruler" else {}
    ruler: Any = nlp.add_pipe(factory, name="rules", config=config, **place)
    patterns = [{"label": "RULE", "pattern": "Oslo"}]
    # the NER has this label too
    patterns.append({"label": "ORG", "pattern": "Smith", "id": "smith"})
    ruler.add_patterns(patterns)
    return nlp


@pytest.mark.parametrize("factory", ["entity_ruler", "span_ruler"])
def test_a_ruler_before_the_ner_is_credited(factory: str, resolved: Case) -> None:
    nlp = with_ruler(resolved.fresh(), factory, before="ner")
    core = with_ruler(
        spacy.load(resolved.folder / "sources" / "core"), factory, before="ner"
    )
    docs = list(nlp.pipe(TEXTS))
    rules = [s for doc in docs for s in doc._.ner_candidates.get("rules", [])]
    assert [(s.text, s.label_, s._.ner_score) for s in rules] == [
        ("Oslo", "RULE", 1.0),
        ("Smith", "ORG", 1.0),
    ]
    for doc, home in zip(docs, core.pipe(TEXTS), strict=True):
        found = proposed(doc, "ner") + proposed(doc, "rules")
        assert sorted(found) == [entity(ent) for ent in home.ents]


def test_the_id_of_a_rule_survives(resolved: Case) -> None:
    nlp = with_ruler(resolved.fresh(), "entity_ruler", before="ner")
    (smith,) = [ent for ent in nlp(TEXTS[1]).ents if ent.text == "Smith"]
    assert smith.ent_id_ == "smith"


def test_a_component_without_labels_is_unknown(resolved: Case) -> None:
    nlp = resolved.fresh()

    @Language.component("ents_of_somebody")
    def somebody(doc: Doc) -> Doc:
        doc.ents = [Span(doc, 3, 4, "PLACE")]
        return doc

    nlp.add_pipe("ents_of_somebody", before="ner")
    spans = nlp(TEXTS[0])._.ner_candidates[None]
    assert [(s.text, s.label_, s._.ner_score) for s in spans] == [
        ("Oslo", "PLACE", None)
    ]


def test_a_doc_that_comes_again_keeps_its_scores(resolved: Case) -> None:
    # a NER that meets entities of others learns their labels
    nlp = resolved.fresh()
    doc = nlp(TEXTS[0])
    ents = told(doc)[0]
    assert len(ents) == 2
    assert set(ents) <= set(told(nlp(doc))[0])


# ------------------------------------------------------------------ labels of a NER
def settled(case: Case, policy: Policy | None = None, **settings: Any) -> Language:
    """Give the collector of a combination's second NER other settings."""
    nlp = case.fresh()
    name = "ner_drug_candidates"
    config = {**nlp.get_pipe_config(name), **settings}
    nlp.replace_pipe(name, config.pop("factory"), config=config)
    resolve: Any = nlp.get_pipe("resolve")
    resolve.policy = policy or resolve.policy
    return nlp


def test_a_label_is_renamed(resolved: Case) -> None:
    nlp = settled(resolved, labels={"DRUG": "MEDICINE"})
    for doc, expected in zip(nlp.pipe(TEXTS), resolved.expected, strict=True):
        names = {"DRUG": "MEDICINE"}
        assert told(doc)[0] == [
            (start, end, names.get(label, label), *rest)
            for start, end, label, *rest in expected[0]
        ]


def test_a_renamed_entity_keeps_what_its_ner_called_it(resolved: Case) -> None:
    nlp = settled(resolved, labels={"*": "THING"})
    ents = [e for doc in nlp.pipe(TEXTS) for e in doc.ents if e.label_ == "THING"]
    assert ents
    for ent in ents:
        assert {p["original"] for p in proposals(ent)} == {"DRUG"}


@pytest.mark.parametrize(
    "policy", [Longest(), Priority(["ner_drug"]), Score(), Vote(1)], ids=policy_name
)
def test_a_label_that_is_dropped_never_competes(policy: Policy, resolved: Case) -> None:
    nlp = settled(resolved, policy, labels={"DRUG": None})
    for doc, home in zip(nlp.pipe(TEXTS), resolved.core.pipe(TEXTS), strict=True):
        assert [*map(entity, doc.ents)] == [*map(entity, home.ents)]
        reasons = {one["reason"] for one in doc._.ner_conflicts}
        assert reasons == {"label DRUG is dropped"}


def test_only_what_is_named_stays(resolved: Case) -> None:
    nlp = settled(resolved, labels={"PERSON": "PERSON", "*": None})
    found = {ent.label_ for doc in nlp.pipe(TEXTS) for ent in doc.ents}
    assert "DRUG" not in found and "PERSON" in found


@pytest.mark.parametrize("by_label", ["DRUG", "*", ""])
def test_what_is_less_sure_is_dropped(by_label: str, resolved: Case) -> None:
    docs = list(resolved.nlp.pipe(TEXTS))
    found = [s for doc in docs for s in doc._.ner_candidates["ner_drug"]]
    least = sorted(span._.ner_score for span in found)[len(found) // 2]
    nlp = settled(resolved, least={by_label: least} if by_label else least)
    dropped = 0
    for doc in nlp.pipe(TEXTS):
        own = doc._.ner_candidates["ner_drug"]
        unsure = [one for one in doc._.ner_conflicts if one["policy"] is None]
        assert len(unsure) == sum(span._.ner_score < least for span in own)
        assert all(one["reason"].endswith(f" below {least:g}") for one in unsure)
        kept = [ent for ent in doc.ents if ent._.ner_component == "ner_drug"]
        assert all(ent._.ner_score >= least for ent in kept)
        dropped += len(unsure)
    assert 0 < dropped < len(found)


def test_what_has_no_score_is_not_dropped(resolved: Case) -> None:
    name = "components.ner_drug_candidates"
    changes = {f"{name}.scores": False, f"{name}.least": 1.0}
    nlp = spacy.load(resolved.path, config=changes)
    ents = [[*map(entity, doc.ents)] for doc in nlp.pipe(TEXTS)]
    assert ents == [[ent[:3] for ent in own] for own, _ in resolved.expected]


def test_one_by_one_as_in_batches(resolved: Case) -> None:
    nlp = settled(resolved, labels={"DRUG": "MEDICINE"}, least=0.5)
    assert [told(nlp(text)) for text in TEXTS] == [*map(told, nlp.pipe(TEXTS))]


def test_rules_before_a_ner_are_renamed_with_it(resolved: Case) -> None:
    nlp = with_ruler(resolved.fresh(), "entity_ruler", before="ner")
    settings = {"component": "ner", "labels": {"RULE": "CITY"}, "least": 0.99}
    nlp.replace_pipe("ner_candidates", "ner_candidates_v2", config=settings)
    (city,) = nlp(TEXTS[0])._.ner_candidates["rules"]
    assert (city.text, city.label_, city._.ner_score) == ("Oslo", "CITY", 1.0)


def test_two_rules_that_find_the_same_are_both_told() -> None:
    nlp = resolve_rules(one={"Oslo": "CITY"}, two={"Oslo": "CITY"})
    (ent,) = nlp("We met in Oslo.").ents
    assert ent._.ner_components == ["one", "two"]


@pytest.mark.parametrize("least", [-0.1, 1.5, {"DRUG": 2}], ids=str)
def test_a_score_that_cannot_be_is_refused(least: Any) -> None:
    settings = {"component": "ner", "least": least}
    with pytest.raises(ValueError, match="but a score is 0 to 1"):
        spacy.blank("en").add_pipe("ner_candidates_v2", config=settings)


class Overlapping:
    """A NER some of whose entities overlap, so that `doc.ents` cannot hold them."""

    labels = ("PERSON", "DRUG")

    def __call__(self, doc: Doc) -> Doc:
        doc.ents = [Span(doc, 0, 2, "PERSON")]
        return doc

    def listen(self) -> None:
        """Tell scores from now on."""

    def recall(self, docs: Any, temperature: float) -> list[dict[Any, float]]:
        """Return all that it has found."""
        found = {(0, 9, "PERSON"): 0.9, (5, 9, "DRUG"): 0.8, (5, 9, "PERSON"): 0.7}
        return [found for _ in docs]


@Language.factory("tests_overlapping", assigns=["doc.ents"])
def overlapping(nlp: Language, name: str) -> Overlapping:
    return Overlapping()


def test_what_a_ner_recalls_is_proposed_beside_its_entities() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tests_overlapping", name="ner")
    settings = {"component": "ner", "least": {"PERSON": 0.75}}
    nlp.add_pipe("ner_candidates_v2", config=settings)
    doc = nlp("Anna Benz took dope.")
    own = [(s.text, s.label_, s._.ner_score) for s in doc._.ner_candidates["ner"]]
    assert own[0] == ("Anna Benz", "PERSON", 0.9)
    assert {*own[1:]} == {("Benz", "DRUG", 0.8), ("Benz", "PERSON", 0.7)}
    assert [one["reason"] for one in doc._.ner_conflicts] == ["score 0.700 below 0.75"]


def test_a_score_that_is_no_number_is_unknown() -> None:
    nlp = make_core(pipes=["ner"])
    upper = nlp.get_pipe("ner").model.get_ref("upper")
    upper.set_param("W", upper.get_param("W") * numpy.nan)
    settings = {"component": "ner", "least": 0.5}
    nlp.add_pipe("ner_candidates_v2", config=settings)
    doc = nlp(TEXTS[0])
    (ent, *_) = doc._.ner_candidates["ner"]
    assert ent._.ner_score is None
    assert not doc._.ner_conflicts


# ------------------------------------------------------------------ isolated NER
def test_an_isolated_ner_leaves_blocked_tokens_blocked(tmp_path: Any) -> None:
    make_drugs(seed=3).to_disk(tmp_path / "drugs")
    nlp = spacy.blank("en")
    isolated: Any = nlp.add_pipe("isolated_ner_v2")
    isolated.load(tmp_path / "drugs")
    free = nlp(TEXTS[0])
    assert "Anna" in [ent.text for ent in free.ents]
    doc = nlp.make_doc(TEXTS[0])
    doc.set_ents([], blocked=[doc[0:2]], default="missing")
    isolated(doc)
    assert [(t.ent_iob_, t.ent_type_) for t in doc[:2]] == [("B", "")] * 2
    assert [*map(str, doc.ents)] == [e.text for e in free.ents if e.start > 1]


def test_an_isolated_ner_needs_its_ner(tmp_path: Any) -> None:
    make_core(pipes=["tagger"]).to_disk(tmp_path)
    with pytest.raises(
        ValueError, match=r"has no component 'ner' that is enabled \(it has tok"
    ):
        IsolatedNER(spacy.blank("en")).load(tmp_path)


def test_spans_of_an_isolated_ner_are_widened_to_tokens(cases: dict[str, Case]) -> None:
    nlp = cases["drug_first-isolated"].nlp
    text = TEXTS[0]
    # one token for all that the NER reads as several
    doc = Doc(nlp.vocab, words=[text[:18], text[18:]], spaces=[False, False])
    nlp.get_pipe("ner_drug")(doc)
    assert [ent.text for ent in doc.ents] == [text[:18], text[18:]]


def test_candidates_listen_to_the_ner_that_has_the_name_now(resolved: Case) -> None:
    nlp = resolved.fresh()
    before: Any = nlp.get_pipe("ner_candidates")
    assert isinstance(before, Candidates)
    nlp.remove_pipe("ner")
    nlp.add_pipe("ner", source=resolved.fresh(), before="ner_candidates")
    assert [told(nlp(text)) for text in TEXTS] == resolved.expected


# ------------------------------------------------------------ what others change
def merge(nlp: Language, after: str) -> None:
    """Merge the first two tokens of a text right behind a component."""
    nlp.add_pipe("merge_first_two", after=after)


@Language.component("merge_first_two")
def merge_first_two(doc: Doc) -> Doc:
    if doc.text == TEXTS[0]:
        with doc.retokenize() as retokenizer:
            retokenizer.merge(doc[0:2])
    return doc


def test_merged_tokens_spoil_no_score_of_other_texts(resolved: Case) -> None:
    nlp = spacy.load(resolved.path)
    merge(nlp, "ner")
    expected = [[ent._.ner_score for ent in d.ents] for d in resolved.nlp.pipe(TEXTS)]
    found = [[ent._.ner_score for ent in doc.ents] for doc in nlp.pipe(TEXTS)]
    assert found[1:] == [
        [pytest.approx(s, rel=CLOSE) for s in own] for own in expected[1:]
    ]


def test_a_policy_knows_candidates_whose_tokens_were_merged(resolved: Case) -> None:
    nlp = spacy.load(resolved.path)
    merge(nlp, "ner_drug_candidates")
    doc = nlp(TEXTS[0])
    assert all(ent._.ner_component for ent in doc.ents)
    for conflict in doc._.ner_conflicts:
        sides = [conflict["winner"], *conflict["losers"]]
        assert all(side["component"] for side in sides)


def test_blocked_tokens_stay_blocked(resolved: Case) -> None:
    doc = resolved.nlp.make_doc(TEXTS[0])
    free = resolved.nlp(TEXTS[0]).ents[0]
    blocked = range(free.start, free.end)
    doc.set_ents([], blocked=[doc[free.start : free.end]], default="missing")
    doc = resolved.nlp(doc)
    assert not [ent for ent in doc.ents if {*range(ent.start, ent.end)} & {*blocked}]
    assert [doc[at].ent_iob_ for at in blocked] == ["B"] * len(blocked)


def test_entities_that_nobody_collects_are_candidates(resolved: Case) -> None:
    nlp = resolved.fresh()
    nlp.disable_pipe("ner_drug_candidates")
    assert "DRUG" in {ent.label_ for doc in nlp.pipe(TEXTS) for ent in doc.ents}


def test_without_any_collector_nothing_is_lost(resolved: Case) -> None:
    nlp = resolved.fresh()
    for name in ["ner_candidates", "ner_drug_candidates"]:
        nlp.disable_pipe(name)
    found = [list(map(entity, doc.ents)) for doc in nlp.pipe(TEXTS)]
    nlp.disable_pipe("resolve")
    assert found == [list(map(entity, doc.ents)) for doc in nlp.pipe(TEXTS)]
    assert any(found)


def test_a_rule_right_before_the_decision_takes_part(resolved: Case) -> None:
    nlp = resolved.fresh()
    ruler: Any = nlp.add_pipe("entity_ruler", before="resolve")
    ruler.add_patterns([{"label": "SHADE", "pattern": "colour"}])
    (ent,) = [ent for ent in nlp(TEXTS[0]).ents if ent.text == "colour"]
    assert (ent._.ner_component, ent._.ner_score) == ("entity_ruler", 1.0)


def test_a_rule_between_a_collector_and_the_next_ner_is_credited(
    resolved: Case,
) -> None:
    nlp = resolved.fresh()
    ruler: Any = nlp.add_pipe("entity_ruler", after="ner_candidates")
    ruler.add_patterns([{"label": "PERSON", "pattern": "colour"}])
    (ent,) = [ent for ent in nlp(TEXTS[0]).ents if ent.text == "colour"]
    assert (ent._.ner_component, ent._.ner_score) == ("entity_ruler", 1.0)


def test_a_doc_that_is_twice_in_a_batch_keeps_its_entities(resolved: Case) -> None:
    expected = told(resolved.nlp(TEXTS[0]))
    doc = resolved.nlp.make_doc(TEXTS[0])
    first, second = resolved.nlp.pipe([doc, doc])
    assert first is second is doc
    assert told(doc) == expected


def test_one_collector_leaves_the_scores_of_another(resolved: Case) -> None:
    nlp = resolved.fresh()
    settings = {"component": "ner", "scores": False}
    nlp.add_pipe("ner_candidates_v2", name="other", config=settings, last=True)
    ents = [ent for doc in nlp.pipe(TEXTS) for ent in doc.ents]
    assert not ents
    nlp.remove_pipe("other")
    assert told(nlp(TEXTS[0])) == told(resolved.nlp(TEXTS[0]))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_makes_no_sense_is_refused(temperature: float) -> None:
    nlp = spacy.blank("en")
    settings = {"component": "ner", "temperature": temperature}
    with pytest.raises(ValueError, match="must be above 0"):
        nlp.add_pipe("ner_candidates_v2", config=settings)


def test_a_policy_that_fails_is_named(resolved: Case) -> None:
    nlp = resolved.fresh()

    def careless(spans: Any) -> Any:
        raise KeyError("missing")

    pipe: Any = nlp.get_pipe("resolve")
    pipe.policy = careless
    with pytest.raises(ValueError, match=r"'careless' failed \(KeyError"):
        list(nlp.pipe(TEXTS))


def test_what_is_stored_of_another_text_tells_nothing(resolved: Case) -> None:
    first, second = (resolved.nlp(text) for text in TEXTS[:2])
    parts = [first[0:2].as_doc(copy_user_data=True), second[0:2].as_doc()]
    doc = Doc.from_docs(parts)
    key: Any = ("._.", "ner_proposals", 0, len(first[0:1].text))
    ent = Span(doc, 0, 1, "PERSON")
    doc.user_data[key] = [{"text": "other", "label": "PERSON", "component": "x"}]
    assert ent._.ner_component is None
