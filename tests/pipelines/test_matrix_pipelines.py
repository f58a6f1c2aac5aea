"""Whatever spaCy does with a pipeline, it can do with the combinations."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.kb import InMemoryLookupKB
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import load_model_from_config

from helpers import TEXTS, Case, entity, told


def all_told(nlp: Language) -> list[Any]:
    return [told(nlp(text)) for text in TEXTS]


def entities(nlp: Language) -> list[Any]:
    return [[*map(entity, nlp(text).ents)] for text in TEXTS]


def examples(nlp: Language, gold: Language) -> list[Example]:
    return [Example(nlp.make_doc(text), gold(text)) for text in TEXTS]


# ------------------------------------------------------------------ copies
def test_pickle(case: Case) -> None:
    again = pickle.loads(pickle.dumps(case.nlp))  # noqa: S301
    assert all_told(again) == case.expected


def test_deepcopy(case: Case) -> None:
    assert all_told(copy.deepcopy(case.nlp)) == case.expected


def test_bytes(costly_case: Case) -> None:
    nlp = load_model_from_config(costly_case.nlp.config)
    # a NER that has run over entities of another has learned their labels
    nlp.from_bytes(costly_case.fresh().to_bytes())
    assert all_told(nlp) == costly_case.expected


def test_disk(costly_case: Case, tmp_path: Path) -> None:
    costly_case.fresh().to_disk(tmp_path)
    assert all_told(spacy.load(tmp_path)) == costly_case.expected


def test_resolved_can_be_saved_after_use(resolved: Case, tmp_path: Path) -> None:
    nlp = resolved.fresh()
    assert all_told(nlp) == resolved.expected
    nlp.to_disk(tmp_path)
    assert all_told(spacy.load(tmp_path)) == resolved.expected


def test_a_ner_behind_another_learns_its_labels_in_use(cases: dict[str, Case]) -> None:
    nlp = cases["drug_first-isolated"].fresh()
    assert "DRUG" not in nlp.get_pipe("ner").labels
    nlp(TEXTS[0])
    assert "DRUG" in nlp.get_pipe("ner").labels


def test_an_order_knows_nothing_of_its_entities(cases: dict[str, Case]) -> None:
    doc = cases["drug_first-isolated"].nlp(TEXTS[0])
    assert {(e._.ner_component, e._.ner_score) for e in doc.ents} == {(None, None)}
    assert (doc._.ner_candidates, doc._.ner_conflicts) == ({}, [])


def test_an_isolated_ner_leaves_out_what_it_is_told_to(cases: dict[str, Case]) -> None:
    pipe: Any = cases["resolved-isolated"].nlp.get_pipe("ner_drug")
    whole = len(pipe.to_bytes())
    assert len(pipe.to_bytes(exclude=["ner"])) < whole
    # spaCy leaves out the vocab of the pipeline outside; this one has its own
    assert len(pipe.to_bytes(exclude=["vocab"])) == whole


# ------------------------------------------------------------------ parts left out
@pytest.mark.parametrize("left_out", ["ner", "ner_drug"])
def test_exclude(left_out: str, costly_case: Case) -> None:
    nlp = spacy.load(costly_case.path, exclude=[left_out])
    assert left_out not in nlp.component_names
    assert entities(nlp) == entities(home_without(left_out, costly_case))


@pytest.mark.parametrize("left_out", ["ner", "ner_drug"])
def test_disable(left_out: str, case: Case) -> None:
    nlp = case.fresh()
    nlp.disable_pipe(left_out)
    assert entities(nlp) == entities(home_without(left_out, case))


def home_without(left_out: str, case: Case) -> Language:
    return case.drugs if left_out == "ner" else case.core


def test_enable(costly_case: Case) -> None:
    nlp = spacy.load(costly_case.path, enable=["tok2vec", "ner"])
    assert nlp.pipe_names == ["tok2vec", "ner"]
    assert entities(nlp) == entities(costly_case.core)


def test_select_pipes(case: Case) -> None:
    nlp = case.fresh()
    with nlp.select_pipes(enable=["tok2vec", "ner"]):
        assert entities(nlp) == entities(case.core)
    assert all_told(nlp) == case.expected


def test_without_the_first_collector_the_order_decides(
    resolved: Case, cases: dict[str, Case]
) -> None:
    nlp = resolved.fresh()
    nlp.disable_pipe("ner_candidates")
    last = cases[f"drug_last-{'isolated' if resolved.isolated else 'plain'}"]
    assert entities(nlp) == entities(last.nlp)
    (doc,) = nlp.pipe(TEXTS[:1])
    assert {e._.ner_component for e in doc.ents} == {"ner"}
    # what nobody listened to has no score
    assert {e._.ner_score for e in doc.ents} == {None}


def test_without_the_decision_there_are_candidates(resolved: Case) -> None:
    nlp = resolved.fresh()
    nlp.disable_pipe("resolve")
    for doc, expected in zip(nlp.pipe(TEXTS), resolved.nlp.pipe(TEXTS), strict=True):
        assert doc.ents == ()
        found, other = doc._.ner_candidates, expected._.ner_candidates
        assert {c: [*map(entity, s)] for c, s in found.items()} == {
            c: [*map(entity, s)] for c, s in other.items()
        }


@pytest.mark.parametrize("name", ["ner", "ner_drug"])
def test_rename(name: str, case: Case) -> None:
    nlp = case.fresh()
    nlp.rename_pipe(name, "renamed")
    assert all_told(nlp) == case.expected


def test_a_renamed_ner_is_named_but_has_no_score_after_loading(
    resolved: Case, tmp_path: Path
) -> None:
    nlp = resolved.fresh()
    nlp.rename_pipe("ner", "renamed")
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert entities(again) == entities(resolved.nlp)
    ents = [e for e in again(TEXTS[0]).ents if e.label_ != "DRUG"]
    assert [(e._.ner_component, e._.ner_score) for e in ents] == [("renamed", None)]


def test_remove(case: Case) -> None:
    nlp = case.fresh()
    nlp.remove_pipe("ner_drug")
    assert entities(nlp) == entities(case.core)


def test_replace_by_a_rule(case: Case) -> None:
    nlp = case.fresh()
    ruler: Any = nlp.replace_pipe("ner_drug", "entity_ruler")
    ruler.add_patterns([{"label": "DRUG", "pattern": "from Geneva"}])
    (found,) = [ent for ent in nlp(TEXTS[3]).ents if ent.label_ == "DRUG"]
    assert found.text == "from Geneva"
    expected = ("ner_drug", 1.0) if case.resolved else (None, None)
    assert (found._.ner_component, found._.ner_score) == expected


# ------------------------------------------------------------------ more components
def test_merge_entities(costly_case: Case) -> None:
    # merging needs vectors that can be written, which spaCy's unpickled ones cannot
    nlp = spacy.load(costly_case.path)
    nlp.add_pipe("merge_entities")
    docs = list(nlp.pipe(TEXTS))
    assert [told(doc) for doc in docs] == costly_case.expected
    assert all(len(ent) == 1 for doc in docs for ent in doc.ents)
    assert any(len(ent.text.split()) > 1 for doc in docs for ent in doc.ents)
    stored = DocBin(store_user_data=True, docs=docs).get_docs(nlp.vocab)
    assert [told(doc) for doc in stored] == costly_case.expected
    processed = nlp.pipe(TEXTS, n_process=2)
    assert [told(doc) for doc in processed] == costly_case.expected


def test_tokens_merged_between_the_ners(resolved: Case) -> None:
    nlp = spacy.load(resolved.path)
    nlp.add_pipe("merge_entities", after="ner")
    found = {c: list(map(str, s)) for c, s in nlp(TEXTS[0])._.ner_candidates.items()}
    assert found["ner"] == ["Anna moved", "in May."]


def test_entity_linker(case: Case) -> None:
    nlp = case.fresh()
    nlp.add_pipe("sentencizer")
    linker: Any = nlp.add_pipe("entity_linker", config={"use_gold_ents": False})

    def make_kb(vocab: Any) -> InMemoryLookupKB:
        kb = InMemoryLookupKB(vocab, entity_vector_length=4)
        kb.add_entity("Q1", freq=1, entity_vector=[1.0, 0.0, 0.0, 0.0])
        kb.add_alias("in May.", ["Q1"], [1.0])
        return kb

    linker.initialize(lambda: examples(case.nlp, case.nlp), nlp=nlp, kb_loader=make_kb)
    docs = list(nlp.pipe(TEXTS))
    assert [told(doc) for doc in docs] == case.expected
    linked = [e.text for doc in docs for e in doc.ents if e.kb_id_ == "Q1"]
    # the order decides who claims May
    assert linked == ([] if case.name == "drug_first" else ["in May."])


@pytest.mark.parametrize("place", ["first", "last"])
def test_spancat(place: str, costly_case: Case) -> None:
    nlp = costly_case.fresh()
    where: Any = {place: True}
    spancat: Any = nlp.add_pipe("spancat", config={"threshold": 0.0}, **where)
    spancat.initialize(lambda: with_spans(nlp), nlp=nlp)
    docs = list(nlp.pipe(TEXTS))
    assert [told(doc) for doc in docs] == costly_case.expected
    for doc in docs:
        assert list(doc.spans) == ["sc"]
        assert len(doc.spans["sc"].attrs["scores"]) == len(doc.spans["sc"]) > 0
    assert [told(doc.copy()) for doc in docs] == costly_case.expected


def with_spans(nlp: Language) -> list[Example]:
    found = []
    for text in TEXTS:
        gold = nlp.make_doc(text)
        gold.spans["sc"] = [Span(gold, 0, 2, "ORG"), Span(gold, 1, 3, "ORG")]
        found.append(Example(nlp.make_doc(text), gold))
    return found


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_rule_for_what_no_ner_claims(place: str, case: Case) -> None:
    nlp, core = (
        with_rule(case.fresh(), place, "on"),
        with_rule(core_of(case), place, "on"),
    )
    (found,) = [ent for ent in nlp(TEXTS[3]).ents if ent.label_ == "RULE"]
    credited = ("rules", 1.0) if case.resolved and place == "first" else (None, None)
    assert (found._.ner_component, found._.ner_score) == credited
    nlp.disable_pipe("ner_drug")
    assert entities(nlp) == entities(core)


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_rule_for_what_a_ner_claims(place: str, case: Case) -> None:
    nlp = with_rule(case.fresh(), place, "two")
    rules = [ent.text for ent in nlp(TEXTS[3]).ents if ent.label_ == "RULE"]
    # a NER never overwrites a rule; a policy chooses, here the longer one
    assert rules == (["two"] if place == "first" and not case.resolved else [])


def with_rule(nlp: Language, place: str, pattern: str) -> Language:
    where: Any = {place: True}
    ruler: Any = nlp.add_pipe("entity_ruler", name="rules", **where)
    ruler.add_patterns([{"label": "RULE", "pattern": pattern}])
    return nlp


def core_of(case: Case) -> Language:
    return pickle.loads(pickle.dumps(case.core))  # noqa: S301


# ------------------------------------------------------------------ spaCy's protocol
@pytest.mark.parametrize("source", ["core", "drugs"])
def test_evaluate(source: str, case: Case) -> None:
    gold = getattr(case, source)
    scores = case.nlp.evaluate(examples(case.nlp, gold))
    predicted = [set(ents) for ents in entities(case.nlp)]
    expected = [set(ents) for ents in entities(gold)]
    right = sum(len(a & b) for a, b in zip(predicted, expected, strict=True))
    assert scores["ents_r"] == pytest.approx(right / sum(map(len, expected)))
    assert scores["ents_p"] == pytest.approx(right / sum(map(len, predicted)))


def test_a_perfect_pipeline_scores_one(case: Case) -> None:
    assert case.nlp.evaluate(examples(case.nlp, case.nlp))["ents_f"] == 1.0


def test_analyze_pipes(case: Case) -> None:
    analysis: Any = case.nlp.analyze_pipes(keys=["assigns", "requires"])
    assert set(analysis["problems"]) == set(case.nlp.pipe_names)
    assert not any(analysis["problems"].values())
    assigned = analysis["summary"].get("resolve", {}).get("assigns", [])
    assert ("doc.ents" in assigned) == case.resolved


def test_labels(case: Case) -> None:
    labels = case.fresh().pipe_labels
    assert labels["ner_drug"] == ["DRUG"]
    assert labels["ner"] == core_of(case).pipe_labels["ner"]


def test_training_leaves_what_is_not_trainable(case: Case) -> None:
    nlp = case.fresh()
    trainable = {name for name, pipe in nlp.pipeline if hasattr(pipe, "update")}
    ours = {"ner_candidates", "ner_drug_candidates", "resolve"}
    assert not trainable & (ours | ({"ner_drug"} if case.isolated else set()))
    with nlp.select_pipes(enable=["tok2vec", "ner"]):
        losses = nlp.update(examples(nlp, case.core), sgd=nlp.resume_training())
    assert "ner" in losses
    assert [told(doc) for doc in nlp.pipe(TEXTS)]


@pytest.mark.parametrize("name", ["ner_drug", "ner_drug_candidates", "resolve"])
def test_a_batch_that_fails_goes_to_the_error_handler(
    name: str, cases: dict[str, Case]
) -> None:
    nlp = cases["resolved-isolated"].fresh()
    pipe: Any = nlp.get_pipe(name)
    run, failed = pipe.run, []

    def fail_once(docs: list[Doc]) -> None:
        if docs[0].text == TEXTS[0]:
            raise ValueError("broken")
        run(docs)

    def note(name: str, pipe: Any, docs: list[Doc], error: Exception) -> None:
        failed.append((name, [doc.text for doc in docs]))

    pipe.run = fail_once
    # spaCy 3.8.18 cannot set one for the whole pipeline, as its `ner` refuses it
    pipe.set_error_handler(note)
    assert [doc.text for doc in nlp.pipe(TEXTS, batch_size=2)] == TEXTS[2:]
    assert failed == [(name, TEXTS[:2])]


def test_an_error_is_raised_without_a_handler(resolved: Case) -> None:
    nlp = resolved.fresh()
    nlp.get_pipe("resolve").policy = list
    with pytest.raises(ValueError, match="resolve: the policy 'list' returned spans"):
        list(nlp.pipe(TEXTS))


def test_components_can_be_taken_from_a_combination(resolved: Case) -> None:
    source = resolved.fresh()
    nlp = spacy.blank("en", vocab=source.vocab)
    for name in source.pipe_names:
        nlp.add_pipe(name, source=source)
    assert all_told(nlp) == resolved.expected
