"""What `annotate` reads: all of a file, or an error that says where it is at fault."""

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.registry import known_implementations
from spacy.tokens import DocBin

import annotating.lines
import annotating.tables
from annotate import annotate
from annotating.plan import Texts, plan_parts
from annotating.texts import Columns, Row, find_files, read_rows
from annotating.worker import Annotator, Job
from common.packages import identify

BY_ID = Columns(id="id")


def read(*addresses: Path | str, columns: Columns = BY_ID) -> list[tuple[str, Any]]:
    """Read rows; those called by their place by its number alone."""
    files = find_files([str(address) for address in addresses])
    places = {file.address for file in files}
    return [
        (
            row.id.removeprefix(place)
            if (place := row.id.rpartition(":")[0]) in places
            else row.id,
            row.text,
        )
        for row in read_rows(files, columns)
    ]


def lines(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


ONE_TWO = [":1", "one"], [":2", "two"]
# the same two texts, by file
SAME: dict[str, bytes] = {
    "a.txt": b"one\ntwo\n",
    "a.jsonl": b'{"text": "one"}\n{"text": "two"}\n',
    "a.csv": b"text,n\none,1\ntwo,2\n",
}
EACH = pytest.mark.parametrize("name", SAME)
BY_PLACE = Columns()


# ------------------------------------------------------------------ encodings


def texts(path: Path) -> list[str | None]:
    return [text for _, text in read(path, columns=BY_PLACE)]


@EACH
@pytest.mark.parametrize(
    "spelled",
    ["bom", "crlf", "no line end", "blank lines"],
)
def test_a_file_may_be_spelled_otherwise(
    name: str, spelled: str, tmp_path: Path
) -> None:
    data = {
        "bom": b"\xef\xbb\xbf" + SAME[name],
        "crlf": SAME[name].replace(b"\n", b"\r\n"),
        "no line end": SAME[name].rstrip(),
        "blank lines": SAME[name].replace(b"\n", b"\n\n  \n", 1).replace(b"  ", b""),
    }[spelled]
    (tmp_path / name).write_bytes(data)
    assert texts(tmp_path / name) == ["one", "two"]


@EACH
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_another_encoding_is_named_with_its_line(
    name: str, encoding: str, tmp_path: Path
) -> None:
    data = SAME[name].decode().replace("o", "ô").encode(encoding)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name}, line \d: .*save it as UTF-8"):
        texts(tmp_path / name)


@EACH
def test_a_line_of_another_encoding_far_behind_is_named(
    name: str, tmp_path: Path
) -> None:
    first, last, *more = SAME[name].splitlines(keepends=True)
    last = more[0] if more else last
    many = first + SAME[name].splitlines(keepends=True)[1] * 10_000
    (tmp_path / name).write_bytes(many + last.replace(b"o", b"\xe9"))
    with pytest.raises(ValueError, match=f"{name}, line 10002: not UTF-8"):
        texts(tmp_path / name)


@EACH
def test_null_bytes_are_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(SAME[name].replace(b"tw", b"t\0w"))
    with pytest.raises(ValueError, match=rf"{name}, line [23]: null bytes"):
        texts(tmp_path / name)


# ------------------------------------------------------------------ empty files

NONE: dict[str, bytes] = {
    "a.txt": b"",
    "b.txt": b"\n \n",
    "a.jsonl": b"",
    "b.jsonl": b"\n\n",
    "a.csv": b"",
    "b.csv": b"text,id\n",
    "c.csv": b"text,id",
    "a.spacy": DocBin().to_bytes(),
}


@pytest.mark.parametrize("name", [*NONE, "a.parquet"])
def test_a_file_without_texts_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name in NONE:
        path.write_bytes(NONE[name])
    else:
        schema = pa.schema([("text", pa.string()), ("id", pa.int64())])
        pq.write_table(schema.empty_table(), path)
    with pytest.raises(ValueError, match=f"{name}: there is no text in it"):
        read(path)
    # beside others it does not matter
    (tmp_path / "z.jsonl").write_bytes(b'{"text": "one", "id": 1}\n')
    assert read(path, tmp_path / "z.jsonl") == [("1", "one")]


@pytest.mark.parametrize("name", ["a.parquet", "a.spacy", "a.txt.gz"])
def test_a_file_of_nothing_that_must_have_something_is_named(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=name):
        read(tmp_path / name)


# ------------------------------------------------------------------ long lines


@EACH
def test_a_line_that_is_too_long_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating.lines, "LONGEST", 100)
    (tmp_path / name).write_bytes(SAME[name].replace(b"one", b"o" * 80))
    assert texts(tmp_path / name) == ["o" * 80, "two"]
    (tmp_path / name).write_bytes(SAME[name].replace(b"one", b"o" * 101))
    with pytest.raises(ValueError, match=rf"{name}, line [12]: longer than 100 bytes"):
        texts(tmp_path / name)


def test_a_quote_that_stays_open_is_no_text_of_all_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating.tables, "LONGEST", 100)
    (tmp_path / "a.csv").write_bytes(b'text\none\n"two\n' + b"three\n" * 50)
    with pytest.raises(
        ValueError, match=r"a\.csv, line 3: .*\(field larger than .* left open"
    ):
        texts(tmp_path / "a.csv")


def test_few_long_rows_of_a_table_are_held_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    class File(pq.ParquetFile):
        def iter_batches(self, batch_size: int, **given: Any) -> Any:
            held.append(batch_size)
            return super().iter_batches(batch_size, **given)

    monkeypatch.setattr(pq, "ParquetFile", File)
    for length in (10, 2**18):
        long = ["x" * length + str(n) for n in range(8)]
        assert len(read(parquet(tmp_path / "a.parquet", text=long))) == 8
    assert held == [annotating.tables.ROWS, 3]


# ------------------------------------------------------------------ JSONL

OBJECTS: dict[str, tuple[bytes, Any]] = {
    "arrays": (lines('["a"]'), "line 1: .* is no JSON object"),
    "strings": (lines('{"text": "a", "id": 1}', '"b"'), "line 2: '\"b\"' is no JSON"),
    "null": (lines('{"text": "a", "id": 1}', "null"), "line 2: 'null' is no JSON"),
    "a list": (lines("[", '{"text": "a"}', "]"), "line 1: not JSON"),
    "a list in a line": (lines('[{"text": "a"}]'), "line 1: .* write one a line"),
    "indented": (lines("{", '"text": "a"', "}"), "line 1: not JSON"),
    "commas": (lines('{"text": "a", "id": 1},'), r"line 1: not JSON \(Extra data"),
    "two a line": (lines('{"text": "a"}{"text": "b"}'), "line 1: not JSON"),
    "cut off": (b'{"text": "a", "id": 1}\n{"text": "b', "line 2: not JSON"),
    "too deep": (
        lines('{"text": ' + "[" * 9_999 + "]" * 9_999 + "}"),
        "line 1: not JS",
    ),
    "a field twice": (
        lines('{"text": "a", "id": 1}', '{"text": "a", "id": 1, "text": "b"}'),
        "line 2: the field `text` stands twice",
    ),
    "a number for a text": (
        lines('{"text": "a", "id": 1}', '{"text": 1, "id": 2}'),
        "line 2: the field `text` is 1, no text",
    ),
    "a list for a text": (
        lines('{"text": ["a"], "id": 1}'),
        "line 1: the field `text`",
    ),
    "an object for an id": (lines('{"text": "a", "id": {}}'), "`id` is {}, no id"),
    "half an id": (lines('{"text": "a", "id": "\\ud83d"}'), "half of a character"),
    "no such field": (lines('{"body": "a"}'), r"no column `text` \(it has body\)"),
    "a text that says so twice": (
        lines('{"id": "text", "text": "the \\"text\\""}'),
        [("text", 'the "text"')],
    ),
    "no text in some": (
        lines('{"text": null, "id": 1}', '{"id": 2}', '{"text": "", "id": 3}'),
        [("1", None), ("2", None), ("3", "")],
    ),
    "ids of any kind": (
        lines(
            '{"text": "a", "id": 1}',
            '{"text": "b", "id": "x"}',
            '{"text": "c", "id": 1.5}',
            '{"text": "d", "id": true}',
            '{"text": "e", "id": 123456789012345678901234567890}',
        ),
        [
            ("1", "a"),
            ("x", "b"),
            ("1.5", "c"),
            ("true", "d"),
            ("123456789012345678901234567890", "e"),
        ],
    ),
    "no ids in some": (
        lines('{"text": "a", "id": null}', '{"text": "b", "id": ""}', '{"text": "c"}'),
        [(":1", "a"), (":2", "b"), (":3", "c")],
    ),
    "other fields that srsly does not take": (
        lines('{"text": "a", "id": 1, "n": NaN, "m": 99999999999999999999}'),
        [("1", "a")],
    ),
}


@pytest.mark.parametrize(("data", "expected"), OBJECTS.values(), ids=[*OBJECTS])
def test_objects(data: bytes, expected: Any, tmp_path: Path) -> None:
    check("a.jsonl", data, expected, tmp_path)


def check(name: str, data: bytes, expected: Any, folder: Path) -> None:
    """Compare the rows of a file with those expected, or its error."""
    (folder / name).write_bytes(data)
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected) as caught:
            read(folder / name)
        assert str(folder / name) in str(caught.value)
    else:
        assert read(folder / name) == expected


def test_half_of_a_character_is_a_text_that_fails(
    drugs_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines('{"text": "a\\ud83d", "id": 1}', '{"text": "b", "id": 2}'))
    rows = [*read_rows(find_files([str(path)]), BY_ID)]
    job = Job(str(drugs_folder), identify(str(drugs_folder)))
    found = Annotator(job).annotate(rows)
    assert pq.read_table(BytesIO(found.data))["id"].to_pylist() == ["2"]
    assert [failure["id"] for failure in found.failures] == ["1"]


# ------------------------------------------------------------------ CSV

CELLS: dict[str, tuple[bytes, Any]] = {
    "a quote left open": (b'text,id\none,1\n"two,2\n', "line 3: .* quote left open"),
    "a quote within": (b'text,id\n"tw"o,2\n', "line 2: .*not written twice"),
    "escaped by backslashes": (b'text,id\n"a \\" b",2\n', "line 2: no row of a table"),
    "too few cells": (b"text,id\none,1\ntwo\n", "line 3: it has 1 cells, .* header 2"),
    "too many cells": (b"text,id\n\none,1,2\n", "line 3: it has 3 cells"),
    "a column twice": (b"text,id,text\n", "more than one column `text`"),
    "no such column": (b"body,id\none,1\n", r"no column `text` \(it has body, id\)"),
    "lines of old": (b"text,id\rone,1\r", "line 1: no row of a table"),
    "another column twice": (b"text,id,n,n\none,1,2,3\n", [("1", "one")]),
    "semicolons": (b"text;id\none, two;1\n", [("1", "one, two")]),
    "a name with commas": (b'"a,b,c,d";text;id\n1;one;1\n', [("1", "one")]),
    "a cell over lines": (b'text,id\n"a\n\nb, ""c""",1\n', [("1", 'a\n\nb, "c"')]),
    "numbers": (b"text,id\n1.50,007\nNA,2\n", [("007", "1.50"), ("2", "NA")]),
    "rows of nothing": (b"text,id\none,1\n,\n\n", [("1", "one")]),
    "no id": (b"text,id\none,\n", [(":1", "one")]),
}


@pytest.mark.parametrize(("data", "expected"), CELLS.values(), ids=[*CELLS])
def test_cells(data: bytes, expected: Any, tmp_path: Path) -> None:
    check("a.csv", data, expected, tmp_path)


# ------------------------------------------------------------------ Parquet

INVALID = pa.Array.from_buffers(
    pa.string(),
    2,
    [None, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xe9")],
)
COLUMNS: dict[str, tuple[dict[str, Any], Any]] = {
    "lists": ({"text": [["a"]]}, "`text` is list.*, no text"),
    "numbers": ({"text": [1]}, "the column `text` is int64, no text"),
    "structs": ({"text": [{"a": 1}]}, "`text` is struct.*, no text"),
    "bytes of no text": ({"text": [b"\xe9"]}, "`text` is binary, of which no text"),
    "no UTF-8 in it": ({"text": INVALID}, "behind row 1: 'utf-8' codec"),
    "no text": ({"body": ["a"]}, r"no column `text` \(it has body, id\)"),
    "lists of ids": ({"text": ["a"], "id": [[1]]}, "`id` is list<.*>, of which no"),
    "dictionary": (
        {"text": pa.array(["a", "b", "a"]).dictionary_encode()},
        [("0", "a"), ("1", "b"), ("2", "a")],
    ),
    "large": ({"text": pa.array(["a"], pa.large_string())}, [("0", "a")]),
    "bytes": ({"text": ["é".encode()]}, [("0", "é")]),
    "nothing": ({"text": [None, None]}, [("0", None), ("1", None)]),
    "dates": ({"text": ["a"], "id": [date(2026, 1, 2)]}, [("2026-01-02", "a")]),
    "parts of a number": ({"text": ["a"], "id": [1.5]}, [("1.5", "a")]),
    "no ids": ({"text": ["a", "b"], "id": ["", None]}, [(":1", "a"), (":2", "b")]),
}


def parquet(path: Path, **columns: Any) -> Path:
    count = len(next(iter(columns.values())))
    pq.write_table(pa.table({**columns, "id": columns.get("id", range(count))}), path)
    return path


@pytest.mark.parametrize(("columns", "expected"), COLUMNS.values(), ids=[*COLUMNS])
def test_columns(columns: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    data = parquet(tmp_path / "made", **columns).read_bytes()
    check("a.parquet", data, expected, tmp_path)


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"]], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: more than one column `text`"):
        read(tmp_path / "a.parquet", columns=BY_PLACE)


def test_files_of_a_folder_need_not_have_the_same_columns(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", text=["a"], n=[1])
    parquet(tmp_path / "b.parquet", text=pa.array(["b"], pa.large_string()), id=["x"])
    assert read(tmp_path) == [("0", "a"), ("x", "b")]
    parquet(tmp_path / "c.parquet", body=["c"])
    with pytest.raises(ValueError, match=r"c\.parquet: no column `text`"):
        read(tmp_path)


def test_a_folder_may_be_called_as_a_file_is(tmp_path: Path) -> None:
    for year in (2025, 2026):
        part = tmp_path / "x.parquet" / f"year={year}"
        part.mkdir(parents=True)
        parquet(part / "part-0.parquet", text=[f"of {year}"], id=[year])
    (tmp_path / "x.parquet" / "_SUCCESS").touch()
    assert read(tmp_path / "x.parquet") == [("2025", "of 2025"), ("2026", "of 2026")]


@pytest.mark.parametrize("at", [0.2, 0.6, 0.99])
def test_a_part_of_a_file_is_no_file(at: float, tmp_path: Path) -> None:
    long = [f"a text of some words, the {n}th" for n in range(500)]
    whole = parquet(tmp_path / "whole", text=long).read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: int(len(whole) * at)])
    packed = gzip.compress("\n".join(long).encode())
    (tmp_path / "a.txt.gz").write_bytes(packed[: int(len(packed) * at)])
    for name in ("a.parquet", "a.txt.gz"):
        with pytest.raises(ValueError, match=name):
            read(tmp_path / name)


def test_a_file_that_is_damaged_within_is_named(tmp_path: Path) -> None:
    texts = [f"a text of some words, the {n}th" for n in range(500)]
    data = bytearray(parquet(tmp_path / "a.parquet", text=texts).read_bytes())
    data[100:400] = b"\xff" * 300
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.parquet, behind row 0"):
        read(tmp_path / "a.parquet")


# ------------------------------------------------------------------ names, addresses

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@EACH
@pytest.mark.parametrize("ending", PACKED)
def test_compressed_files_are_read(name: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.{ending}"
    path.write_bytes(PACKED[ending](SAME[name]))
    assert texts(path) == ["one", "two"]


@pytest.mark.parametrize(
    "name", ["a b.txt", "ä.txt", "a#1.txt", "a:1.txt", "a[1]*.txt"]
)
def test_names_may_have_any_character(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("one\n")
    assert read(tmp_path / name, columns=BY_PLACE) == [(":1", "one")]


def test_what_is_hidden_in_a_folder_is_not_read(tmp_path: Path) -> None:
    for name in ("a.txt", ".b/a.txt", "_failures/a.txt", "c/.a.txt", "c/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = [text for _, text in read(tmp_path, columns=BY_PLACE)]
    assert found == ["a.txt", "c/d.txt"]


def test_each_address_must_have_something(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    with pytest.raises(ValueError, match=r"b\.txt: there is no file of texts"):
        find_files([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")])


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    assert read(tmp_path / "a.txt", f"{tmp_path}/*.txt", columns=BY_PLACE) == [
        (":1", "one")
    ]


def test_links_are_followed_to_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "b" / "again").symlink_to(tmp_path / "b")
    assert read(tmp_path / "b", columns=BY_PLACE) == [(":1", "one")]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(ValueError, match=r"b/a\.txt"):
        read(tmp_path / "b")


def test_files_within_an_archive_have_its_name(tmp_path: Path) -> None:
    for archive in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / archive, "w") as made:
            made.writestr("x.txt", archive)
    addresses = [f"zip://*.txt::{tmp_path}/{name}.zip" for name in "ab"]
    rows = [*read_rows(find_files(addresses), BY_PLACE)]
    assert rows == [
        Row(f"zip://x.txt::{tmp_path}/{name}.zip:1", f"{name}.zip") for name in "ab"
    ]


ADDRESSES = {
    "lake://x/a.txt": "lake://x/a.txt: Protocol not known: lake",
    "memory://nowhere/*.txt": r"nowhere/\*\.txt: there is no file of texts",
    "a.pdf": r"a\.pdf: of no format that is read .* with \.gz",
    "a.zip": r"a\.zip: of no format that is read",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_lead_nowhere(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.pdf", "a.zip"):
        Path(name).touch()
    with pytest.raises(ValueError, match=ADDRESSES[address]):
        find_files([address])


def test_what_an_address_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"class": "nowhere.System", "err": "Install lakefs"}
    monkeypatch.setitem(known_implementations, "lake", known)
    with pytest.raises(ValueError, match=r"lake://x/\*: Install lakefs"):
        find_files(["lake://x/*"])


# ------------------------------------------------------------------ read twice


def changed(path: Path) -> None:
    path.write_text("three\n")


@pytest.mark.parametrize("change", [changed, Path.unlink])
def test_a_file_that_changes_in_between_is_named(
    change: Callable[[Path], Any], tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    files = find_files([str(path)])
    assert len([*read_rows(files, BY_PLACE)]) == 2
    change(path)
    with pytest.raises(ValueError, match=r"a\.txt.*(has changed|No such file)"):
        next(read_rows(files, BY_PLACE))


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    rows = read_rows(find_files([str(path)]), BY_PLACE)
    next(rows)
    path.write_text("one\ntwo\nthree\n")
    with pytest.raises(ValueError, match=r"a\.txt: it has changed since this run"):
        list(rows)


TWICE: dict[str, Any] = {
    "a.jsonl": lines(*(json.dumps({"text": "a", "id": one}) for one in (1, "1", 2))),
    "a.csv": b"text;id\na;1\nb;1\n",
    "a.parquet": [1, 1, 2],
    "b.parquet": [1.0, 1.0, 2.5],
    "c.parquet": [date(1, 1, 1), date(1, 1, 1), date(2, 1, 1)],
}


@pytest.mark.parametrize("name", TWICE)
def test_ids_that_stand_twice_are_named_whatever_they_were(
    name: str, tmp_path: Path
) -> None:
    if name.endswith("parquet"):
        parquet(tmp_path / name, text=["a", "b", "c"], id=TWICE[name])
    else:
        (tmp_path / name).write_bytes(TWICE[name])
    files = find_files([str(tmp_path / name)])
    with pytest.raises(
        ValueError, match=r"1 ids stand more than once \((1|0001-01-01)\)"
    ):
        plan_parts(Texts(files, BY_ID))


def test_nothing_is_written_before_all_was_read(
    drugs_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\n\xe9\n")
    with pytest.raises(ValueError, match=r"a\.txt, line 2"):
        annotate(str(drugs_folder), [str(tmp_path)], tmp_path / "out")
    assert not (tmp_path / "out").exists()
