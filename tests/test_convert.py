"""`convert` keeps sound annotation and refuses the rest by name."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin

from convert import ASSETS, convert


def write(path: Path, *records: Any) -> Path:
    srsly.write_jsonl(path, records)
    return path


def read(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def span(start: int, end: int, label: str = "DRUG") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def test_spans_become_ents(tmp_path: Path) -> None:
    record = {"text": "H and dope, he said.", "spans": [span(0, 1), span(6, 10)]}
    source = write(tmp_path / "a.jsonl", record)
    assert convert(source, tmp_path / "a.spacy") == 1
    (doc,) = read(tmp_path / "a.spacy")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("H", "DRUG"),
        ("dope", "DRUG"),
    ]


def test_conflict_and_sentences_are_kept(tmp_path: Path) -> None:
    record = {"text": "Hi Molly! How are you?", "conflict": True}
    source = write(tmp_path / "a.jsonl", record)
    convert(source, tmp_path / "a.spacy")
    (doc,) = read(tmp_path / "a.spacy")
    assert doc.user_data["conflict"] is True
    assert [sent.text for sent in doc.sents] == ["Hi Molly!", "How are you?"]


def test_only_accepted_records_are_kept(tmp_path: Path) -> None:
    answers = ["accept", "reject", "ignore"]
    records = [{"text": answer, "answer": answer} for answer in answers]
    source = write(tmp_path / "a.jsonl", *records)
    convert(source, tmp_path / "a.spacy")
    assert [doc.text for doc in read(tmp_path / "a.spacy")] == ["accept"]


def test_spans_of_another_label_set_are_outside_and_the_rest_unknown(
    tmp_path: Path,
) -> None:
    record = {"text": "H in Oslo", "spans": [span(0, 1)]}
    source = write(tmp_path / "a.jsonl", record, {"text": "nothing marked"})
    ours = ASSETS / "core_train.jsonl"
    assert convert(source, tmp_path / "a.spacy", outside_of=ours) == 1
    (doc,) = read(tmp_path / "a.spacy")
    assert [token.ent_iob_ for token in doc] == ["O", "", ""]
    # one's own labels may well be within the project's
    own = tmp_path / "own.jsonl"
    assert convert(source, tmp_path / "a.spacy", outside_of=own) == 0


@pytest.mark.parametrize(
    ("text", "spans", "culprit"),
    [
        ("dope", [span(0, 9)], "0-9 'dope' is not inside the text of 4"),
        ("dope", [span(2, 2)], "2-2 '' is not inside"),
        ("dope", [span(-2, 2)], "-2-2 '' is not inside"),
        ("some dope", [span(5, 8)], "5-8 'dop' does not start and end with a token"),
        ("black tar", [span(0, 9), span(6, 9)], "overlaps the span 0-9 'black tar'"),
        ("dope", [{"start": 0, "end": 4}], "needs `start`, `end` and `label`"),
        ("dope", [{"start": "a", "end": 4, "label": "X"}], "needs `start`"),
        ("dope", [span(0, 4, "")], "has no label"),
        ("dope", [span(0, 4, "GADGET")], "label GADGET, which the training text"),
    ],
    ids=[
        "past-end",
        "empty",
        "negative",
        "misaligned",
        "overlapping",
        "unlabelled",
        "no-number",
        "blank-label",
        "unknown-label",
    ],
)
def test_unsound_span_is_refused_by_name(
    tmp_path: Path, text: str, spans: list[dict[str, Any]], culprit: str
) -> None:
    train = write(tmp_path / "train.jsonl", {"text": "H", "spans": [span(0, 1)]})
    convert(train, tmp_path / "train.spacy")
    fine = {"text": "fine"}
    source = write(tmp_path / "bad.jsonl", fine, {"text": text, "spans": spans})
    target = tmp_path / "bad.spacy"
    target.write_bytes(b"earlier")
    with pytest.raises(ValueError) as error:
        convert(source, target, labels_of=tmp_path / "train.spacy")
    assert f"{source}, line 2" in str(error.value)
    assert culprit in str(error.value)
    assert target.read_bytes() == b"earlier"


@pytest.mark.parametrize(
    ("content", "culprit"),
    [
        (None, "there is no such file"),
        (b"", "no accepted record"),
        (b"\n\n", "no accepted record"),
        (b'{"text": "a"}\n{oops', "line 2: not JSON"),
        (b'{"txt": "a"}', "line 1: not an object with a `text`"),
        (b'["a"]', "line 1: not an object with a `text`"),
        (b'{"text": "\xff"}', "not UTF-8"),
    ],
    ids=["missing", "empty", "blank", "no-json", "no-text", "no-object", "no-utf8"],
)
def test_unreadable_file_is_refused_by_name(
    tmp_path: Path, content: bytes | None, culprit: str
) -> None:
    source = tmp_path / "a.jsonl"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(ValueError) as error:
        convert(source, tmp_path / "a.spacy")
    assert str(source) in str(error.value)
    assert culprit in str(error.value)
    assert not (tmp_path / "a.spacy").exists()
