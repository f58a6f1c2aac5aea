"""Text annotated for one source learns the others' labels from their pipelines."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from training.merging import Fill, merge, merge_texts


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


def test_gold_wins_over_predictions(sources: dict[str, Language]) -> None:
    docs = [doc_of("Acme dope works.", (5, 9, "DRUG"))]
    merge(docs, sources, Fill.predictions)
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert list(docs[0].spans["core"]) == []


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
    marked = merge_texts(texts, sources, target, Fill.predictions)
    assert marked == {path.as_posix(): ["core", "drugs"] for path in texts}
    docs = list(DocBin().from_disk(target).get_docs(spacy.blank("en").vocab))
    assert [shown(doc) for doc in docs] == [
        [("Ed", "PERSON"), ("X", "ORG")],
        [("Anna", "PERSON"), ("dope", "DRUG")],
    ]
    first = target.read_bytes()
    merge_texts(texts, sources, target, Fill.predictions)
    assert target.read_bytes() == first
    marked = merge_texts(texts, sources, target, Fill.nothing)
    assert [*marked.values()] == [["core"], ["drugs"]]


def test_merged_text_stays_as_it_was_where_a_text_is_unsound(
    tmp_path: Path, sources: dict[str, Language]
) -> None:
    bad = write(tmp_path / "bad.jsonl", "dope", (0, 9, "DRUG"))
    target = tmp_path / "merged.spacy"
    target.write_bytes(b"earlier")
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 1: the span 0-9"):
        merge_texts([bad], sources, target, Fill.predictions)
    assert target.read_bytes() == b"earlier"
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "bad.jsonl",
        "merged.spacy",
    ]
