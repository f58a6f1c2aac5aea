"""Annotated text is read by training itself, and training is the same every time."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus, Example
from spacy.util import load_config, registry

from common.features import other_features, uses_vectors
from common.files import sha256
from common.ners import View
from helpers import ROOT, annotate, make_core, save_sources
from ner_components import proposers
from sources import Permitted, get_source
from training.loop import train
from training.reader import annotated_text

DRUG = {"start": 0, "end": 4, "label": "DRUG"}


def write(path: Path, *records: dict[str, Any]) -> str:
    srsly.write_jsonl(path, records)
    return str(path)


def gold(nlp: Language | None = None, **settings: Any) -> list[Doc]:
    read = annotated_text(**settings)
    return [example.reference for example in read(nlp or spacy.blank("en"))]


@pytest.fixture
def text(tmp_path: Path) -> str:
    return write(tmp_path / "text.jsonl", {"text": "dope? Yes.", "spans": [DRUG]})


def test_config_finds_the_reader(text: str) -> None:
    block = {"@readers": "annotated_text.v1", "path": text}
    (example,) = registry.resolve({"read": block})["read"](spacy.blank("en"))
    assert [ent.text for ent in example.reference.ents] == ["dope"]
    assert not example.predicted.ents


def test_text_is_in_the_tokens_of_the_pipeline(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": "dope can't", "spans": [DRUG]})
    nlp = spacy.blank("en")
    assert [token.text for token in gold(nlp, path=path)[0]] == ["dope", "ca", "n't"]
    nlp.tokenizer.rules = {}
    assert [token.text for token in gold(nlp, path=path)[0]] == ["dope", "can't"]


def test_sentence_starts_are_those_of_the_sentencizer(text: str) -> None:
    (doc,) = gold(path=text, sentences=True)
    other = Sentencizer()(spacy.blank("en")("dope? Yes."))
    assert [t.is_sent_start for t in doc] == [t.is_sent_start for t in other]
    (doc,) = gold(path=text)
    assert not doc.has_annotation("SENT_START")


def test_text_without_a_span_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": "dope", "tags": ["x"]})
    with pytest.raises(
        ValueError, match=r"no span in it.* its records have: text, tags"
    ):
        gold(path=path)


def test_empty_text_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": ""}, {"text": "dope", "spans": [DRUG]})
    assert [doc.text for doc in gold(path=path)] == ["dope"]


def test_examples_are_augmented_anew_each_time(text: str) -> None:
    seen = []

    def augment(nlp: Language, example: Example) -> Iterable[Example]:
        seen.append(example)
        yield from [example, example]

    read = annotated_text(text, augmenter=augment)
    nlp = spacy.blank("en")
    assert [len(list(read(nlp))) for _ in range(2)] == [2, 2]
    assert seen[0].predicted is not seen[1].predicted


def test_spans_outside_are_no_entities_and_the_rest_is_unknown(
    tmp_path: Path, text: str
) -> None:
    person = {"start": 0, "end": 4, "label": "PERSON"}
    marked = {"text": "Anna took it", "spans": [person]}
    other = write(tmp_path / "other.jsonl", marked, {"text": "nothing marked"})
    docs = gold(path=text, outside=other, outside_for=["DRUG"])
    assert [doc.text for doc in docs] == ["dope? Yes.", "Anna took it"]
    assert [token.ent_iob_ for token in docs[1]] == ["O", "", ""]


def test_outside_does_not_hold_for_other_labels_and_a_line_says_so(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "other.jsonl", {"text": "Anna", "spans": [DRUG]})
    for _ in range(2):
        docs = gold(path=text, outside=other, outside_for=["GENE"])
        assert [doc.text for doc in docs] == ["dope? Yes."]
    lines = " ".join(capsys.readouterr().out.split())
    assert lines.count(f"{other} is left out") == 1
    assert f"holds for GENE only, but {text} has DRUG" in lines


def test_label_that_is_not_learned_is_refused(tmp_path: Path, text: str) -> None:
    gene = {"start": 0, "end": 4, "label": "GENE"}
    dev = write(tmp_path / "dev.jsonl", {"text": "p53s", "spans": [gene]})
    with pytest.raises(ValueError, match=f"GENE, which {text} does not have"):
        gold(path=dev, labels_of=text)


def test_merged_text_is_read_as_spacy_reads_it(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = nlp("dope")
    doc.spans["drugs"] = doc.ents = [Span(doc, 0, 1, "DRUG")]
    DocBin(docs=[doc]).to_disk(tmp_path / "a.spacy")
    path = str(tmp_path / "a.spacy")
    block = {"@readers": "merged_text.v1", "path": path}
    read = registry.resolve({"read": block})["read"]
    (ours,), (again,), (theirs,) = read(nlp), read(nlp), Corpus(path)(nlp)
    assert ours.to_dict() == theirs.to_dict() == again.to_dict()
    assert ours.predicted is not again.predicted
    assert [span.label_ for span in ours.reference.spans["drugs"]] == ["DRUG"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, core_folder: Path) -> Path:
    """The training configs of the sources, with little to learn, in few steps."""
    folder = tmp_path_factory.mktemp("small")
    for name in ("core", "drugs"):
        config = load_config(ROOT / "configs" / f"{name}.cfg")
        labels = config["corpora"]["train"]["outside_for"]
        own = {"core": str(core_folder)}
        for key in ("train", "dev", "outside"):
            own[key] = str(annotate(folder / f"{name}_{key}.jsonl", labels))
        config["paths"] |= {key: own[key] for key in config["paths"]}
        config["training"] |= {"max_steps": 2, "eval_frequency": 2}
        config.to_disk(folder / f"{name}.cfg", interpolate=False)
    return folder


@pytest.mark.slow
def test_source_is_trained_to_the_same_bytes_every_time(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = [tmp_path / "first" / "core", tmp_path / "second" / "core"]
    for output in outputs:
        train(small / "core.cfg", {}, output)
    assert sha256(outputs[0]) == sha256(outputs[1])
    # no rows of numbers: a bar on a terminal, and nothing elsewhere
    assert capsys.readouterr() == ("", "")
    labels = load_config(small / "core.cfg")["corpora"]["train"]["outside_for"]
    assert sorted(spacy.load(outputs[0]).pipe_labels["ner"]) == sorted(labels)


@pytest.fixture
def core(make: Callable[[], Language]) -> Language:
    return make()


@pytest.fixture
def placed(small: Path, tmp_path: Path, core: Language) -> Language:
    """What `sources` trains in the place of a core's NER."""
    saved = save_sources(tmp_path / "sources", {"core": core})
    config = load_config(small / "drugs.cfg")
    config["paths"]["core"] = str(saved / "core")
    config.to_disk(tmp_path / "drugs.cfg", interpolate=False)
    get_source(
        "drugs",
        "none",
        saved / "drugs",
        config=tmp_path / "drugs.cfg",
        text={},
        permitted=Permitted.embedded,
    )
    return spacy.load(saved / "drugs")


@pytest.mark.parametrize("make", [make_core], ids=["vectors"])
def test_ner_is_trained_in_the_cores_place(placed: Language, core: Language) -> None:
    assert placed.pipe_names == core.pipe_names
    assert placed.disabled == core.disabled
    assert proposers(placed) == {"ner": ("DRUG",)}
    assert not other_features(core, View(placed, "ner"), at="ner")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "vectors"),
    [(make_core, True), (partial(make_core, vectors=0), False)],
    ids=["vectors", "no vectors"],
)
def test_vectors_are_features_where_the_core_has_some(
    placed: Language, vectors: bool
) -> None:
    assert uses_vectors(View(placed, "ner")) is vectors


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [partial(make_core, lang="zh", pipes=["ner"])], ids=["zh"]
)
def test_language_and_tokenizer_are_the_cores(placed: Language, core: Language) -> None:
    assert placed.lang == "zh"
    text = "苹果公司在北京"
    assert [t.text for t in placed(text)] == [t.text for t in core(text)]


def test_the_projects_text_trains_no_ner_of_another_language(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("assets").symlink_to(ROOT / "assets")
    save_sources(Path("sources"), {"core": make_core(lang="it", pipes=["ner"])})
    with pytest.raises(ValueError, match=r"drugs: en_ner_drugs cannot be had.*is none"):
        get_source(
            "drugs",
            "en_ner_drugs",
            Path("sources/drugs"),
            config=ROOT / "configs" / "drugs.cfg",
            text={},
            permitted=Permitted.embedded,
        )
    assert not Path("sources/drugs").exists()


def test_what_is_no_entity_in_english_is_not_said_in_italian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("assets").symlink_to(ROOT / "assets")
    drug = {"start": 2, "end": 10, "label": "DRUG"}
    path = write(tmp_path / "own.jsonl", {"text": "l'aspirina", "spans": [drug]})
    outside = "assets/core_train.jsonl"
    read = annotated_text(path, outside=outside, outside_for=["DRUG"])
    assert len(list(read(spacy.blank("it")))) == 1


def with_rules() -> Language:
    core = make_core(pipes=["tagger", "ner"])
    rules: Any = core.add_pipe("entity_ruler")
    rules.add_patterns([{"label": "GPE", "pattern": "Oslo"}])
    return core


@pytest.mark.slow
@pytest.mark.parametrize("make", [with_rules], ids=["rules"])
def test_what_else_proposes_entities_stays_the_cores(placed: Language) -> None:
    assert placed.pipe_names == ["tok2vec", "tagger", "ner"]


def of_a_firm() -> Language:
    core = make_core()
    core.meta.update(author="a firm", email="a@b.c", url="b.c", license="GPL")
    core.meta["performance"] = {"ents_f": 0.9}
    return core


@pytest.mark.parametrize("make", [of_a_firm], ids=["of a firm"])
def test_what_is_trained_does_not_pass_for_the_cores_author_s(placed: Language) -> None:
    meta = placed.meta
    assert (meta["name"], meta["version"]) == ("drugs_embedded", "0.1.0")
    assert [meta[key] for key in ("author", "email", "url")] == ["", "", ""]
    assert meta["license"] == "GPL" and not meta["performance"]
    (source,) = meta["sources"]
    assert (source["name"], source["author"]) == ("en_core_web_md", "a firm")


@pytest.mark.slow
def test_settings_give_way_and_no_code_of_the_project_is_needed(
    small: Path, tmp_path: Path
) -> None:
    gene = {"start": 0, "end": 4, "label": "GENE"}
    own = write(tmp_path / "own.jsonl", {"text": "p53s is one", "spans": [gene]})
    overrides = {"paths.train": own, "paths.dev": own}
    train(small / "drugs.cfg", overrides, tmp_path / "genes")
    code = "import spacy; print(spacy.load('genes').pipe_labels['ner'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "['GENE']", done.stderr
