"""`convert` writes what is sound, in the tokens of a pipeline, and only then."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import typer
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli.debug_data import _compile_gold, debug_data
from spacy.cli.init_config import init_config
from spacy.lang.it.examples import sentences
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner, Result

from common.annotation import read_annotated
from convert import convert, main
from helpers import ROOT, make_core

RECORD = {"text": "l'aspirina", "spans": [{"start": 2, "end": 10, "label": "DRUG"}]}


@pytest.fixture(scope="module")
def italian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline whose tokenizer is not the English one."""
    folder = tmp_path_factory.mktemp("italian") / "core"
    make_core(lang="it", pipes=["ner"]).to_disk(folder)
    return folder


def run(*arguments: Path | str) -> Result:
    """Run the command, its output without the line breaks of a terminal."""
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [*map(str, arguments)])


def said(done: Result) -> str:
    return " ".join(done.output.split())


def ents(path: Path) -> list[list[tuple[str, str]]]:
    docs = DocBin().from_disk(path).get_docs(spacy.blank("it").vocab)
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs]


def span(start: int, end: int, label: str = "DRUG") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def test_spans_are_in_the_tokens_of_the_pipeline(tmp_path: Path, italian: Path) -> None:
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD])
    assert convert(tmp_path / "a.jsonl", tmp_path / "a.spacy", pipeline=italian) == 1
    assert ents(tmp_path / "a.spacy") == [[("aspirina", "DRUG")]]


def test_what_was_converted_before_stays_when_a_span_is_unsound(
    tmp_path: Path, italian: Path
) -> None:
    (tmp_path / "a.spacy").write_bytes(b"earlier")
    bad = {"text": "aspirina", "spans": [{"start": 0, "end": 99, "label": "DRUG"}]}
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD, bad])
    with pytest.raises(ValueError, match=r"a.jsonl, line 2: the span 0-99"):
        convert(tmp_path / "a.jsonl", tmp_path / "a.spacy", pipeline=italian)
    assert (tmp_path / "a.spacy").read_bytes() == b"earlier"


def test_text_of_another_language_is_not_converted(
    tmp_path: Path,
    italian: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("assets").symlink_to(ROOT / "assets")
    target = Path("corpus/test.spacy")
    convert(Path("assets/test.jsonl"), target, pipeline=italian)
    docs = list(DocBin().from_disk(target).get_docs(spacy.blank("it").vocab))
    assert [doc.text for doc in docs] == sentences
    assert not any(doc.ents for doc in docs)
    printed = " ".join(capsys.readouterr().out.split())
    assert "assets/test.jsonl is no text for" in printed
    assert "give annotated text of your own: --vars.test" in printed


FILES = {
    "doccano.jsonl": '{"data": "una aspirina 💊", "label": [[4, 12, "DRUG"]]}',
    "pairs.json": '[["una aspirina 💊", {"entities": [[4, 12, "DRUG"]]}]]',
    "mine.conll": "una O\naspirina B-DRUG\n💊 O\n",
    "mine.csv": "text,start,end,label\r\nuna aspirina 💊,4,12,DRUG\r\n",
}


@pytest.mark.parametrize("name", FILES)
def test_each_format_is_converted_and_mended(
    name: str, tmp_path: Path, italian: Path
) -> None:
    (tmp_path / name).write_bytes(FILES[name].encode())
    done = run(tmp_path / name, tmp_path / "a.spacy", "--pipeline", italian)
    assert done.exit_code == 0, done.output
    assert ents(tmp_path / "a.spacy") == [[("aspirina", "DRUG")]]
    done = run(tmp_path / name, tmp_path / "mended.jsonl")
    assert done.exit_code == 0, done.output
    assert list(srsly.read_jsonl(tmp_path / "mended.jsonl")) == [
        {"text": "una aspirina 💊", "spans": [span(4, 12)]}
    ]


def test_text_without_annotation_is_converted(tmp_path: Path, italian: Path) -> None:
    (tmp_path / "a.txt").write_text("una aspirina\n", encoding="utf8")
    done = run(tmp_path / "a.txt", tmp_path / "a.spacy", "--pipeline", italian)
    assert done.exit_code == 0, done.output
    assert ents(tmp_path / "a.spacy") == [[]]


# ------------------------------------------------------------------ mending
def test_file_is_mended_once_and_read_everywhere(tmp_path: Path, italian: Path) -> None:
    source, mended = tmp_path / "mine.json", tmp_path / "mine.jsonl"
    records = [
        {"text": "💊💊 una aspirina", "spans": [span(8, 17), span(4, 5)]},
        {"text": "non", "answer": "reject", "annotated": ["DRUG"], "_task_hash": 1},
        {"text": "oui", "spans": [], "conflict": True, "meta": {"page": 1}},
    ]
    source.write_text(json.dumps(records), encoding="utf8")
    refused = run(source, tmp_path / "a.spacy", "--pipeline", italian)
    assert refused.exit_code == 1
    assert "record 1: the span 8-17" in said(refused)
    assert "--offsets utf-16`" in said(refused)
    done = run(source, mended, "--trim", "--offsets", "utf-16")
    assert done.exit_code == 0, done.output
    assert "record 1: the span 4-5 'n' is only whitespace, and left out" in said(done)
    assert f"{mended}: 3 texts" in said(done)
    assert list(srsly.read_jsonl(mended)) == [
        {"text": "💊💊 una aspirina", "spans": [span(7, 15)]},
        {"text": "non", "answer": "reject", "annotated": ["DRUG"]},
        {"text": "oui", "spans": [], "conflict": True, "meta": {"page": 1}},
    ]
    done = run(mended, tmp_path / "a.spacy", "--pipeline", italian)
    assert done.exit_code == 0, done.output
    assert ents(tmp_path / "a.spacy") == [[("aspirina", "DRUG")], []]


def test_file_can_be_mended_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    srsly.write_jsonl(path, [{"text": " a ", "spans": [span(0, 3)]}])
    assert run(path, path, "--trim").exit_code == 0
    assert list(srsly.read_jsonl(path)) == [{"text": " a ", "spans": [span(1, 2)]}]


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        (("a ", 0, 2), [], "the span 0-2 'a ' starts or ends in whitespace"),
        (("a", 0, 9), ["--trim"], "the span 0-9 'a' is not inside the text of 1 chars"),
        (("a ", -1, 2), ["--trim"], "is not inside the text"),
        (("💊 one", 3, 6), [], "the span 3-6 'ne' is not inside the text"),
        (("💊 one two", 3, 6), [], "the span 3-6 'ne ' is not of whole words; all"),
        (("💊 one", 1, 5), ["--offsets", "utf-16"], "not begin and end between"),
        (("💊 one", 2, 5), ["--offsets", "utf-16"], "--offsets characters`"),
        (("one", 0, 9), ["--offsets", "utf-8"], "not begin and end between"),
    ],
    ids=str,
)
def test_nothing_is_mended_but_what_was_asked(
    record: tuple[str, int, int], options: list[str], message: str, tmp_path: Path
) -> None:
    text, start, end = record
    source, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    srsly.write_jsonl(source, [{"text": text, "spans": [span(start, end)]}])
    target.write_text("earlier", encoding="utf8")
    done = run(source, target, *options)
    assert done.exit_code == 1
    assert "a.jsonl, line 1: the span" in said(done)
    assert message in said(done)
    assert target.read_text(encoding="utf8") == "earlier"


def test_span_within_a_word_may_be_meant(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    srsly.write_jsonl(source, [{"text": "💊 30mg", "spans": [span(4, 6)]}])
    assert run(source, tmp_path / "b.jsonl").exit_code == 0


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("a.spacy", [], "a.spacy: give a .jsonl file, or .spacy with --pipeline"),
        ("a.json", ["--pipeline", "x"], "a.json: give a .jsonl file, or .spacy with"),
        (
            "a.spacy",
            ["--pipeline", "x", "--trim"],
            "a.spacy: --trim, --widen, --offsets write .jsonl",
        ),
        ("a.spacy", ["--pipeline", "x", "--offsets", "utf-8"], "write .jsonl"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    target: str, options: list[str], message: str, tmp_path: Path
) -> None:
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD])
    done = run(tmp_path / "a.jsonl", tmp_path / target, *options)
    assert done.exit_code == 1
    assert message in said(done)
    assert not (tmp_path / target).exists()


# ------------------------------------------------------------------ debug data
NLP = spacy.blank("en")
# all that is whitespace for Python or spaCy, and what only looks so
SPACES = " \n\t\r\u00a0\u2003\u2028\u3000\x0b\x1c\x85\u200b\ufeff"


def errors(docs: list[Doc]) -> list[str]:
    """List what `spacy debug data` calls an error."""
    examples = [Example(NLP.make_doc(doc.text), doc) for doc in docs]
    data = _compile_gold(examples, ["ner"], NLP, make_proj=True)
    return ["space"] * data["ws_ents"] + [label for label in data["ner"] if not label]


@given(
    text=st.text(st.sampled_from(f"ab.{SPACES}"), max_size=8),
    at=st.tuples(st.integers(-1, 9), st.integers(-1, 9)),
    label=st.sampled_from(["X", ""]),
    trim=st.booleans(),
)
def test_nothing_passes_that_spacy_calls_an_error(
    text: str,
    at: tuple[int, int],
    label: str,
    trim: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    source = tmp_path_factory.mktemp("hostile") / "a.jsonl"
    srsly.write_jsonl(source, [{"text": text, "spans": [span(*at, label)]}])
    if trim and run(source, source, "--trim").exit_code:
        return
    try:
        docs = list(read_annotated(source, NLP.make_doc))
    except ValueError:
        return
    assert not errors(docs)


def test_whitespace_and_empty_labels_are_such_errors() -> None:
    doc = NLP.make_doc("a  b")
    doc.ents = [Span(doc, 1, 2, "X")]
    assert errors([doc]) == ["space"]
    doc.ents = [Span(doc, 0, 1, "X"), Span(doc, 2, 3, "X")]
    assert errors([doc]) == []


def test_debug_data_has_no_error_for_what_was_mended(
    tmp_path: Path, italian: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [f"  aspirina numero {n} \n" for n in range(100)]
    records = [{"text": t, "spans": [span(0, 11), span(0, 2)]} for t in texts]
    srsly.write_jsonl(tmp_path / "a.jsonl", records)
    assert run(tmp_path / "a.jsonl", tmp_path / "a.jsonl", "--trim").exit_code == 0
    convert(tmp_path / "a.jsonl", tmp_path / "a.spacy", pipeline=italian)
    config = init_config(lang="it", pipeline=["ner"])
    config["paths"] |= dict.fromkeys(("train", "dev"), str(tmp_path / "a.spacy"))
    config.to_disk(tmp_path / "config.cfg")
    capsys.readouterr()
    debug_data(tmp_path / "config.cfg", silent=False)
    told = capsys.readouterr().out
    assert "No entities consisting of or starting/ending with whitespace" in told
    assert "Empty label" not in told


def test_spans_are_widened_to_tokens(tmp_path: Path, italian: Path) -> None:
    record = {"text": "di l'aspirina", "spans": [span(7, 13)]}
    srsly.write_jsonl(tmp_path / "a.jsonl", [record])
    refused = run(tmp_path / "a.jsonl", tmp_path / "a.spacy", "--pipeline", italian)
    assert "the tokens there are ['aspirina']; mend the file with" in said(refused)
    mended_to = tmp_path / "b.jsonl"
    done = run(tmp_path / "a.jsonl", mended_to, "--widen", "--pipeline", italian)
    assert "the span 7-13 'pirina' becomes the span 5-13 'aspirina'" in said(done)
    (mended,) = srsly.read_jsonl(mended_to)
    assert mended["spans"] == [span(5, 13)]


def test_widening_needs_a_pipeline(tmp_path: Path) -> None:
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD])
    done = run(tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--widen")
    assert done.exit_code == 1
    assert "--widen needs the tokens of a --pipeline" in said(done)


def test_labels_that_people_looked_for_are_told(tmp_path: Path, italian: Path) -> None:
    told = {**RECORD, "annotated": ["DRUG", "PER"]}
    srsly.write_jsonl(tmp_path / "a.jsonl", [told, RECORD])
    options: list[Path | str] = ["--pipeline", italian, "--annotated", "DRUG,LOC"]
    done = run(tmp_path / "a.jsonl", tmp_path / "a.spacy", *options)
    assert done.exit_code == 0, done.output
    docs = DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("it").vocab)
    known = [[*doc.user_data["annotated"]] for doc in docs]
    assert known == [["DRUG", "PER"], ["DRUG", "LOC"]]


def test_a_label_that_nobody_looked_for_is_named(tmp_path: Path, italian: Path) -> None:
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD])
    options: list[Path | str] = ["--pipeline", italian, "--annotated", "PER"]
    done = run(tmp_path / "a.jsonl", tmp_path / "a.spacy", *options)
    assert "it has entities of DRUG, so it is annotated with more than PER" in said(
        done
    )
