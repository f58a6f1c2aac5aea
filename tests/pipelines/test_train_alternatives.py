"""Alternatives are trained on the merged text, and end inside the whole core."""

import shutil
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import load_config
from thinc.api import Config, Model

import train_alternatives
from common.files import sha256
from common.lanes import Keep
from common.ners import LEDGER, Origin, load, read_combination, read_ledger
from helpers import (
    CORE_LABELS,
    ROOT,
    TEXTS,
    annotate,
    make_core,
    make_drugs,
    make_drugs_in,
    save_sources,
)
from train_alternatives import (
    Fill,
    Size,
    Texts,
    prepare,
    read_config,
    train_alternative,
)
from training.placing import put_in, replaced
from training.spans_ner import FACTORY

NAMES = ["single_ner", "shared_tok2vec", "fine_tuned_ner"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts, and the configs: narrow, with few steps."""
    folder = tmp_path_factory.mktemp("work")
    annotate(folder / "core.jsonl", CORE_LABELS)
    annotate(folder / "drugs.jsonl", ["DRUG"])
    for name in NAMES:
        config = load_config(ROOT / "configs" / f"{name}.cfg")
        config["training"] |= {"max_steps": 2, "eval_frequency": 2}
        if "size" in config:
            config["small"] |= {"width": 16, "hidden": 16}
            config["large"] |= {"width": 32, "hidden": 32}
        config.to_disk(folder / f"{name}.cfg", interpolate=False)
    return folder


@pytest.fixture(scope="module")
def texts(work: Path, sources: Path) -> Texts:
    """The merged text is there, with nothing predicted; what `prepare` returned."""
    texts = [work / "core.jsonl", work / "drugs.jsonl"]
    configs = [work / f"{name}.cfg" for name in NAMES]
    corpus = work / "corpus"
    return prepare(configs, sources, texts, texts[:1], corpus, Fill.nothing)


def build(
    work: Path,
    sources: Path,
    texts: Texts,
    output: Path,
    *,
    size: Size = Size.small,
) -> Language:
    names = train_alternative(
        work / f"{output.name}.cfg",
        output,
        sources=sources,
        corpus=work / "corpus",
        texts=texts,
        size=size,
    )
    nlp = load(output)
    assert nlp.pipe_names == names
    return nlp


@pytest.fixture(scope="module")
def alternatives(work: Path, sources: Path, texts: Texts) -> dict[str, Language]:
    return {
        name: build(work, sources, texts, work / "pipelines" / name) for name in NAMES
    }


@pytest.fixture(params=NAMES)
def nlp(request: pytest.FixtureRequest, alternatives: dict[str, Language]) -> Language:
    return alternatives[request.param]


def test_result_is_the_core_with_other_ners(
    alternatives: dict[str, Language], core_folder: Path
) -> None:
    core = load(core_folder).component_names
    at = core.index("ner")
    added = {
        "single_ner": ["ner"],
        "fine_tuned_ner": ["ner"],
        "shared_tok2vec": ["ner_tok2vec", "ner_drug", "ner"],
    }
    for name, nlp in alternatives.items():
        assert nlp.component_names == [*core[:at], *added[name], *core[at + 1 :]]
        assert nlp.disabled == ["senter"]


def test_labels_are_those_of_all_sources(alternatives: dict[str, Language]) -> None:
    single, shared, tuned = (alternatives[name] for name in NAMES)
    for nlp in (single, tuned):
        assert set(nlp.pipe_labels["ner"]) == {*CORE_LABELS, "DRUG"}
    assert set(shared.pipe_labels["ner"]) == {*CORE_LABELS}
    assert set(shared.pipe_labels["ner_drug"]) == {"DRUG"}


def test_meta_says_what_it_was_made_of(nlp: Language, sources: Path) -> None:
    name = nlp.meta["name"]
    assert "trained anew" in nlp.meta["description"]
    combination = read_combination(nlp, name)
    ners = ["ner_drug", "ner"] if name == "shared_tok2vec" else ["ner"]
    assert combination.base == "core"
    assert combination.components == {ner: Origin() for ner in ners}
    ledger = read_ledger(sources)
    assert combination.made_from == {n: e["sha256"] for n, e in ledger.items()}


@pytest.mark.parametrize(
    ("name", "learned"),
    [
        ("single_ner", {"ner": ["core", "drugs"]}),
        ("fine_tuned_ner", {"ner": ["core", "drugs"]}),
        # nothing was predicted, so each is annotated for one of them
        ("shared_tok2vec", {"ner": ["core"], "ner_drug": ["drugs"]}),
    ],
)
def test_meta_says_what_each_ner_has_learned_from(
    alternatives: dict[str, Language],
    work: Path,
    name: str,
    learned: dict[str, list[str]],
) -> None:
    combination = read_combination(alternatives[name], name)
    assert combination.trained_on == {
        # without where on this machine they lie
        ner: {f"{text}.jsonl": sha256(work / f"{text}.jsonl") for text in texts}
        for ner, texts in learned.items()
    }
    assert combination.gold == {
        text: {f"{text}.jsonl": sha256(work / f"{text}.jsonl")}
        for text in ("core", "drugs")
    }


def test_all_else_of_the_core_is_as_before(nlp: Language, core_folder: Path) -> None:
    for doc, other in zip(nlp.pipe(TEXTS), load(core_folder).pipe(TEXTS), strict=True):
        here, there = doc.to_json(), other.to_json()
        for key in ("text", "tokens", "sents"):
            assert here[key] == there[key]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_same_bytes_every_time(
    alternatives: dict[str, Language],
    work: Path,
    sources: Path,
    texts: Texts,
    tmp_path: Path,
    name: str,
) -> None:
    build(work, sources, texts, tmp_path / name)
    assert sha256(tmp_path / name) == sha256(work / "pipelines" / name)


def test_no_string_of_the_training_text_is_left(
    nlp: Language, work: Path, core_folder: Path
) -> None:
    folder = work / "pipelines" / str(nlp.meta["name"])
    strings = set(srsly.read_json(folder / "vocab" / "strings.json"))
    known = set(srsly.read_json(core_folder / "vocab" / "strings.json"))
    labels = {label for own in nlp.pipe_labels.values() for label in own}
    assert known <= strings <= known | labels


def test_result_needs_no_code_of_the_project(nlp: Language, work: Path) -> None:
    path = work / "pipelines" / nlp.meta["name"] / "config.cfg"
    config = path.read_text(encoding="utf8")
    assert FACTORY not in config
    assert str(work) not in config
    ners = {name: nlp.get_pipe_meta(name).factory for name in nlp.pipe_labels}
    assert {ners[n] for n in read_combination(nlp, "").components} == {"ner"}


@pytest.mark.slow
def test_only_what_the_core_requires_is_required(
    work: Path, sources: Path, texts: Texts, tmp_path: Path
) -> None:
    shutil.copytree(sources, tmp_path / "sources")
    ledger = read_ledger(tmp_path / "sources")
    for name, entry in ledger.items():
        entry["requirements"] = [f"what-{name}-needs"]
    srsly.write_json(tmp_path / "sources" / LEDGER, ledger)
    nlp = build(work, tmp_path / "sources", texts, tmp_path / "single_ner")
    assert nlp.meta["requirements"] == ["what-core-needs"]


@pytest.mark.slow
def test_large_is_larger(
    alternatives: dict[str, Language],
    work: Path,
    sources: Path,
    texts: Texts,
    tmp_path: Path,
) -> None:
    large = build(work, sources, texts, tmp_path / "single_ner", size=Size.large)
    small = alternatives["single_ner"]
    widths = [
        n.get_pipe("ner").model.get_ref("tok2vec").get_dim("nO") for n in (small, large)
    ]
    assert widths == [16, 32]


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [{"listens": True}, {"upper": False}, {"vectors": 0}],
    ids=["listens", "no upper layer", "no vectors"],
)
def test_a_ner_of_another_make_learns_on_too(
    work: Path, tmp_path: Path, shape: dict[str, Any]
) -> None:
    core = make_core(**shape)
    drugs = make_drugs_in(core, labels=["DRUG", "DOSE"])
    sources = save_sources(tmp_path / "sources", {"core": core, "drugs": drugs})
    texts = [work / "core.jsonl", annotate(tmp_path / "own.jsonl", ["DRUG", "DOSE"])]
    configs, corpus = [work / "fine_tuned_ner.cfg"], work / "corpus"
    prepared = prepare(configs, sources, texts, texts[:1], corpus, Fill.predictions)
    nlp = build(work, sources, prepared, tmp_path / "fine_tuned_ner")
    assert nlp.component_names == core.component_names
    assert {*nlp.pipe_labels["ner"]} == {*CORE_LABELS, "DRUG", "DOSE"}
    assert not any(layer.name == "tok2vec-listener" for layer in ner_of(nlp).walk())
    # the others hear what they heard
    before = core.get_pipe("tok2vec").model.to_bytes()
    assert nlp.get_pipe("tok2vec").model.to_bytes() == before
    for doc, other in zip(nlp.pipe(TEXTS), core.pipe(TEXTS), strict=True):
        assert doc.to_json()["tokens"] == other.to_json()["tokens"]


def ner_of(nlp: Language) -> Model:
    return nlp.get_pipe("ner").model


@pytest.mark.slow
def test_a_core_whose_component_cannot_learn_is_refused_by_name(
    work: Path, tmp_path: Path
) -> None:
    core = make_core(pipes=["tagger"])
    core.add_pipe("entity_ruler", name="ner").add_patterns(
        [{"label": label, "pattern": label} for label in CORE_LABELS]
    )
    sources = save_sources(
        tmp_path / "sources", {"core": core, "drugs": make_drugs_in(make_core())}
    )
    config, text = work / "fine_tuned_ner.cfg", work / "core.jsonl"
    with pytest.raises(ValueError, match=r"fine_tuned_ner\.cfg: ner of core is no NER"):
        prepare([config], sources, [text], [text], tmp_path, Fill.predictions)


@pytest.mark.slow
def test_lanes_of_what_was_trained_lie_beside_it(
    work: Path, sources: Path, texts: Texts, tmp_path: Path
) -> None:
    output = tmp_path / "fine_tuned_ner"
    train_alternative(
        work / "fine_tuned_ner.cfg",
        output,
        sources=sources,
        corpus=work / "corpus",
        texts=texts,
        size=Size.small,
        keep=Keep.entities,
    )
    nlp = load(tmp_path / "fine_tuned_ner_entities")
    assert nlp.component_names == ["ner"]
    assert read_combination(nlp, "").keep == Keep.entities
    assert nlp.meta["name"] == "fine_tuned_ner_entities"
    whole = load(output)
    assert nlp.get_pipe("ner").to_bytes() == whole.get_pipe("ner").to_bytes()


def test_core_vectors_are_features(alternatives: dict[str, Language]) -> None:
    layers = alternatives["single_ner"].get_pipe("ner").model.walk()
    assert "static_vectors" in {layer.name for layer in layers}


def test_components_behind_ner_keep_their_tok2vec() -> None:
    core = make_core(pipes=["ner", "tagger"])
    before = [doc.to_json()["tokens"] for doc in core.pipe(TEXTS)]
    # another tok2vec between the tagger and the one it listens to
    trained = make_drugs(core)
    trained.rename_pipe("tok2vec", "ner_tok2vec")
    nlp = put_in(core, trained, ["ner"])
    assert nlp.pipe_names == ["tok2vec", "ner_tok2vec", "ner", "tagger"]
    assert [doc.to_json()["tokens"] for doc in nlp.pipe(TEXTS)] == before


def test_components_behind_ner_listen_on_where_nothing_is_in_between() -> None:
    core = make_core(pipes=["ner", "tagger"])
    before = [doc.to_json()["tokens"] for doc in core.pipe(TEXTS)]
    nlp = put_in(core, make_drugs(core, listener=False), ["ner"])
    assert nlp.get_pipe("tok2vec").listening_components == ["tagger"]
    assert [doc.to_json()["tokens"] for doc in nlp.pipe(TEXTS)] == before


def test_all_components_of_the_same_names_give_way() -> None:
    core = make_core(pipes=["ner", "tagger"])
    core.add_pipe("ner", name="ner_drug", source=make_drugs(core, listener=False))
    before = [doc.to_json()["tokens"] for doc in core.pipe(TEXTS)]
    trained = make_drugs(core)
    trained.rename_pipe("ner", "ner_drug")
    config = Config({"nlp": {"pipeline": trained.pipe_names}})
    names = replaced(core, config, "x.cfg")
    assert names == ["tok2vec", "ner_drug"]
    nlp = put_in(core, trained, names)
    assert nlp.pipe_names == ["tok2vec", "ner_drug", "ner", "tagger"]
    assert [doc.to_json()["tokens"] for doc in nlp.pipe(TEXTS)] == before


def test_core_without_a_ner_of_that_name_is_refused_by_name(
    work: Path, core_folder: Path
) -> None:
    core = load(core_folder)
    core.rename_pipe("ner", "gene_ner")
    config = load_config(work / "single_ner.cfg")
    with pytest.raises(ValueError) as error:
        replaced(core, config, "configs/single_ner.cfg")
    assert "configs/single_ner.cfg: none of its components (ner)" in str(error.value)
    assert "the core's NER: gene_ner" in str(error.value)


def test_source_that_is_none_is_refused_before_anything_is_written(
    work: Path, sources: Path, tmp_path: Path
) -> None:
    config = load_config(work / "shared_tok2vec.cfg")
    config["components"]["ner_drug"]["source"] = "genes"
    config.to_disk(tmp_path / "shared_tok2vec.cfg", interpolate=False)
    configs, dev = [tmp_path / "shared_tok2vec.cfg"], work / "core.jsonl"
    with pytest.raises(
        ValueError, match=r"ner_drug learns from genes, .* \(core, drugs\)"
    ):
        prepare(configs, sources, [dev], [dev], tmp_path / "corpus", Fill.predictions)
    assert not (tmp_path / "corpus").exists()


def test_source_that_no_component_learns_from_is_named(
    work: Path, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(sources, tmp_path / "sources")
    shutil.copytree(folder / "drugs", folder / "genes")
    ledger = read_ledger(folder)
    srsly.write_json(folder / "sources.json", {**ledger, "genes": ledger["drugs"]})
    dev, configs = work / "core.jsonl", [work / f"{name}.cfg" for name in NAMES]
    prepare(configs, folder, [dev], [dev], tmp_path / "corpus", Fill.predictions)
    output = " ".join(capsys.readouterr().out.split())
    assert "shared_tok2vec.cfg: no component learns the labels of genes" in output
    assert output.count("no component learns") == 1
    docs = DocBin().from_disk(tmp_path / "corpus/merged_train.spacy")
    groups = {
        name for doc in docs.get_docs(spacy.blank("en").vocab) for name in doc.spans
    }
    assert groups == {"core", "drugs", "genes"}


def test_pipeline_stays_as_it_was_where_training_fails(
    work: Path, sources: Path, tmp_path: Path
) -> None:
    output = tmp_path / "single_ner"
    output.mkdir()
    (output / "kept").touch()
    with pytest.raises(ValueError, match="run the command `sources`"):
        build(work, tmp_path, {}, output)
    (tmp_path / "corpus").mkdir()
    shutil.copy(work / "single_ner.cfg", tmp_path)
    for part in ("train", "dev"):
        (tmp_path / "corpus" / f"merged_{part}.spacy").write_bytes(b"damaged")
    with pytest.raises(ValueError):
        build(tmp_path, sources, {}, output)
    assert (output / "kept").exists()


def test_command_names_what_is_wrong(
    work: Path, sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train_alternatives.main(
            tmp_path / "pipelines",
            [work / "single_ner.cfg"],
            sources=sources,
            texts=[tmp_path / "none.jsonl"],
            dev=[work / "core.jsonl"],
            corpus=tmp_path / "corpus",
        )
    output = " ".join(capsys.readouterr().out.split())
    assert "Nothing was trained" in output
    assert "none.jsonl: there is no such file" in output
    assert not (tmp_path / "pipelines").exists()


def test_config_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.cfg: there is no such file"):
        read_config(tmp_path / "none.cfg", Size.small)


@pytest.mark.parametrize(
    ("section", "setting", "culprit"),
    [
        ("small", None, r"single_ner\.cfg has no section \[small\]"),
        ("training", None, r"single_ner\.cfg has no section \[training\]"),
        ("nlp", "pipeline", r"single_ner\.cfg: `pipeline` in \[nlp\] is None"),
    ],
    ids=["size", "training", "pipeline"],
)
def test_config_that_lacks_something_is_refused_by_name(
    work: Path, tmp_path: Path, section: str, setting: str | None, culprit: str
) -> None:
    config = load_config(work / "single_ner.cfg")
    place, key = (config[section], setting) if setting else (config, section)
    del place[key]
    config.to_disk(tmp_path / "single_ner.cfg", interpolate=False)
    with pytest.raises(ValueError, match=culprit):
        read_config(tmp_path / "single_ner.cfg", Size.small)


class Killed:
    """Stands in for processes that the system kills."""

    def __init__(self, **_: Any) -> None:
        """Take what the real one takes."""

    def __enter__(self) -> "Killed":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("a process was terminated abruptly"))
        return future


def test_killed_process_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train_alternatives, "prepare", lambda *_, **__: {})
    monkeypatch.setattr(train_alternatives, "ProcessPoolExecutor", Killed)
    with pytest.raises(SystemExit) as end:
        train_alternatives.main(
            tmp_path / "pipelines",
            [tmp_path / "single_ner.cfg"],
            sources=tmp_path,
            texts=[],
            dev=[tmp_path],
            corpus=tmp_path,
        )
    assert end.value.code == 1
    output = " ".join(capsys.readouterr().out.split())
    assert "single_ner.cfg was not trained" in output
    assert "terminated abruptly" in output
