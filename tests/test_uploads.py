"""Files of visitors are read or refused with a reason, and taken away unharmed."""

import csv
import io

import pytest
import srsly

from differences import Entity
from uploads import (
    MAX_CHARACTERS,
    MAX_MEGABYTES,
    MAX_TEXTS,
    read_texts,
    to_csv,
    to_jsonl,
    too_long,
)


def test_text_file_has_one_text_a_line() -> None:
    assert read_texts(b"One.\r\n\n  \nTwo.", jsonl=False) == ["One.", "Two."]


def test_jsonl_file_has_one_record_a_line() -> None:
    data = b'\xef\xbb\xbf{"text": "One."}\n\n{"text": "Zwei \\u00fc.", "meta": 1}\n'
    assert read_texts(data, jsonl=True) == ["One.", "Zwei ü."]


@pytest.mark.parametrize(
    ("data", "jsonl", "message"),
    [
        (b"caf\xe9", False, "This file: not UTF-8"),
        (b'{"text": "caf\xe9"}', True, "This file: not UTF-8"),
        (b'{"text": "a"}\n<b>', True, "line 2: not JSON"),
        (b'{"text": "a"}\n[1]', True, "line 2: not an object with a `text`"),
        (b'{"words": "a"}', True, "line 1: not an object with a `text`"),
        (b'{"text": "\\ud800"}', True, "line 1: the `text` holds half"),
        (b"", False, "no text"),
        (b'{"text": " "}', True, "no text"),
        (b"a\n" + b"b" * (MAX_CHARACTERS + 1), False, "line 2: 20,001 characters"),
        (b"a\n" * (MAX_TEXTS + 1), False, "more than 50,000 texts"),
        (b"a" * (MAX_MEGABYTES * 2**20 + 1), False, "bigger than 5 MB"),
    ],
)
def test_unsound_file_is_refused(data: bytes, jsonl: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        read_texts(data, jsonl=jsonl)
    assert "<b>" not in str(error.value)


def test_limit_of_a_text() -> None:
    assert too_long("a" * MAX_CHARACTERS) is None
    assert "20,001" in str(too_long("a" * (MAX_CHARACTERS + 1)))


def test_jsonl_keeps_every_answer() -> None:
    answers = {"first": [[Entity(0, 4, "DRUG", "ner_drug")], []]}
    lines = to_jsonl(["Benz", "ü"], answers).splitlines()
    first, second = map(srsly.json_loads, lines)
    ent = {"start": 0, "end": 4, "label": "DRUG", "component": "ner_drug"}
    assert first == {"text": "Benz", "pipelines": {"first": [ent | {"score": None}]}}
    assert second == {"text": "ü", "pipelines": {"first": []}}


def test_csv_has_a_row_for_each_entity_and_runs_no_formula() -> None:
    texts = ["=1+1 Benz", "nothing"]
    answers = {"first": [[Entity(0, 4, "@X", "-ner", 0.5), Entity(5, 9, "DRUG")], []]}
    rows = list(csv.DictReader(io.StringIO(to_csv(texts, answers))))
    assert [row["number"] for row in rows] == ["1", "1", "2"]
    assert [row["entity"] for row in rows] == ["'=1+1", "Benz", ""]
    assert rows[0]["text"] == "'=1+1 Benz"
    assert (rows[0]["label"], rows[0]["component"]) == ("'@X", "'-ner")
    assert rows[0]["score"] == "0.5"
