"""What is known of entities lies in the doc, and goes wherever spaCy takes a doc."""

import importlib
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.underscore import Underscore
from spacy.util import import_file

import ner_components
from helpers import ROOT, propose, told
from ner_components import Longest, Resolve, proposals

NLP = spacy.blank("en")
FILE = ROOT / "scripts" / "ner_components.py"
RESOLVE = Resolve(NLP, components=["ner", "ner_drug"], policy=Longest())
CANDIDATES = [
    (0, 2, "PERSON", "ner", 0.75),
    (1, 4, "DRUG", "ner_drug", 0.5),
    (5, 6, "DRUG", "ner_drug", 1.0),
    (7, 9, "ORG", "ner", 0.25),
    (8, 9, "DRUG", "ner_drug", 0.125),
]


@pytest.fixture
def doc() -> Doc:
    """Ten words with two conflicts, in two halves of five."""
    text = "Anna Smith took oxycodone . Cannabis from Acme Labs !"
    words = text.split()
    doc = Doc(NLP.vocab, words=words, sent_starts=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    return RESOLVE(propose(doc, CANDIDATES))


def through_json(doc: Doc) -> Doc:
    return Doc(NLP.vocab).from_json(doc.to_json(underscore=["ner_provenance"]))


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    (found,) = DocBin().from_bytes(data).get_docs(NLP.vocab)
    return found


def merged(doc: Doc) -> Doc:
    with doc.retokenize() as retokenizer:
        for ent in doc.ents:
            retokenizer.merge(ent)
    return doc


COPIES: dict[str, Callable[[Doc], Doc]] = {
    "to_bytes": lambda doc: Doc(NLP.vocab).from_bytes(doc.to_bytes()),
    "to_dict": lambda doc: Doc(NLP.vocab).from_dict(doc.to_dict()),
    "DocBin": through_docbin,
    "to_json": through_json,
    "copy": lambda doc: doc.copy(),
    "as_doc": lambda doc: doc[:].as_doc(copy_user_data=True),
    "from_docs": lambda doc: Doc.from_docs([doc]),
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),  # noqa: S301
    "retokenization": merged,
    "retokenization-to_json": lambda doc: through_json(merged(doc)),
    "retokenization-to_bytes": lambda doc: Doc(NLP.vocab).from_bytes(
        merged(doc).to_bytes()
    ),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_survives(change: Callable[[Doc], Doc], doc: Doc) -> None:
    expected = told(doc)
    candidates = {c: [*map(str, own)] for c, own in doc._.ner_candidates.items()}
    assert len(expected[0]) == 3
    assert len(expected[1]) == 2
    found = change(doc)
    assert told(found) == expected
    # a merged token holds what lost inside it
    inside = {
        c: [len(s.text) for s in own] for c, own in found._.ner_candidates.items()
    }
    assert {c: len(own) for c, own in inside.items()} == {
        c: len(own) for c, own in candidates.items()
    }


@pytest.fixture
def judged() -> Doc:
    """A person who is renamed and proposed twice, and two that are dropped."""
    nlp = spacy.blank("en")
    phrases = {
        "one": {"Anna": "PERSON", "Acme": "LAW", "Oslo": "GPE"},
        "two": {"Anna": "PER", "Oslo": "GPE"},
    }
    labels = {"one": {"PERSON": "PER", "LAW": None}, "two": {"GPE": None}}
    for name, own in phrases.items():
        rules: Any = nlp.add_pipe("entity_ruler", name=name)
        rules.add_patterns([{"label": v, "pattern": k} for k, v in own.items()])
        config = {"component": name, "labels": labels[name]}
        nlp.add_pipe("ner_candidates_v2", name=f"{name}_collector", config=config)
    policy = {"@misc": "ner_policy.vote.v1", "at_least": 2}
    config = {"components": ["one", "two"], "policy": policy, "spans_key": "every"}
    nlp.add_pipe("resolve_entities_v2", config=config)
    return nlp("Anna left Acme for Oslo.")


@pytest.mark.parametrize(
    "change", [v for k, v in COPIES.items() if "retok" not in k], ids=None
)
def test_what_was_renamed_and_dropped_survives(
    change: Callable[[Doc], Doc], judged: Doc
) -> None:
    found = change(judged)
    assert [(e.text, e.label_, e._.ner_components) for e in found.ents] == [
        ("Anna", "PER", ["one", "two"]),
        # only one knows it
        ("Oslo", "GPE", ["one"]),
    ]
    originals = [proposal["original"] for proposal in proposals(found.ents[0])]
    assert originals == ["PERSON", "PER"]
    dropped = [
        (one["winner"], one["losers"][0]["text"], one["policy"], one["reason"])
        for one in found._.ner_conflicts
    ]
    assert dropped == [
        (None, "Acme", None, "label LAW is dropped"),
        (None, "Oslo", None, "label GPE is dropped"),
    ]
    # as its NER calls it
    assert [span.label_ for span in found._.ner_candidates["one"]] == [
        "PER",
        "LAW",
        "GPE",
    ]


def test_spans_of_all_candidates_survive(judged: Doc) -> None:
    found = through_docbin(judged)
    spans = [(span.text, span.label_) for span in found.spans["every"]]
    assert spans == [("Anna", "PER"), ("Oslo", "GPE")]


def test_without_user_data_nothing_is_known(doc: Doc) -> None:
    (found,) = DocBin(docs=[doc]).get_docs(NLP.vocab)
    assert [(e._.ner_component, e._.ner_score) for e in found.ents] == [
        (None, None)
    ] * 3
    assert found._.ner_conflicts == []


def test_a_part_has_offsets_of_its_own(doc: Doc) -> None:
    part = doc[5:].as_doc(copy_user_data=True)
    assert told(part)[0] == [
        (0, 8, "DRUG", "ner_drug", 1.0),
        (14, 23, "ORG", "ner", 0.25),
    ]
    (conflict,) = part._.ner_conflicts
    assert (
        part[conflict["winner"]["start"] : conflict["winner"]["end"]].text
        == "Acme Labs"
    )
    assert [*map(str, part._.ner_candidates["ner"])] == ["Acme Labs"]


def test_parts_in_another_order_bring_no_strangers(doc: Doc) -> None:
    parts = [sent.as_doc(copy_user_data=True) for sent in doc.sents]
    turned = Doc.from_docs(parts[::-1])
    assert [(e.text, e._.ner_component, e._.ner_score) for e in turned.ents] == [
        ("Cannabis", "ner_drug", 1.0),
        ("Acme Labs", "ner", 0.25),
        ("Smith took oxycodone", "ner_drug", 0.5),
    ]
    assert [c["winner"]["text"] for c in turned._.ner_conflicts] == [
        "Acme Labs",
        "Smith took oxycodone",
    ]
    candidates = {c: [*map(str, own)] for c, own in turned._.ner_candidates.items()}
    assert candidates == {
        "ner": ["Acme Labs", "Anna Smith"],
        "ner_drug": ["Cannabis", "Labs", "Smith took oxycodone"],
    }


def test_several_docs_are_put_together(doc: Doc) -> None:
    other = RESOLVE(propose(Doc(NLP.vocab, words=["Oxy"]), [(0, 1, "DRUG", "x", 0.5)]))
    both = Doc.from_docs([other, doc])
    assert [(e.text, e._.ner_component) for e in both.ents] == [
        ("Oxy", "x"),
        *((ent.text, ent._.ner_component) for ent in doc.ents),
    ]


def test_another_label_is_another_entity(doc: Doc) -> None:
    doc.ents = [Span(doc, ent.start, ent.end, "OTHER") for ent in doc.ents]
    assert {(e._.ner_component, e._.ner_score) for e in doc.ents} == {(None, None)}


def test_span_groups_of_others_do_not_matter(doc: Doc) -> None:
    expected = told(doc)
    doc.spans["ner"] = [doc[0:1]]
    doc.spans["sc"] = [doc[0:2]]
    doc.spans["sc"].attrs["scores"] = NLP.vocab.vectors.data
    assert told(doc) == expected


def test_to_decide_again_changes_nothing(doc: Doc) -> None:
    expected, conflicts = told(doc), doc._.ner_conflicts
    assert told(RESOLVE(doc)) == expected
    assert doc._.ner_conflicts == conflicts


def test_a_copy_that_is_decided_anew_leaves_the_doc_alone(doc: Doc) -> None:
    expected = told(doc)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_candidates_v2", config={"component": "ner"})
    assert told(nlp(doc.copy())) != expected
    assert told(doc) == expected


def test_identifiers_of_an_entity_survive() -> None:
    doc = Doc(NLP.vocab, words=["Anna", "Smith"])
    propose(doc, [(0, 2, "PERSON", "ner", 0.5)])
    ((_, _, _, proposed),) = doc._.ner_provenance
    proposed[0].update(kb_id="Q1", id="anna")
    (ent,) = RESOLVE(doc).ents
    assert (ent.kb_id_, ent.ent_id_) == ("Q1", "anna")


@pytest.mark.slow
def test_16000_entities_are_decided_in_linear_time() -> None:
    words = ["w"] * 40_000
    doc = Doc(NLP.vocab, words=words)
    candidates = [(at, at + 1, "ORG", "ner", 0.5) for at in range(0, 24_000, 2)]
    # a quarter of 16,000 collide in pairs
    candidates += [(at, at + 1, "ORG", "ner", 0.5) for at in range(24_000, 32_000, 4)]
    candidates += [
        (at, at + 2, "DRUG", "ner_drug", 0.5) for at in range(24_000, 32_000, 4)
    ]
    propose(doc, candidates)
    assert len(candidates) == 16_000
    start = process_time()
    RESOLVE(doc)
    assert process_time() - start < 3
    assert len(doc._.ner_conflicts) == 2_000
    start = process_time()
    found = [(e._.ner_component, e._.ner_score) for e in doc.ents]
    assert process_time() - start < 1
    assert len(found) == 14_000
    assert (None, None) not in found


# ------------------------------------------------------------------ the attributes
@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """No custom attributes at all, until the end of the test."""
    for kind in ["doc", "span", "token"]:
        monkeypatch.setattr(Underscore, f"{kind}_extensions", {})


@pytest.mark.usefixtures("extensions")
def test_an_attribute_of_somebody_else_is_left_alone() -> None:
    Span.set_extension("ner_score", default="theirs")
    with pytest.warns(UserWarning, match=r"Span\._\.ner_score is there already"):
        import_file("python_code", FILE)
    span = Doc(NLP.vocab, words=["a"])[0:1]
    assert span._.ner_score == "theirs"
    assert Span.has_extension("ner_component")


@pytest.mark.usefixtures("extensions")
def test_common_names_are_left_to_others() -> None:
    import_file("python_code", FILE)
    for kind in (Doc, Span):
        for name in ["score", "component", "conflicts", "candidates"]:
            kind.set_extension(name, default=None)
            assert kind.has_extension(name)


# ------------------------------------------------------------------ wheels and --code
@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The module as two packages of the same release ship it."""
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for name in ["en_one_wheel", "en_other_wheel"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "ner_components.py").write_bytes(FILE.read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found.append(importlib.import_module(f"{name}.ner_components"))
    return found


def test_two_wheels_of_a_release_share_one_process(wheels: list[Any], doc: Doc) -> None:
    expected = told(doc)
    for wheel in wheels:
        assert wheel.Resolve is not Resolve
        pipe = wheel.Resolve(NLP, components=["ner"], policy=wheel.Longest())
        assert told(pipe(propose(doc, CANDIDATES))) == expected
        assert [wheel.get_score(ent) for ent in doc.ents] == [0.5, 1.0, 0.25]


def test_components_of_a_wheel_pickle(wheels: list[Any]) -> None:
    for wheel in wheels:
        pipe = wheel.Resolve(NLP, components=["ner"], policy=wheel.Longest())
        again = pickle.loads(pickle.dumps(pipe))  # noqa: S301
        assert type(again) is wheel.Resolve
        assert again.policy == wheel.Longest()


def test_what_was_there_first_stays_registered(wheels: list[Any]) -> None:
    policy = spacy.registry.misc.get("ner_policy.longest.v1")
    assert policy is Longest
    assert spacy.blank("en").add_pipe("isolated_ner_v2").__class__ is (
        ner_components.IsolatedNER
    )


def test_what_code_loads_runs_but_does_not_pickle(doc: Doc) -> None:
    code = import_file("python_code", FILE)
    assert "python_code" not in sys.modules
    expected = told(doc)
    pipe = code.Resolve(NLP, components=["ner"], policy=code.Longest())
    assert told(pipe(propose(doc, CANDIDATES))) == expected
    with pytest.raises(TypeError, match=r"given by --code cannot be pickled.*wheel"):
        pickle.dumps(pipe)
