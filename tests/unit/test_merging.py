"""Text annotated for one source learns the others' labels from their pipelines."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from common.texts import learned_from
from training.merging import Fill, Merged, is_gold, merge, merge_texts


def source(patterns: dict[str, str]) -> Language:
    """A pipeline that finds known things by rules: as good as a NER here."""
    nlp = spacy.blank("en")
    rules = nlp.add_pipe("entity_ruler")
    rules.add_patterns([{"label": b, "pattern": a} for a, b in patterns.items()])
    return nlp


@pytest.fixture
def sources() -> dict[str, Language]:
    return {
        "core": source({"Anna": "PERSON", "Acme dope": "ORG"}),
        "drugs": source({"dope": "DRUG", "Anna": "DRUG"}),
    }


def doc_of(text: str, *ents: tuple[int, int, str]) -> Doc:
    doc = spacy.blank("en")(text)
    spans = [doc.char_span(*ent[:2], label=ent[2]) for ent in ents]
    doc.ents = [span for span in spans if span]
    return doc


def shown(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_missing_labels_are_predicted(sources: dict[str, Language]) -> None:
    docs = [doc_of("Anna took dope.", (10, 14, "DRUG"))]
    assert merge(docs, sources, Fill.predictions) == ["drugs"]
    assert shown(docs[0]) == [("Anna", "PERSON"), ("dope", "DRUG")]
    assert [span.text for span in docs[0].spans["core"]] == ["Anna"]
    assert [span.text for span in docs[0].spans["drugs"]] == ["dope"]


def test_nothing_is_predicted_where_that_is_chosen(
    sources: dict[str, Language],
) -> None:
    docs = [doc_of("Anna took dope.", (10, 14, "DRUG"))]
    merge(docs, sources, Fill.nothing)
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert set(docs[0].spans) == {"drugs"}


def test_a_doc_tells_for_whom_it_was_annotated(sources: dict[str, Language]) -> None:
    docs = [doc_of("Anna took dope.", (10, 14, "DRUG")), doc_of("Anna took dope.")]
    docs[0].user_data["annotated"] = ["DRUG"]
    docs[1].user_data["annotated"] = ["PERSON", "ORG"]
    assert merge(docs, sources, Fill.predictions) == ["core", "drugs"]
    assert [[name for name in sources if is_gold(doc, name)] for doc in docs] == [
        ["drugs"],
        ["core"],
    ]
    # in the second nobody marked a person, and the drug is predicted
    assert shown(docs[0]) == [("Anna", "PERSON"), ("dope", "DRUG")]
    assert shown(docs[1]) == [("Anna", "DRUG"), ("dope", "DRUG")]


def test_gold_wins_over_predictions(sources: dict[str, Language]) -> None:
    docs = [doc_of("Acme dope works.", (5, 9, "DRUG"))]
    merge(docs, sources, Fill.predictions)
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert list(docs[0].spans["core"]) == []


@pytest.mark.parametrize(
    ("core", "drugs", "expected"),
    [
        ("Acme dope", "dope", ("Acme dope", "ORG")),
        ("dope", "dope works", ("dope works", "DRUG")),
        ("dope", "dope", ("dope", "DRUG")),
    ],
    ids=["core longer", "other longer", "as long"],
)
def test_the_longest_of_predictions_that_collide_stays(
    core: str, drugs: str, expected: tuple[str, str]
) -> None:
    sources = {"core": source({core: "ORG"}), "drugs": source({drugs: "DRUG"})}
    docs = [doc_of("Acme dope works.")]
    merge(docs, sources, Fill.predictions)
    assert shown(docs[0]) == [expected]
    groups = {name: [s.text for s in own] for name, own in docs[0].spans.items()}
    winner = "core" if expected[1] == "ORG" else "drugs"
    assert groups == {"core": [], "drugs": []} | {winner: [expected[0]]}


def test_joint_annotation_is_left_as_it_is(sources: dict[str, Language]) -> None:
    docs = [
        doc_of("Anna took dope.", (10, 14, "DRUG")),
        doc_of("Bob of Acme.", (0, 3, "PERSON"), (7, 11, "ORG")),
    ]
    assert merge(docs, sources, Fill.predictions) == ["core", "drugs"]
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert [span.text for span in docs[1].spans["core"]] == ["Bob", "Acme"]
    assert list(docs[1].spans["drugs"]) == []


def test_half_of_the_labels_is_not_annotated(sources: dict[str, Language]) -> None:
    docs = [doc_of("Bob and Anna.", (0, 3, "PERSON"))]
    del sources["drugs"]
    assert merge(docs, sources, Fill.predictions) == []
    assert shown(docs[0]) == [("Anna", "PERSON")]


def test_labels_of_no_source_are_dropped(sources: dict[str, Language]) -> None:
    docs = [doc_of("Bob took dope.", (0, 3, "GADGET"), (9, 13, "DRUG"))]
    merge(docs, sources, Fill.predictions)
    assert shown(docs[0]) == [("dope", "DRUG")]


def test_a_third_source_is_merged_under_its_own_name(
    sources: dict[str, Language],
) -> None:
    docs = [doc_of("Anna took dope for p53.", (10, 14, "DRUG"))]
    sources["genes"] = source({"p53": "GENE"})
    assert merge(docs, sources, Fill.predictions) == ["drugs"]
    assert shown(docs[0]) == [("Anna", "PERSON"), ("dope", "DRUG"), ("p53", "GENE")]
    assert {name: [span.text for span in docs[0].spans[name]] for name in sources} == {
        "core": ["Anna"],
        "drugs": ["dope"],
        "genes": ["p53"],
    }


def write(path: Path, text: str, *spans: tuple[int, int, str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    keys = ("start", "end", "label")
    record: dict[str, Any] = {"text": text}
    record["spans"] = [dict(zip(keys, span, strict=True)) for span in spans]
    srsly.write_jsonl(path, [record])
    return path


def test_merged_texts_are_written(tmp_path: Path, sources: dict[str, Language]) -> None:
    texts = [
        write(tmp_path / "core.jsonl", "Ed at X!", (0, 2, "PERSON"), (6, 7, "ORG")),
        write(tmp_path / "drugs.jsonl", "Anna took dope.", (10, 14, "DRUG")),
    ]
    target = tmp_path / "corpus" / "merged.spacy"
    merged = merge_texts(texts, sources, {}, target, Fill.predictions)
    both = ["core", "drugs"]
    assert [*merged.values()] == [Merged(["core"], both), Merged(["drugs"], both)]
    assert [*merged] == [path.as_posix() for path in texts]
    docs = list(DocBin().from_disk(target).get_docs(spacy.blank("en").vocab))
    assert [shown(doc) for doc in docs] == [
        [("Ed", "PERSON"), ("X", "ORG")],
        [("Anna", "PERSON"), ("dope", "DRUG")],
    ]
    first = target.read_bytes()
    merge_texts(texts, sources, {}, target, Fill.predictions)
    assert target.read_bytes() == first
    merged = merge_texts(texts, sources, {}, target, Fill.nothing)
    assert [own.marked for own in merged.values()] == [["core"], ["drugs"]]


def test_text_without_a_span_teaches_nothing(
    tmp_path: Path, sources: dict[str, Language]
) -> None:
    texts = [write(tmp_path / "a.jsonl", "dope")]
    with pytest.raises(ValueError, match=r"a\.jsonl: there is no span in it"):
        merge_texts(texts, sources, {}, tmp_path / "m.spacy", Fill.predictions)


def test_merged_text_stays_as_it_was_where_a_text_is_unsound(
    tmp_path: Path, sources: dict[str, Language]
) -> None:
    bad = write(tmp_path / "bad.jsonl", "dope", (0, 9, "DRUG"))
    target = tmp_path / "merged.spacy"
    target.write_bytes(b"earlier")
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 1: the span 0-9"):
        merge_texts([bad], sources, {}, target, Fill.predictions)
    assert target.read_bytes() == b"earlier"
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "bad.jsonl",
        "merged.spacy",
    ]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a project's own text, which says Ed is a person and X is none."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "assets" / "own.jsonl", "Ed met Anna.", (0, 2, "PERSON"))
    write(tmp_path / "mine.jsonl", "Ed met Anna.", (0, 2, "PERSON"))
    return tmp_path


def ledger(core: str) -> dict[str, dict[str, Any]]:
    return {"core": {"origin": core}, "drugs": {"origin": "embedded"}}


@pytest.mark.parametrize(
    ("text", "origin", "fill", "expected"),
    [
        # the core would be called wrong for what it learned elsewhere
        ("assets/own.jsonl", "index", Fill.predictions, [("Anna", "PERSON")]),
        ("assets/own.jsonl", "embedded", Fill.predictions, [("Ed", "PERSON")]),
        ("assets/own.jsonl", "index", Fill.nothing, [("Ed", "PERSON")]),
        ("mine.jsonl", "index", Fill.predictions, [("Ed", "PERSON")]),
    ],
    ids=["strangers", "embedded", "nothing stands for it", "one's own"],
)
def test_gold_counts_for_those_who_learned_from_its_annotators(
    house: Path, text: str, origin: str, fill: Fill, expected: list[tuple[str, str]]
) -> None:
    sources = {"core": source({"Anna": "PERSON"}), "drugs": source({"dope": "DRUG"})}
    target = house / "merged.spacy"
    merged = merge_texts([Path(text)], sources, ledger(origin), target, fill)
    [doc] = DocBin().from_disk(target).get_docs(spacy.blank("en").vocab)
    assert shown(doc) == expected
    learned = expected != [("Anna", "PERSON")]
    assert is_gold(doc, "core") == learned
    assert merged[text].gold == (["core"] if learned else [])


def test_text_without_annotation_is_predicted_and_what_is_measured_on_left_out(
    tmp_path: Path, sources: dict[str, Language], capsys: pytest.CaptureFixture[str]
) -> None:
    annotated = tmp_path / "drugs.jsonl"
    keys = ("start", "end", "label")
    span = dict(zip(keys, (5, 9, "DRUG"), strict=True))
    records = [{"text": f"Some dope {n}.", "spans": [span]} for n in range(3)]
    srsly.write_jsonl(annotated, records)
    raw = tmp_path / "raw"
    raw.mkdir()
    lines = [f"Anna has {n}." for n in range(40)]
    (raw / "a.txt").write_text("\n".join(lines), encoding="utf8")
    test = tmp_path / "test.txt"
    test.write_text("Some dope 1.\nAnna has 7.\nAnna has 8.", encoding="utf8")
    target = tmp_path / "merged.spacy"
    merge_texts([annotated], sources, {}, target, Fill.predictions, raw=raw, test=test)
    docs = {
        doc.text: shown(doc)
        for doc in DocBin().from_disk(target).get_docs(spacy.blank("en").vocab)
    }
    expected = {*learned_from(lines)} - {"Anna has 7.", "Anna has 8."}
    assert 20 < len(expected) < 40
    assert docs.keys() == {"Some dope 0.", "Some dope 2.", *expected}
    assert all(("Anna", "DRUG") in docs[text] for text in expected)
    assert "1 texts are left out" in " ".join(capsys.readouterr().out.split())
