"""Every format is read as the same records; what is unsound is refused by name."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import biluo_to_iob, offsets_to_biluo_tags
from spacy.training.gold_io import docs_to_json
from spacy.vocab import Vocab

from common.formats.files import read_records

Spans = list[tuple[str, str]]
NLP = spacy.blank("en")
TEXT = "Anna took dope 💊 in Köln."
ANNA = {"start": 0, "end": 4, "label": "PER"}
KOELN = {"start": 20, "end": 24, "label": "LOC"}
FOUND: Spans = [("Anna", "PER"), ("Köln", "LOC")]
ROWS = [
    "Anna B-PER",
    "took O",
    "dope O",
    "💊 O",
    "in O",
    "Köln B-LOC",
    ". O",
]
# where tokens are joined by spaces
JOINED = "Anna took dope 💊 in Köln ."


def read(path: Path) -> list[tuple[str, Spans | None]]:
    """Read the texts and what is marked in them; None: nothing is said of that."""
    found = []
    for where, record in read_records(path):
        assert where.startswith(str(path))
        text, spans = record["text"], record.get("spans")
        own = spans and [(text[s["start"] : s["end"]], s["label"]) for s in spans]
        found.append((text, own))
    return found


def write(path: Path, content: str | bytes) -> Path:
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(data)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ValueError) as error:
        list(read_records(path))
    return str(error.value)


def triples() -> list[Any]:
    return [[*span.values()] for span in (ANNA, KOELN)]


def task(**annotation: Any) -> dict[str, Any]:
    values = [
        {"start": s["start"], "end": s["end"], "labels": [s["label"]]}
        for s in (ANNA, KOELN)
    ]
    other = [{"type": "choices", "value": {"choices": ["fine"]}}, {"type": "relation"}]
    results = [{"type": "labels", "value": value} for value in values] + other
    return {
        "id": 1,
        "data": {"text": TEXT},
        "annotations": [{"result": results, **annotation}],
        "predictions": [],
    }


OFFSETS = [
    {"id": 3, "start_offset": s["start"], "end_offset": s["end"], "label": s["label"]}
    for s in (ANNA, KOELN)
]
MINIMAL = [
    {"start": s["start"], "end": s["end"], "labels": [s["label"]]}
    for s in (ANNA, KOELN)
]
OBJECTS = {
    "prodigy": {"text": TEXT, "spans": [ANNA, KOELN], "answer": "accept"},
    "prodigy with tokens": {
        "text": TEXT,
        "tokens": [{"text": "Anna", "start": 0, "end": 4, "id": 0}],
        "spans": [{**ANNA, "token_start": 0, "token_end": 0, "text": "Anna"}, KOELN],
    },
    "doccano, label": {"id": 1, "data": TEXT, "label": triples()},
    "doccano, labels": {"text": TEXT, "labels": triples(), "meta": {}},
    "doccano, entities": {"text": TEXT, "entities": OFFSETS, "relations": []},
    "spaCy, object": {"text": TEXT, "entities": triples()},
    "spaCy, pair": [TEXT, {"entities": triples(), "cats": {}}],
    "spaCy, ents": {"text": TEXT, "ents": [ANNA, KOELN], "sents": [{"start": 0}]},
    "Label Studio": task(),
    "Label Studio, minimal": {"id": 1, "text": TEXT, "ner": MINIMAL, "annotator": 1},
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("form", ["lines", "list", "indented list", "one object"])
def test_json_of_annotation_tools(name: str, form: str, tmp_path: Path) -> None:
    one = OBJECTS[name]
    content = {
        "lines": f"{json.dumps(one)}\n\n{json.dumps(one, ensure_ascii=False)}",
        "list": json.dumps([one, one]),
        "indented list": json.dumps([one, one], indent=2),
        "one object": json.dumps(one),
    }[form]
    # doccano calls its lines .json, others call their list .jsonl
    for suffix in ("json", "jsonl"):
        found = read(write(tmp_path / f"a.{suffix}", content))
        assert found == [(TEXT, FOUND)] * (1 if form == "one object" else 2)


def test_pairs_in_a_wrapper(tmp_path: Path) -> None:
    content = {"classes": ["PER"], "annotations": [OBJECTS["spaCy, pair"], None]}
    for text in (json.dumps(content), json.dumps(content, indent=1)):
        assert read(write(tmp_path / "a.json", text)) == [(TEXT, FOUND)]


def test_place_of_a_record_is_its_line_or_its_number(tmp_path: Path) -> None:
    one = json.dumps(OBJECTS["prodigy"])
    (where, _), (other, _) = read_records(
        write(tmp_path / "a.jsonl", f"{one}\n\n{one}")
    )
    assert (where, other) == (
        f"{tmp_path}/a.jsonl, line 1",
        f"{tmp_path}/a.jsonl, line 3",
    )
    (_, (other, _)) = read_records(write(tmp_path / "a.json", f"[{one},\n\n{one}]"))
    assert other == f"{tmp_path}/a.json, record 2"


@pytest.mark.parametrize(
    ("fields", "spans"),
    [
        ({}, None),
        ({"label": "positive"}, None),
        ({"labels": ["positive"]}, None),
        ({"tokens": [{"start": 0, "end": 4}]}, None),
        ({"label": []}, []),
        ({"entities": []}, []),
        ({"spans": [], "entities": triples()}, FOUND),
    ],
    ids=str,
)
def test_text_without_annotation_is_not_text_without_entities(
    fields: dict[str, Any], spans: Spans | None, tmp_path: Path
) -> None:
    content = json.dumps({"text": TEXT, **fields})
    assert read(write(tmp_path / "a.jsonl", content)) == [(TEXT, spans)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ('{"text": "a"} x', "line 1: not JSON (Extra data)"),
        ("[1]", "line 1: not an object with a `text`"),
        ('["a"]', "line 1: not an object with a `text`"),
        ('{"text": 1}', "line 1: not an object with a `text`"),
        ('{"data": null}', "line 1: not an object with a `text`"),
        ('{"text": "\\ud800"}', "line 1: the `text` holds half of a surrogate pair"),
        ('[{"text": "a"},\n{"text" "b"}]', "line 2: not JSON"),
        (
            '{"text": "a", "label": [[0, 1, "X"]], "entities": [[0, 1, "Y"]]}',
            "line 1: there are spans in `label` and `entities`; keep one of them",
        ),
        ('{"data": {"a": "x", "b": "y"}}', "Call it `text` (it has a, b)"),
        ('{"data": {}}', "Call it `text` (it has none)"),
        (
            '{"data": {"text": "a"}, "annotations": [{}]}',
            "its annotations are not as Label Studio has them (KeyError('result'))",
        ),
        ("[" * 100_000, "a.jsonl: not JSON (too deep)"),
        ('{"paragraphs": [{}]}', "its paragraphs are not as spaCy 2 has them"),
    ],
)
def test_unsound_json_is_named(line: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", line)
    assert refused(path).startswith(str(path))
    assert message in refused(path)


# ------------------------------------------------------------------ Label Studio
def test_annotation_that_was_cancelled_does_not_count(tmp_path: Path) -> None:
    one = task()
    one["annotations"].append({"result": [], "was_cancelled": True})
    assert read(write(tmp_path / "a.json", json.dumps([one]))) == [(TEXT, FOUND)]


@pytest.mark.parametrize("annotations", [[], [{"result": [], "was_cancelled": True}]])
def test_task_that_nobody_finished_is_ignored(
    annotations: list[Any], tmp_path: Path
) -> None:
    content = json.dumps([{"data": {"text": TEXT}, "annotations": annotations}])
    ((_, record),) = read_records(write(tmp_path / "a.json", content))
    assert record == {"text": TEXT, "answer": "ignore"}


def test_task_without_annotations_is_text(tmp_path: Path) -> None:
    content = json.dumps([{"data": {"review": TEXT, "stars": 5}}])
    assert read(write(tmp_path / "a.json", content)) == [(TEXT, None)]


def test_annotations_that_differ_are_refused_but_for_the_truth(tmp_path: Path) -> None:
    one = task()
    one["annotations"].append({"result": []})
    path = write(tmp_path / "a.json", json.dumps([one]))
    assert f"{path}, record 1: it has 2 annotations that differ" in refused(path)
    one["annotations"][0]["ground_truth"] = True
    assert read(write(path, json.dumps([one]))) == [(TEXT, FOUND)]


@pytest.mark.parametrize("form", ["full", "minimal"])
def test_span_without_or_with_more_labels_is_not_lost(
    form: str, tmp_path: Path
) -> None:
    values = [{"start": 0, "end": 1, "labels": labels} for labels in ([], ["X", "Y"])]
    one: dict[str, Any] = {"text": "a", "ner": values}
    if form == "full":
        results = [{"value": value} for value in values]
        one = {"data": {"text": "a"}, "annotations": [{"result": results}]}
    ((_, found),) = read(write(tmp_path / "a.json", json.dumps([one])))
    assert found == [("a", ""), ("a", "X"), ("a", "Y")]


# ------------------------------------------------------------------ spaCy 2
def paragraph(*tags: str | None, raw: str | None = "Anna  saw\nNew York.") -> str:
    words = ["Anna", "saw", "New", "York", "."]
    tokens = [
        {"orth": word, "id": n, **({"ner": tag} if tag else {})}
        for n, (word, tag) in enumerate(zip(words, tags, strict=True))
    ]
    sentences = [{"tokens": tokens[:2]}, {"tokens": tokens[2:]}]
    return json.dumps([{"id": 0, "paragraphs": [{"raw": raw, "sentences": sentences}]}])


def test_raw_text_of_spacy_2_is_kept(tmp_path: Path) -> None:
    content = paragraph("U-PER", "O", "B-LOC", "L-LOC", "O")
    ((text, spans),) = read(write(tmp_path / "a.json", content))
    assert text == "Anna  saw\nNew York."
    assert spans == [("Anna", "PER"), ("New York", "LOC")]


def test_paragraph_without_raw_text_and_tags(tmp_path: Path) -> None:
    content = paragraph(None, None, None, None, None, raw=None)
    assert read(write(tmp_path / "a.json", content)) == [("Anna saw New York .", None)]


@pytest.mark.parametrize(
    ("tags", "raw", "message"),
    [
        (["-", "O", "O", "O", "O"], None, "record 1: '-' is no tag"),
        (["PER", "O", "O", "O", "O"], None, "record 1: 'PER' is no tag"),
        (
            ["O"] * 5,
            "Anna was",
            "the token 'saw' is not what its text goes on with, ' was'",
        ),
        (
            ["O"] * 5,
            "Anna saw New York. Yes",
            "no token spells the end of its text, ' Yes'",
        ),
    ],
)
def test_unsound_paragraph_is_named(
    tags: list[str], raw: str | None, message: str, tmp_path: Path
) -> None:
    assert message in refused(write(tmp_path / "a.json", paragraph(*tags, raw=raw)))


# ------------------------------------------------------------------ columns
COLUMNS = {
    "a token and a tag": ROWS,
    "tabs": [row.replace(" ", "\t") for row in ROWS],
    "CoNLL-2003": [
        "-DOCSTART- -X- -X- O",
        "",
        *(f"{r.split()[0]} NN I-NP {r.split()[1]}" for r in ROWS),
    ],
    "IOB1": [row.replace("B-", "I-") for row in ROWS],
    "BILUO": [row.replace("B-", "U-") for row in ROWS],
    "BIOES": [row.replace("B-", "S-") for row in ROWS],
    "numbered, the tag in the middle": [
        "\t".join([str(n), *row.split(), "-", "someone"])
        for n, row in enumerate(ROWS, 1)
    ],
    "a sentence a line": [" ".join(row.replace(" ", "|") for row in ROWS)],
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("suffix", ["conll", "iob2", "tsv", "txt", "testa"])
def test_columns(name: str, end: str, suffix: str, tmp_path: Path) -> None:
    sentences = [*COLUMNS[name], "", "", *COLUMNS[name]]
    path = write(tmp_path / f"a.{suffix}", "\ufeff" + end.join(sentences))
    assert read(path) == [(JOINED, FOUND)] * 2


def test_longer_entities(tmp_path: Path) -> None:
    rows = [
        "New B-LOC",
        "York I-LOC",
        "Oslo B-LOC",
        "Acme B-ORG",
        "Co I-ORG",
        "Ann I-PER",
    ]
    ((_, spans),) = read(write(tmp_path / "a.conll", "\n".join(rows)))
    assert [text for text, _ in spans or []] == ["New York", "Oslo", "Acme Co", "Ann"]
    rows = ["New B-LOC", "York E-LOC", "Oslo S-LOC"]
    ((_, spans),) = read(write(tmp_path / "a.bio", "\n".join(rows)))
    assert [text for text, _ in spans or []] == ["New York", "Oslo"]
    rows = [
        "New B-LOC",
        "York L-LOC",
        "Big B-ORG",
        "Acme I-ORG",
        "Co L-ORG",
        "Ann U-PER",
    ]
    ((_, spans),) = read(write(tmp_path / "a.biluo", "\n".join(rows)))
    assert [text for text, _ in spans or []] == ["New York", "Big Acme Co", "Ann"]


def test_raw_text_in_a_comment_is_kept(tmp_path: Path) -> None:
    head = ["# newdoc id = 1", "# sent_id = 1-2", f"# text = {TEXT}"]
    rows = [row.replace(" ", "\t") for row in ROWS]
    path = write(tmp_path / "a.iob2", "\n".join([*head, *rows, "", *rows, ""]))
    assert read(path) == [(TEXT, FOUND), (JOINED, FOUND)]
    assert [where for where, _ in read_records(path)] == [
        f"{path}, line 4",
        f"{path}, line 12",
    ]


def test_hash_may_be_a_token(tmp_path: Path) -> None:
    rows = ["# O", "#dope B-DRUG", "", "#sober B-X", "# O"]
    path = write(tmp_path / "a.conll", "\n".join(rows))
    assert read(path) == [
        ("# #dope", [("#dope", "DRUG")]),
        ("#sober #", [("#sober", "X")]),
    ]
    path = write(tmp_path / "a.conll", "dope NN B-DRUG\n#tag = O")
    assert read(path) == [("dope #tag", [("dope", "DRUG")])]


def test_token_of_a_tsv_may_be_called_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "text\tO\ndope\tB-DRUG\n")
    assert read(path) == [("text dope", [("dope", "DRUG")])]


def test_tsv_of_columns_may_have_no_entity(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.tsv", "all\tO\nwell\tO\n")) == [("all well", [])]


def test_no_break_space_is_part_of_a_token(tmp_path: Path) -> None:
    path = write(tmp_path / "a.conll", "10\xa0000 B-MONEY\nis O")
    assert read(path) == [("10\xa0000 is", [("10\xa0000", "MONEY")])]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a O", "b X", "c B-X"], "line 1: 'X' is no tag; write O for tokens of no"),
        (["a O", "b -", "c B-X"], "line 1: '-' is no tag"),
        (["a O", "b"], "line 1: the token 'b' has 1 columns, but the first one 2"),
        (["a"], "line 1: 'a' is no tag"),
        (["a B-X O", "b O B-Y"], "the columns 2 and 3 hold tags; keep one of them"),
        (
            ["# text = a c", "a O", "b B-X"],
            "line 2: the token 'b' is not what its text",
        ),
    ],
)
def test_unsound_columns_are_named(
    rows: list[str], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.conll", "\n".join(rows))
    assert refused(path).startswith(str(path))
    assert message in refused(path)


def test_column_of_other_tags_without_entities(tmp_path: Path) -> None:
    path = write(tmp_path / "a.conll", "a NN B-NP O\nb VB B-VP O")
    assert read(path) == [("a b", [])]


# ------------------------------------------------------------------ CoNLL-U
def conllu(*tokens: tuple[str, str, str]) -> str:
    rows = ["\t".join([n, form, *"_" * 7, misc]) for n, form, misc in tokens]
    return "\n".join([*rows, ""])


@pytest.mark.parametrize(
    "misc",
    ["NER={}", "name={}", "NE={}", "Gloss=x|ner={}", "name:{}", "{}"],
)
def test_entities_in_misc(misc: str, tmp_path: Path) -> None:
    content = conllu(
        ("1", "New", misc.format("B-LOC")),
        ("2", "York", misc.format("I-LOC") + "|SpaceAfter=No"),
        ("3", ".", "_"),
    )
    for name in ("a.conllu", "a.conll", "a.data", "a.txt"):
        path = write(tmp_path / name, content)
        assert read(path) == [("New York.", [("New York", "LOC")])]


def test_label_alone_in_misc_goes_on(tmp_path: Path) -> None:
    content = conllu(
        ("1", "New", "name:LOC"), ("2", "York", "name:LOC"), ("3", ".", "_")
    )
    path = write(tmp_path / "a.conllu", content)
    assert read(path) == [("New York .", [("New York", "LOC")])]


def test_words_of_one_token_and_empty_nodes(tmp_path: Path) -> None:
    tokens = [
        ("1-2", "Anna's", "_"),
        ("1", "Anna", "NER=B-PER"),
        ("2", "'s", "NER=O"),
        ("2.1", "car", "NER=O"),
        ("3-4", "du", "SpaceAfter=No"),
        ("3", "de", "_"),
        ("4", "le", "NER=B-X"),
        ("5", ".", "_"),
    ]
    spans = [("Anna", "PER"), ("du", "X")]
    path = write(tmp_path / "a.conllu", conllu(*tokens))
    assert read(path) == [("Anna's du.", spans)]
    path = write(path, "# text = Anna's   du.\n" + conllu(*tokens))
    assert read(path) == [("Anna's   du.", spans)]


def test_word_is_found_behind_the_one_before(tmp_path: Path) -> None:
    tokens = [("1-2", "lele", "_"), ("1", "le", "_"), ("2", "le", "NER=B-X")]
    ((_, record),) = read_records(write(tmp_path / "a.conllu", conllu(*tokens)))
    assert record["spans"] == [{"start": 2, "end": 4, "label": "X"}]


def test_conllu_without_entities_has_no_annotation(tmp_path: Path) -> None:
    path = write(tmp_path / "a.conllu", conllu(("1", "Oslo", "_")))
    assert read(path) == [("Oslo", None)]


@pytest.mark.parametrize(
    ("row", "message"),
    [("2\tb", "line 1: '2 b' is no token of CoNLL-U"), ("x" + "\t_" * 9, "'x _ _")],
)
def test_unsound_conllu_is_named(row: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.conllu", conllu(("1", "a", "_")) + row)
    assert message in refused(path)


# ------------------------------------------------------------------ .spacy
def docbin(*docs: Doc) -> bytes:
    return DocBin(docs=docs, store_user_data=True).to_bytes()


def test_docs_keep_whitespace_and_what_they_say(tmp_path: Path) -> None:
    doc = NLP.make_doc("  Anna\n\nsaw  Köln 😀")
    doc.ents = [Span(doc, 1, 2, "PER"), Span(doc, 5, 6, "LOC")]
    doc.user_data |= {"conflict": True, "annotated": ["LOC", "PER"], "other": 1}
    path = write(tmp_path / "a.spacy", docbin(doc, NLP.make_doc("a")))
    assert read(path) == [(doc.text, FOUND), ("a", None)]
    (where, record), _ = read_records(path)
    assert where == f"{path}, record 1"
    assert record.keys() == {"text", "spans", "conflict", "annotated"}


def test_doc_that_is_half_annotated_is_refused(tmp_path: Path) -> None:
    doc = NLP.make_doc("Anna saw")
    doc.set_ents([Span(doc, 0, 1, "PER")], default="missing")
    path = write(tmp_path / "a.spacy", docbin(doc))
    assert f"{path}, record 1: some of its tokens are neither" in refused(path)


def test_other_bytes_are_no_docs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", b"x")
    assert f"{path}: no .spacy file" in refused(path)


# ------------------------------------------------------------------ tables
def frames() -> dict[str, pd.DataFrame]:
    spans = [ANNA, KOELN]
    return {
        "a row a span": pd.DataFrame([{"text": TEXT, **span} for span in spans]),
        "a row a text": pd.DataFrame({"text": [TEXT], "spans": [json.dumps(spans)]}),
        "triples": pd.DataFrame(
            {"id": [7], "text": [TEXT], "label": [json.dumps(triples())]}
        ),
    }


@pytest.mark.parametrize("name", frames())
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "semicolon.csv"])
def test_tables(name: str, suffix: str, tmp_path: Path) -> None:
    frame, path = frames()[name], tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        separator = {"csv": ",", "tsv": "\t"}.get(suffix, ";")
        frame.to_csv(path, sep=separator, index=False, encoding="utf-8-sig")
    assert read(path) == [(TEXT, FOUND)]


def test_names_of_columns_may_be_quoted(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    frames()["a row a span"].to_csv(path, sep="\t", index=False, quoting=csv.QUOTE_ALL)
    assert read(path) == [(TEXT, FOUND)]


def test_parquet_may_hold_lists(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [TEXT, "a"], "spans": [[ANNA, KOELN], []]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [(TEXT, FOUND), ("a", [])]


@pytest.mark.parametrize("write_to", ["to_csv", "to_parquet"])
def test_row_without_a_span_is_a_text_without_one(
    write_to: str, tmp_path: Path
) -> None:
    # pandas writes the offsets of such as 0.0 and 4.0
    frame = pd.DataFrame(
        [{"text": "NA"}, {"text": TEXT, **ANNA}, {"text": TEXT, **KOELN}]
    )
    path = tmp_path / f"a.{write_to.removeprefix('to_')}"
    getattr(frame, write_to)(path, index=False)
    assert read(path) == [("NA", []), (TEXT, FOUND)]


def test_cells_of_a_csv(tmp_path: Path) -> None:
    rows = [
        "text,start,end,label,conflict,annotated",
        '"one, ""two""\r\nthree",6,9,NA,False,"[""NA""]"',
        "null,0,4,None,true,",
        ",,,,,",
    ]
    path = write(tmp_path / "a.csv", "\r\n".join(rows))
    assert read(path) == [
        ('one, "two"\r\nthree', [("two", "NA")]),
        ("null", [("null", "None")]),
    ]
    records = [record for _, record in read_records(path)]
    assert [record["conflict"] for record in records] == [False, True]
    assert records[0]["annotated"] == ["NA"]
    assert [where for where, _ in read_records(path)] == [
        f"{path}, line 2",
        f"{path}, line 4",
    ]


@pytest.mark.parametrize(
    ("ids", "records"),
    [([1, 1, 2], 2), ([1, 2, 3], 1), (["", "", ""], 1)],
    ids=["of the text", "of the row", "empty"],
)
def test_rows_of_a_text_are_told_by_their_id(
    ids: list[Any], records: int, tmp_path: Path
) -> None:
    rows = [f"{ids[0]},H,0,1,X", f"{ids[1]},H,0,1,X", f"{ids[2]},H,0,1,X"]
    path = write(tmp_path / "a.csv", "\n".join(["id,text,start,end,label", *rows]))
    assert len(read(path)) == records


def test_empty_cell_of_spans_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,entities\na,\n")
    assert read(path) == [("a", [])]


def test_table_of_texts_alone(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", "text,label\n[deleted],positive\n" + "a" * 200_000 + ",x"
    )
    assert read(path) == [("[deleted]", None), ("a" * 200_000, None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "words,labels\na,b",
            "a.csv: no column is called `text` (it has words, labels)",
        ),
        ("", "a.csv: no column is called `text` (it has none)"),
        ("text,start\na", "a.csv, line 2: it has 1 cells, but the first line 2"),
        ("text,start\na,1,2", "a.csv, line 2: it has 3 cells"),
        ('text,label\na,b\n"a"b,c', "a.csv, line 3: no row of a table"),
        ("text,spans\na,\"[(0, 1, 'X')]\"", "line 2, column `spans`: not JSON"),
    ],
)
def test_unsound_table_is_named(content: str, message: str, tmp_path: Path) -> None:
    assert message in refused(write(tmp_path / "a.csv", content))


def test_other_bytes_are_no_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", b"PAR1")
    assert f"{path}: no Parquet file" in refused(path)


# ------------------------------------------------------------------ files
@pytest.mark.parametrize(
    "lines",
    [
        ["I take B-12 O", "", "Meine E-Mail O", "O\u2028k"],
        ["Vitamin B-twelve", "Meine E-Mail"],
    ],
    ids=["of several lengths", "of one length"],
)
def test_text_is_a_line_each(lines: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufeff" + "\r\n".join(lines))
    assert read(path) == [(line, None) for line in lines if line]


def test_folder_is_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "_failures").mkdir()
    one = json.dumps(OBJECTS["prodigy"])
    write(tmp_path / "b.JSONL", one)
    write(tmp_path / "a.txt", "text")
    write(tmp_path / "deeper" / "c.conll", "\n".join(ROWS))
    for other in (
        "README.md",
        ".hidden/x.txt",
        "_failures/x.jsonl",
        "_x.json",
        "x.cfg",
    ):
        write(tmp_path / other, "{")
    assert read(tmp_path) == [("text", None), (TEXT, FOUND), (JOINED, FOUND)]


@pytest.mark.parametrize("name", ["a.md", "a", "a.xlsx"])
def test_other_formats_are_refused_and_the_known_ones_told(
    name: str, tmp_path: Path
) -> None:
    content = b"PK\0\xff" if name == "a.xlsx" else b"# Title\n\nI take B-12."
    message = refused(write(tmp_path / name, content))
    assert message.startswith(f"{tmp_path / name}: of no format that is known: JSONL")
    for known in ("doccano", "Label Studio", "BILUO", "CoNLL-U", ".spacy", ".parquet"):
        assert known in message


@pytest.mark.parametrize(
    "suffix", ["jsonl", "conll", "conllu", "csv", "tsv", "txt", "iob"]
)
def test_other_encodings_are_refused_by_name(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{suffix}", "naïve O\n".encode("latin-1"))
    assert f"{path}: not UTF-8" in refused(path)


# ------------------------------------------------------------------ there and back
WORDS = st.text(st.sampled_from("aB1ä😀漢'.#|-"), min_size=1, max_size=4)
LABELS = st.sampled_from(["PER", "B-side", "Ä_ö"])


@st.composite
def docs(draw: Callable[..., Any]) -> list[Doc]:
    """Draw docs of which some tokens are entities, no text twice."""
    found: dict[str, Doc] = {}
    for words in draw(
        st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=1, max_size=4)
    ):
        spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
        doc = Doc(Vocab(), words=words, spaces=[*spaces[:-1], False])
        at, ents = 0, []
        while at < len(doc):
            end = min(len(doc), at + draw(st.integers(1, 3)))
            if draw(st.booleans()):
                ents.append(Span(doc, at, end, draw(LABELS)))
            at = end
        doc.ents = ents
        found[doc.text] = doc
    return [*found.values()]


def tags_of(doc: Doc) -> list[str]:
    ents = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    return offsets_to_biluo_tags(doc, ents)


def as_rows(docs: list[Doc], tags: Callable[[Doc], list[str]]) -> str:
    text = ""
    for doc in docs:
        rows = (f"{t.text}\t{tag}" for t, tag in zip(doc, tags(doc), strict=True))
        text += "\n".join([f"# text = {doc.text}", *rows, "", ""])
    return text


def as_conllu(docs: list[Doc]) -> str:
    sentences = []
    for doc in docs:
        miscs = zip(doc, biluo_to_iob(tags_of(doc)), strict=True)
        tokens = [
            (
                str(t.i + 1),
                t.text,
                f"NER={tag}{'' if t.whitespace_ else '|SpaceAfter=No'}",
            )
            for t, tag in miscs
        ]
        sentences.append(conllu(*tokens))
    return "\n".join(sentences)


def as_span_rows(docs: list[Doc]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for n, doc in enumerate(docs):
        own = [
            {"start": ent.start_char, "end": ent.end_char, "label": ent.label_}
            for ent in doc.ents
        ]
        rows += [{"text_id": n, "text": doc.text, **span} for span in own or [{}]]
    return pd.DataFrame(rows, columns=["text_id", "text", "start", "end", "label"])


def ents_of(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def write_docs(docs: list[Doc], form: str, folder: Path) -> Path:
    """Write docs in a format."""
    path = folder / form
    texts = [(doc.text, ents_of(doc)) for doc in docs]
    match form:
        case "prodigy.jsonl":
            keys = ("start", "end", "label")
            srsly.write_jsonl(
                path,
                [
                    {
                        "text": t,
                        "spans": [dict(zip(keys, e, strict=True)) for e in ents],
                    }
                    for t, ents in texts
                ],
            )
        case "doccano.jsonl":
            srsly.write_jsonl(path, [{"text": t, "label": ents} for t, ents in texts])
        case "pairs.json":
            srsly.write_json(path, [[t, {"entities": ents}] for t, ents in texts])
        case "to_json.jsonl":
            srsly.write_jsonl(path, [doc.to_json() for doc in docs])
        case "spacy_2.json":
            for doc in docs:
                for token in doc:
                    token.is_sent_start = token.i == 0
            srsly.write_json(path, [docs_to_json(docs)])
        case "biluo.tsv":
            write(path, as_rows(docs, tags_of))
        case "iob.iob2":
            write(path, as_rows(docs, iob_of))
        case "mine.conllu":
            write(path, as_conllu(docs))
        case "docs.spacy":
            write(path, docbin(*docs))
        case "spans.csv":
            as_span_rows(docs).to_csv(path, index=False)
        case "spans.parquet":
            as_span_rows(docs).to_parquet(path)
    return path


def iob_of(doc: Doc) -> list[str]:
    return biluo_to_iob(tags_of(doc))


FORMS = [
    "prodigy.jsonl",
    "doccano.jsonl",
    "pairs.json",
    "to_json.jsonl",
    "spacy_2.json",
    "biluo.tsv",
    "iob.iob2",
    "mine.conllu",
    "docs.spacy",
    "spans.csv",
    "spans.parquet",
]


@pytest.mark.parametrize("form", FORMS)
@given(drawn=docs())
def test_what_is_written_is_read(
    form: str, drawn: list[Doc], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write_docs(drawn, form, tmp_path_factory.mktemp("written"))
    found = [record for _, record in read_records(path)]
    assert [record["text"] for record in found] == [doc.text for doc in drawn]
    assert [
        [(span["start"], span["end"], span["label"]) for span in record["spans"]]
        for record in found
    ] == [ents_of(doc) for doc in drawn]
