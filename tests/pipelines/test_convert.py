"""`convert` writes what is sound, in the tokens of a pipeline, and only then."""

from pathlib import Path

import pytest
import spacy
import srsly
from spacy.lang.fr.examples import sentences
from spacy.tokens import DocBin

from convert import convert
from helpers import ROOT, make_core

RECORD = {"text": "l'aspirine", "spans": [{"start": 2, "end": 10, "label": "DRUG"}]}


@pytest.fixture(scope="module")
def french(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline whose tokenizer is not the English one."""
    folder = tmp_path_factory.mktemp("french") / "core"
    make_core(lang="fr", pipes=["ner"]).to_disk(folder)
    return folder


def test_spans_are_in_the_tokens_of_the_pipeline(tmp_path: Path, french: Path) -> None:
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD])
    assert convert(tmp_path / "a.jsonl", tmp_path / "a.spacy", pipeline=french) == 1
    vocab = spacy.blank("fr").vocab
    (doc,) = DocBin().from_disk(tmp_path / "a.spacy").get_docs(vocab)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("aspirine", "DRUG")]


def test_what_was_converted_before_stays_when_a_span_is_unsound(
    tmp_path: Path, french: Path
) -> None:
    (tmp_path / "a.spacy").write_bytes(b"earlier")
    bad = {"text": "aspirine", "spans": [{"start": 0, "end": 99, "label": "DRUG"}]}
    srsly.write_jsonl(tmp_path / "a.jsonl", [RECORD, bad])
    with pytest.raises(ValueError, match=r"a.jsonl, line 2: the span 0-99"):
        convert(tmp_path / "a.jsonl", tmp_path / "a.spacy", pipeline=french)
    assert (tmp_path / "a.spacy").read_bytes() == b"earlier"


def test_text_of_another_language_is_not_converted(
    tmp_path: Path,
    french: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("assets").symlink_to(ROOT / "assets")
    target = Path("corpus/test.spacy")
    convert(Path("assets/test.jsonl"), target, pipeline=french)
    docs = list(DocBin().from_disk(target).get_docs(spacy.blank("fr").vocab))
    assert [doc.text for doc in docs] == sentences
    assert not any(doc.ents for doc in docs)
    printed = " ".join(capsys.readouterr().out.split())
    assert "assets/test.jsonl is no text for" in printed
    assert "give annotated text of your own: --vars.test" in printed
