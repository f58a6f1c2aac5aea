"""Text files are read as editors show them."""

from pathlib import Path

import pytest

from common.formats.lines import decode, lines
from common.texts import learned_from, measured_on, read_texts


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\nb", "\ufeffa\nb"],
    ids=["line feed", "carriage return", "byte order mark"],
)
def test_lines_end_where_an_editor_ends_them(text: str) -> None:
    assert [line for _, line in lines(text.encode(), "f")] == ["a", "b"]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x0c", "\x0b", "\x85", "\x1e"])
def test_other_line_ends_of_unicode_are_part_of_a_text(end: str) -> None:
    text = f"one{end}text"
    assert [line for _, line in lines(text.encode(), "f")] == [text]


def test_place_of_a_line_is_named() -> None:
    assert [where for where, _ in lines(b"a\n\nb", "f")][2] == "f, line 3"


def test_other_encodings_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"old.txt: not UTF-8"):
        decode("naïve".encode("latin-1"), "old.txt")


def test_texts_are_read_from_files_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.txt").write_text("one\n\n two \none", encoding="utf8")
    record = '{"text": "three", "spans": "whatever", "answer": "reject"}'
    (folder / "deeper" / "b.jsonl").write_text(record, encoding="utf8")
    (folder / "c.md").write_text("not read", encoding="utf8")
    assert read_texts(folder) == ["one", " two ", "three"]
    assert read_texts(folder / "a.txt") == ["one", " two "]


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("none.txt", None, r"none\.txt: there is no such file or folder"),
        ("a.csv", "x", r"a\.csv: no column is called `text` \(it has x\)"),
        ("a.txt", " \n", r"a\.txt: there is no text in it"),
        ("a.jsonl", "{", r"a\.jsonl, line 1: not JSON"),
        ("a.jsonl", '{"text": 1}', r"a\.jsonl, line 1: not an object with a `text`"),
        ("folder", "", r"folder: there is no text in it"),
    ],
)
def test_texts_that_cannot_be_read_are_named(
    tmp_path: Path, name: str, content: str | None, wrong: str
) -> None:
    if name == "folder":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_text(content, encoding="utf8")
    with pytest.raises(ValueError, match=wrong):
        read_texts(tmp_path / name)


def test_no_text_is_both_learned_from_and_measured_on() -> None:
    texts = [f"text {n}" for n in range(1000)]
    measured, learned = measured_on(texts), learned_from(texts)
    assert {*measured} | {*learned} == {*texts}
    assert not {*measured} & {*learned}
    assert 150 < len(measured) < 250
    # whatever else is there
    assert {*measured_on(texts[:500])} == {*measured} & {*texts[:500]}
