"""Alternatives are trained on the merged text, and end inside the whole core."""

import shutil
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from doubles import TEXTS, make_core, make_drugs
from folders import sha256
from merge import Fill, merge
from spans_ner import FACTORY
from train_alternatives import Size, put_in, train_alternative

ROOT = Path(__file__).parent.parent
CONFIGS = ["single_ner", "shared_tok2vec"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, core_folder: Path) -> Path:
    """A project of doubles, with merged text, configs of few steps, and a tiny core."""
    core, drugs = spacy.load(core_folder), make_drugs(make_core())
    (tmp_path / "sources").mkdir()
    core.to_disk(tmp_path / "sources" / "core")
    docs = [core.make_doc(text) for text in TEXTS * 5]
    merge(docs, {"ner": core, "ner_drug": drugs}, Fill.predictions)
    (tmp_path / "corpus").mkdir()
    for name in ("merged_train", "merged_dev"):
        DocBin(docs=docs).to_disk(tmp_path / "corpus" / f"{name}.spacy")
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    for name in CONFIGS:
        config = tmp_path / "configs" / f"{name}.cfg"
        text = config.read_text(encoding="utf8")
        text = text.replace("max_steps = 1000", "max_steps = 4")
        text = text.replace("eval_frequency = 1000", "eval_frequency = 4")
        config.write_text(text, encoding="utf8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(folder: Path, name: str, *, size: Size = Size.small) -> Language:
    output = folder / "pipelines" / name
    names = train_alternative(Path(f"configs/{name}.cfg"), output, size=size)
    nlp = spacy.load(output)
    assert nlp.pipe_names == names
    return nlp


@pytest.mark.parametrize("name", CONFIGS)
def test_result_is_the_core_with_another_ner(folder: Path, name: str) -> None:
    nlp = build(folder, name)
    core = spacy.load(folder / "sources" / "core")
    added = [pipe for pipe in nlp.component_names if pipe not in core.component_names]
    expected = [] if name == "single_ner" else ["ner_tok2vec", "ner_drug"]
    assert added == expected
    found = {
        label for pipe in ("ner", *expected[1:]) for label in nlp.pipe_labels[pipe]
    }
    text = DocBin().from_disk("corpus/merged_train.spacy").get_docs(core.vocab)
    assert found == {ent.label_ for doc in text for ent in doc.ents}
    assert "DRUG" in found and len(found) > 2
    assert nlp.meta["name"] == name
    assert "trained anew" in nlp.meta["description"]


@pytest.mark.parametrize("name", CONFIGS)
def test_core_says_all_else_as_before(folder: Path, name: str) -> None:
    nlp, core = build(folder, name), spacy.load(folder / "sources" / "core")
    for doc, other in zip(nlp.pipe(TEXTS), core.pipe(TEXTS), strict=True):
        here, there = doc.to_json(), other.to_json()
        for key in ("text", "tokens", "sents"):
            assert here.get(key) == there.get(key)


@pytest.mark.parametrize("name", CONFIGS)
def test_same_bytes_every_time(folder: Path, name: str) -> None:
    build(folder, name)
    first = sha256(folder / "pipelines" / name)
    build(folder, name)
    assert sha256(folder / "pipelines" / name) == first


@pytest.mark.parametrize("name", CONFIGS)
def test_result_needs_no_code_of_the_project(folder: Path, name: str) -> None:
    build(folder, name)
    config = (folder / "pipelines" / name / "config.cfg").read_text(encoding="utf8")
    assert FACTORY not in config
    assert str(folder) not in config


def test_large_is_larger(folder: Path) -> None:
    small, large = (
        build(folder, "single_ner", size=size).get_pipe("ner").model for size in Size
    )
    width = {m: m.get_ref("tok2vec").get_dim("nO") for m in (small, large)}
    assert width[small] < width[large]


def test_core_vectors_are_features(folder: Path) -> None:
    layers = build(folder, "single_ner").get_pipe("ner").model.walk()
    assert "static_vectors" in {layer.name for layer in layers}


def test_components_behind_ner_keep_their_tok2vec() -> None:
    core = make_core(pipes=["ner", "tagger"])
    before = [doc.to_json()["tokens"] for doc in core.pipe(TEXTS)]
    # another tok2vec between the tagger and the one it listens to
    trained = make_drugs(core)
    trained.rename_pipe("tok2vec", "ner_tok2vec")
    nlp = put_in(core, trained)
    assert nlp.pipe_names == ["tok2vec", "ner_tok2vec", "ner", "tagger"]
    assert [doc.to_json()["tokens"] for doc in nlp.pipe(TEXTS)] == before


def test_what_is_wrong_is_named_and_nothing_lost(folder: Path) -> None:
    output = folder / "pipelines" / "single_ner"
    output.mkdir(parents=True)
    (output / "kept").touch()
    core = spacy.load(folder / "sources" / "core")
    core.remove_pipe("ner")
    core.to_disk(folder / "sources" / "core")
    with pytest.raises(ValueError, match="has no component 'ner'"):
        build(folder, "single_ner")
    shutil.rmtree(folder / "sources")
    with pytest.raises(ValueError, match="run the command `sources`"):
        build(folder, "single_ner")
    assert (output / "kept").exists()


def spans_ner(nlp: Language, labels: dict[str, list[str]]) -> Doc:
    """Add a NER that learns from spans, initialized on one text."""
    doc = nlp.make_doc(TEXTS[0])
    for name, own in labels.items():
        nlp.add_pipe(FACTORY, name=name, config={"model": SMALL})
        doc.spans[name] = [Span(doc, 0, 1, label) for label in own]
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    return doc


SMALL = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 8,
    "maxout_pieces": 2,
    "use_upper": True,
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 8,
        "depth": 1,
        "embed_size": 20,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
}


def test_each_ner_learns_only_its_own_labels() -> None:
    nlp = spacy.blank("en")
    spans_ner(nlp, {"a": ["PERSON"], "b": ["DRUG"]})
    assert nlp.pipe_labels == {"a": ["PERSON"], "b": ["DRUG"]}
    list(nlp.pipe(TEXTS))
    assert nlp.pipe_labels == {"a": ["PERSON"], "b": ["DRUG"]}


def test_text_without_its_spans_teaches_nothing() -> None:
    nlp = spacy.blank("en")
    doc = spans_ner(nlp, {"a": ["PERSON"]})
    model = nlp.get_pipe("a").model

    def learn(gold: Doc) -> bool:
        before = model.to_bytes()
        nlp.update([Example(nlp.make_doc(gold.text), gold)], sgd=nlp.create_optimizer())
        return bool(model.to_bytes() != before)

    other = nlp.make_doc(TEXTS[1])
    other.ents = [Span(other, 0, 1, "DRUG")]
    assert not learn(other)
    # annotated, and empty: that there is nothing is learned
    other.spans["a"] = []
    assert learn(other)
    assert learn(doc)


def test_spans_are_found_and_scored() -> None:
    nlp = spacy.blank("en")
    doc = spans_ner(nlp, {"a": ["PERSON"]})
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(30):
        nlp.update([Example(nlp.make_doc(doc.text), doc)], sgd=optimizer)
    found = nlp(doc.text)
    assert not found.ents
    assert [span.text for span in found.spans["a"]] == ["Anna"]
    assert nlp.evaluate([Example(nlp.make_doc(doc.text), doc)])["a_f"] == 1.0
