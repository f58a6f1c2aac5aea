"""`assemble` keeps the whole core and puts the other NERs where the config says."""

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.util import load_config
from thinc.api import Config

import common.meta
from assemble import assemble
from common.ners import Origin, View, load, read_combination
from helpers import (
    CONFIGS,
    ROOT,
    TEXTS,
    make_core,
    make_drugs,
    make_drugs_in,
    save_sources,
)
from ner_components import proposers

Change = Callable[[Config], None]


def nothing(config: Config) -> None:
    """Leave a config as it is."""


def small_core() -> Language:
    """Make a core that loads fast, for what does not depend on the language."""
    return make_core(lang="xx", pipes=["tagger", "ner"])


def build(
    folder: Path, name: str, sources: Path, change: Change = nothing
) -> tuple[Language, str]:
    """Assemble a config of the project, changed, from a folder of sources."""
    config = load_config(ROOT / "configs" / f"{name}.cfg", interpolate=False)
    for source in config["paths"]:
        config["paths"][source] = str(sources / source)
    change(config)
    folder.mkdir(exist_ok=True)
    config.to_disk(folder / f"{name}.cfg")
    assemble(folder / f"{name}.cfg", folder / "made" / name)
    return spacy.load(folder / "made" / name), str(folder / "made" / name)


def found(nlp: Language) -> list[list[tuple[str, str]]]:
    return [[(e.text, e.label_) for e in doc.ents] for doc in nlp.pipe(TEXTS)]


@pytest.fixture(scope="module")
def small_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources that load fast."""
    core = small_core()
    core.add_pipe("senter")
    core.disable_pipe("senter")
    folder = tmp_path_factory.mktemp("small")
    return save_sources(folder, {"core": core, "drugs": make_drugs_in(core)})


@pytest.mark.parametrize("name", CONFIGS)
def test_whole_core_is_kept_around_what_the_config_names(
    name: str, pipelines: Path, core_folder: Path
) -> None:
    nlp, core = spacy.load(pipelines / name), spacy.load(core_folder)
    ours = load_config(ROOT / "configs" / f"{name}.cfg")["nlp"]["pipeline"]
    assert nlp.component_names == [*core.component_names[:-1], *ours]
    assert nlp.disabled == core.disabled == ["senter"]
    rules = [t.to_bytes(exclude=["vocab"]) for t in (nlp.tokenizer, core.tokenizer)]
    assert rules[0] == rules[1]
    tables = [n.vocab.vectors.to_bytes(exclude=["strings"]) for n in (nlp, core)]
    assert tables[0] == tables[1]
    assert nlp.vocab.lookups.to_bytes() == core.vocab.lookups.to_bytes()


@pytest.mark.parametrize("name", ["drug_first", "drug_last"])
@pytest.mark.parametrize(
    ("other", "home"), [("ner_drug", "core"), ("ner", "drugs")], ids=["core", "drugs"]
)
def test_each_ner_alone_finds_what_it_finds_at_home(
    name: str, other: str, home: str, pipelines: Path, sources: Path
) -> None:
    nlp = spacy.load(pipelines / name)
    with nlp.select_pipes(disable=other):
        here = found(nlp)
    assert here == found(spacy.load(sources / home))
    assert any(here)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pipes",
    [["ner"], ["ner", "lemmatizer"], ["senter", "ner"]],
    ids=["alone", "something behind", "something before"],
)
def test_any_core_will_do(pipes: list[str], tmp_path: Path) -> None:
    core = make_core(pipes=pipes)
    core.add_pipe("entity_ruler", after="ner")
    sources = save_sources(tmp_path, {"core": core, "drugs": make_drugs_in(core)})
    expected = list(core.component_names)
    expected.insert(expected.index("ner") + 1, "ner_drug")
    assert build(tmp_path, "drug_last", sources)[0].component_names == expected


def test_nothing_is_built_anew_when_nothing_has_changed(
    sources: Path, pipelines: Path
) -> None:
    with contextlib.chdir(sources.parent):
        config = ROOT / "configs" / "drug_first.cfg"
        assert assemble(config, pipelines / "drug_first") == []


@pytest.mark.slow
def test_a_changed_config_is_built_anew(small_sources: Path, tmp_path: Path) -> None:
    build(tmp_path, "drug_first", small_sources)

    def swap(config: Config) -> None:
        config["nlp"]["pipeline"] = config["nlp"]["pipeline"][::-1]

    assert build(tmp_path, "drug_first", small_sources, swap)[0].pipe_names[-2:] == [
        "ner",
        "ner_drug",
    ]


def test_config_of_another_machine_is_left_out(pipelines: Path, sources: Path) -> None:
    for name in CONFIGS:
        for file in (pipelines / name).rglob("*.json"):
            assert str(sources.parent) not in file.read_text(encoding="utf8")
        config = (pipelines / name / "config.cfg").read_text(encoding="utf8")
        assert str(sources.parent) not in config


def test_path_of_a_source_on_this_machine_is_not_told(
    sources: Path, pipelines: Path
) -> None:
    for key in ['"wanted"', '"found"']:
        assert key in (sources / "sources.json").read_text()
        for name in CONFIGS:
            assert key not in (pipelines / name / "meta.json").read_text()


def test_source_is_recorded_as_it_was_before_it_was_combined(
    tmp_path: Path, small_sources: Path
) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(small_sources, sources)
    (sources / "sources.json").unlink()
    meta = build(tmp_path, "drug_first", sources)[0].meta
    assert "DRUG" not in meta["sources"][0]["labels"]


def test_combination_stands_in_the_meta(pipelines: Path) -> None:
    nlp = spacy.load(pipelines / "drug_first")
    combination = read_combination(nlp, "drug_first")
    assert combination.base == "core"
    assert combination.components == {
        "ner_drug": Origin("drugs", "ner"),
        "ner": Origin("core", "ner"),
    }
    assert set(combination.made_from) == {"core", "drugs"}


def test_isolation_stands_in_the_meta(isolated_pipelines: Path) -> None:
    nlp = spacy.load(isolated_pipelines / "resolved")
    origins = read_combination(nlp, "resolved").components
    assert [origins[name].isolated for name in ("ner", "ner_drug")] == [False, True]


def test_description_tells_the_order(pipelines: Path) -> None:
    meta = spacy.load(pipelines / "drug_last").meta
    assert meta["name"] == "drug_last"
    assert "ner -> ner_drug" in meta["description"]


def test_what_the_sources_require_and_whom_they_name_goes_along(tmp_path: Path) -> None:
    core = small_core()
    drugs = make_drugs_in(core)
    core.meta.update(
        author="Core Authors",
        requirements=["some-lookups>=1.0"],
        sources=[{"name": "A Treebank", "license": "LDC", "url": "", "author": ""}],
    )
    sources = save_sources(tmp_path, {"core": core, "drugs": drugs})
    meta = build(tmp_path, "drug_first", sources)[0].meta
    assert meta["requirements"] == ["some-lookups>=1.0"]
    assert "A Treebank" in [source["name"] for source in meta["sources"]]
    assert meta["sources"][0]["author"] == "Core Authors"
    assert meta["author"] == ""
    assert all(type(v) is str for source in meta["sources"] for v in source.values())


@pytest.mark.slow
def test_what_a_source_uses_is_required_though_it_does_not_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uses(config: Config, exclude: list[str]) -> list[str]:
        return ["some-layers>=2.0"] * ("some-layers" not in exclude)

    monkeypatch.setattr(common.meta, "get_third_party_dependencies", uses)
    core = small_core()
    core.meta["requirements"] = ["some-layers>=1.0"]
    sources = save_sources(tmp_path, {"core": core, "drugs": make_drugs()})
    meta = build(tmp_path, "drug_first", sources)[0].meta
    assert meta["requirements"] == ["some-layers>=1.0", "some-layers>=2.0"]


@pytest.mark.slow
@pytest.mark.parametrize("same", [True, False], ids=["same", "another"])
def test_a_tok2vec_is_shared_where_it_is_the_same(same: bool, tmp_path: Path) -> None:
    core = make_core(lang="xx", pipes=["tagger", "ner"], listens=True)
    drugs = (
        core
        if same
        else make_core(lang="xx", pipes=["tagger", "ner"], listens=True, seed=2)
    )
    drugs.vocab.vectors = core.vocab.vectors
    sources = save_sources(tmp_path, {"core": core, "drugs": drugs})
    nlp, _ = build(tmp_path, "drug_last", sources)
    heard = {*View(nlp, "ner_drug").heard().values()}
    assert heard == ({"tok2vec"} if same else set())
    with nlp.select_pipes(disable="ner"):
        assert found(nlp) == found(drugs)


@pytest.mark.slow
def test_third_ner_is_a_path_and_a_component(tmp_path: Path) -> None:
    genes = make_drugs_in(small_core(), seed=5, labels=["GENE"])
    sources = save_sources(
        tmp_path / "sources",
        {"core": small_core(), "drugs": make_drugs_in(small_core()), "genes": genes},
    )

    def add(config: Config) -> None:
        config["paths"]["genes"] = str(sources / "genes")
        config["components"]["ner_gene"] = {
            "source": "${paths.genes}",
            "component": "ner",
            "replace_listeners": ["model.tok2vec"],
        }
        config["nlp"]["pipeline"] = ["ner_drug", "ner", "ner_gene"]

    nlp, _ = build(tmp_path, "drug_first", sources, add)
    assert nlp.pipe_names[-3:] == ["ner_drug", "ner", "ner_gene"]
    with nlp.select_pipes(disable=["ner", "ner_drug"]):
        assert found(nlp) == found(genes)


@pytest.mark.slow
def test_several_ners_vote_as_the_docs_say(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "several_ners.md").read_text(encoding="utf8")
    (block,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    block = block.replace("[components.", "[components]\n\n[components.", 1)
    pasted = Config().from_str(block, interpolate=False)
    mine = make_drugs_in(small_core(), seed=0, labels=["PER", "MISC"])
    pipelines = {"core": small_core(), "drugs": make_drugs_in(small_core())}
    # so that two of the three agree
    pipelines |= {"sm": small_core(), "mine": mine}
    sources = save_sources(tmp_path / "sources", pipelines)

    def paste(config: Config) -> None:
        config.update(config.merge(pasted))
        config["paths"] = {source: str(sources / source) for source in config["paths"]}

    nlp, _ = build(tmp_path, "resolved", sources, paste)
    every = {*proposers(nlp)}
    assert every == {"ner", "ner_drug", "ner_sm", "ner_mine"}
    assert proposers(nlp)["ner_mine"] == ("PERSON",)
    docs = list(nlp.pipe(TEXTS))
    kept = {(e.label_, *e._.ner_components) for doc in docs for e in doc.ents}
    assert ("DRUG", "ner_drug") in kept
    assert all({"ner", "ner_sm"} <= {*who} for label, *who in kept if label != "DRUG")
    dropped = {one["reason"] for doc in docs for one in doc._.ner_conflicts}
    assert {"label MISC is dropped", "1 of 3 votes, 2 needed"} <= dropped


def test_ner_may_have_another_name_at_home(tmp_path: Path) -> None:
    drugs = make_drugs_in(small_core())
    drugs.rename_pipe("ner", "gene_ner")
    sources = save_sources(tmp_path, {"core": small_core(), "drugs": drugs})

    def rename(config: Config) -> None:
        config["components"]["ner_drug"]["component"] = "gene_ner"

    nlp, name = build(tmp_path, "drug_last", sources, rename)
    origin = read_combination(nlp, name).components["ner_drug"]
    assert origin == Origin("drugs", "gene_ner")


def test_ner_of_the_core_may_have_another_name_at_home(tmp_path: Path) -> None:
    core = small_core()
    core.rename_pipe("ner", "entities")
    sources = save_sources(
        tmp_path, {"core": core, "drugs": make_drugs_in(small_core())}
    )

    def rename(config: Config) -> None:
        config["components"]["ner"]["component"] = "entities"

    nlp, _ = build(tmp_path, "drug_first", sources, rename)
    assert nlp.pipe_names[-2:] == ["ner_drug", "ner"]
    with nlp.select_pipes(disable="ner_drug"):
        assert found(nlp) == found(small_core())


@pytest.mark.slow
def test_combination_can_be_the_core_of_another(
    tmp_path: Path, small_sources: Path
) -> None:
    genes = make_drugs_in(small_core(), seed=5, labels=["GENE"])
    first, _ = build(tmp_path / "first", "drug_first", small_sources)
    sources = save_sources(tmp_path, {"core": first, "drugs": genes})

    def rename(config: Config) -> None:
        config["components"]["ner_gene"] = config["components"].pop("ner_drug")
        config["nlp"]["pipeline"] = ["ner", "ner_gene"]

    nlp, _ = build(tmp_path, "drug_last", sources, rename)
    assert nlp.pipe_names[-3:] == ["ner_drug", "ner", "ner_gene"]
    with nlp.select_pipes(disable="ner_gene"):
        assert found(nlp) == found(first)


@pytest.mark.slow
@pytest.mark.parametrize("own", [False, True], ids=["plain", "isolated"])
def test_nothing_of_a_private_training_is_left(own: bool, tmp_path: Path) -> None:
    core = small_core()
    drugs = make_drugs() if own else make_drugs_in(core)
    # as training leaves them: spaCy keeps every word that it has seen, and its config
    drugs("canary_4711 wrote that")
    drugs.config["paths"]["train"] = "/home/canary_4711/text"
    drugs.meta["description"] = "of canary_4711"
    sources = save_sources(tmp_path / "sources", {"core": core, "drugs": drugs})
    assert len(files_with(b"canary_4711", sources)) >= 3
    nlp, folder = build(tmp_path, "resolved", sources)
    assert not files_with(b"canary_4711", Path(folder))
    assert any(found(nlp))


def files_with(content: bytes, folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if content in file.read_bytes()]


@pytest.mark.slow
def test_isolated_ner_brings_only_components_that_it_depends_on(
    tmp_path: Path,
) -> None:
    drugs = make_core(lang="xx", pipes=["tagger", "parser", "ner"], labels=["DRUG"])
    ruler: Any = drugs.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "DRUG", "pattern": "dope"}])
    sources = save_sources(tmp_path, {"core": make_core(), "drugs": drugs})
    nlp, _ = build(tmp_path, "drug_first", sources)
    inside: Any = nlp.get_pipe("ner_drug")
    # the parser listens to the tok2vec, and only the tagger tells the NER nothing
    assert inside.nlp.pipe_names == ["entity_ruler", "tok2vec", "parser", "ner"]


@pytest.mark.slow
def test_isolated_ner_keeps_vectors_that_others_need(tmp_path: Path) -> None:
    drugs = make_core(seed=3, labels=["DRUG"], pipes=["senter", "ner"])
    drugs.enable_pipe("senter")
    drugs.remove_pipe("ner")
    ner: Any = make_drugs(seed=4, listener=False).get_pipe("ner")
    drugs.add_pipe("ner", source=make_drugs(seed=4, listener=False))
    assert ner.labels == ("DRUG",)
    sources = save_sources(tmp_path, {"core": make_core(), "drugs": drugs})
    nlp, _ = build(tmp_path, "drug_first", sources)
    inside: Any = nlp.get_pipe("ner_drug")
    assert inside.nlp.pipe_names[-2:] == ["senter", "ner"]
    assert inside.nlp.vocab.vectors_length


@pytest.mark.slow
def test_isolated_ner_brings_only_vectors_that_it_uses(tmp_path: Path) -> None:
    core = small_core()
    for uses in (False, True):
        drugs = make_drugs(vectors=8 if uses else 0)
        if not uses:
            drugs.vocab.vectors = core.vocab.vectors
        folder = tmp_path / str(uses)
        sources = save_sources(folder, {"core": core, "drugs": drugs})
        nlp, _ = build(folder, "drug_first", sources)
        assert bool(nlp.get_pipe("ner_drug").nlp.vocab.vectors_length) is uses


def drop(*path: str) -> Change:
    def change(config: Config) -> None:
        section: Any = config
        for name in path[:-1]:
            section = section[name]
        del section[path[-1]]

    return change


def put(value: Any, *path: str) -> Change:
    def change(config: Config) -> None:
        section: Any = config
        for name in path[:-1]:
            section = section[name]
        section[path[-1]] = value

    return change


COLLECTOR = ("components", "ner_drug_candidates")
RESOLVE = ("components", "resolve", "policy")
POLICY = "ner_policy"


def weighted(**weights: dict[str, float]) -> dict[str, Any]:
    """Make a policy that weighs both NERs."""
    every = {"ner": {"*": 0.5}, "ner_drug": {"*": 0.5}, **weights}
    return {"@misc": f"{POLICY}.weighted.v1", "weights": every}


def change_both(policy: dict[str, Any], **settings: Any) -> Change:
    """Set a policy, and settings of the collector of drugs."""

    def change(config: Config) -> None:
        put(policy, *RESOLVE)(config)
        config["components"]["ner_drug_candidates"].update(settings)

    return change


REFUSED = {
    "source is no pipeline": (
        put("none", "paths", "drugs"),
        "drugs = none is no pipeline; run the command `sources`",
    ),
    "no [paths]": (drop("paths"), "no valid config"),
    "nothing in [paths]": (put({}, "paths"), "no valid config"),
    "component that is no section": (
        put(None, "components", "ner"),
        r"\[components.ner\] must have",
    ),
    "setting of a wrong type": (
        put(["ner"], "components", "ner_candidates", "labels"),
        r"\[components.ner_candidates\] is unsound \(",
    ),
    "component without a block": (
        put(["ner", "other"], "nlp", "pipeline"),
        r"nlp.pipeline has other, so \[components.other\] must have",
    ),
    "source that is no path": (
        put("elsewhere", "components", "ner_drug", "source"),
        "ner_drug is of elsewhere, which is not among",
    ),
    "nothing of the core": (
        put(["ner_drug"], "nlp", "pipeline"),
        "takes nothing from core",
    ),
    "component that is not there": (
        put("entities", "components", "ner_drug", "component"),
        r"'entities' of drugs is not there \(it has tok2vec, tagger, ",
    ),
    "component that is disabled": (
        put("senter", "components", "ner", "component"),
        "'senter' of core is disabled",
    ),
    "component that finds nothing": (
        put("tagger", "components", "ner", "component"),
        "'tagger' of core writes no entities, as its factory 'tagger' assigns no",
    ),
    "collector of nothing": (
        put("entities", "components", "ner_candidates", "component"),
        "ner_candidates collects the component entities, which is not there",
    ),
    "resolver of nothing": (
        put(["ner", "genes"], "components", "resolve", "components"),
        r"resolve names the component genes, which is not there \(there are ner, ",
    ),
    "policy of no component": (
        put(
            {"@misc": "ner_policy.priority.v1", "components": ["genes"]},
            "components",
            "resolve",
            "policy",
        ),
        "the policy of resolve names the component genes",
    ),
    "policy of no label": (
        put(
            {"@misc": "ner_policy.label_priority.v1", "labels": ["GENE"]},
            "components",
            "resolve",
            "policy",
        ),
        "the policy of resolve names the label GENE",
    ),
    "label that is not there": (
        put({"LAW": None}, *COLLECTOR, "labels"),
        r"labels names the label LAW, which is not there \(there are DRUG\)",
    ),
    "least score of a label that is not there": (
        put({"PERSON": 0.5}, *COLLECTOR, "least"),
        "least names the label PERSON, which is not there",
    ),
    "score that cannot be": (put(1.5, *COLLECTOR, "least"), "a score is 0 to 1"),
    "no name": (put({"DRUG": ""}, *COLLECTOR, "labels"), "gives DRUG no name"),
    "renamed to what is dropped": (
        put({"PERSON": "ORG", "*": None}, "components", "ner_candidates", "labels"),
        'makes PERSON a ORG, but drops what is one; add "ORG": "ORG" to keep both',
    ),
    "policy of a label that was renamed": (
        change_both(
            {"@misc": f"{POLICY}.label_priority.v1", "labels": ["DRUG"]},
            labels={"DRUG": "MEDICINE"},
        ),
        r"names the label DRUG, which is not there \(there are DATE, GPE, MEDICINE",
    ),
    "more votes than there are": (
        put({"@misc": f"{POLICY}.vote.v1", "at_least": 3}, *RESOLVE),
        "the policy of resolve needs at_least 3, which must be 1 to 2",
    ),
    "weights of no component": (
        put(
            {"@misc": f"{POLICY}.weighted.v1", "weights": {"genes": {"*": 1}}}, *RESOLVE
        ),
        "the policy of resolve weighs the component genes, which is not there",
    ),
    "weights of one alone": (
        put({"@misc": f"{POLICY}.weighted.v1", "weights": {"ner": {"*": 1}}}, *RESOLVE),
        "gives no weights to ner_drug; ",
    ),
    "weights of a label that a NER lacks": (
        put(weighted(ner={"DRUG": 1}), *RESOLVE),
        "weighs for ner the label DRUG, which is not there",
    ),
    "weight that is none": (
        put(weighted(ner={"ORG": 7}), *RESOLVE),
        "gives ORG of ner a 7(.0)?, which must be 0 to 1",
    ),
    "least weight that is none": (
        put({**weighted(), "at_least": 2.0}, *RESOLVE),
        "needs at_least 2.0, which must be 0 to 1",
    ),
    "score of a NER that has none": (
        change_both({"@misc": f"{POLICY}.score.v1"}, scores=False),
        "compares scores, but ner_drug cannot tell how sure it is",
    ),
    "setting of a collector": (
        put({"DRUG": None}, "components", "ner_drug", "labels"),
        r"\[components.ner_drug\] has labels, which belongs to what collects",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=[*REFUSED])
def test_mistake_is_named_and_nothing_is_touched(
    change: Change, message: str, tmp_path: Path, small_sources: Path
) -> None:
    (tmp_path / "made" / "resolved").mkdir(parents=True)
    with pytest.raises(ValueError, match=message):
        build(tmp_path, "resolved", small_sources, change)
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["resolved"]
    assert not list((tmp_path / "made" / "resolved").iterdir())


def test_section_that_stands_twice_is_named(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "drug_first.cfg").read_text(encoding="utf8")
    (tmp_path / "a.cfg").write_text(text + "\n[paths]\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"a.cfg: no valid config.*Duplicate"):
        assemble(tmp_path / "a.cfg", tmp_path / "made")


def test_what_does_not_run_is_not_put_in_place(
    tmp_path: Path, small_sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tear(folder: Path, *_: Any) -> None:
        (folder / "ner" / "model").write_bytes(b"torn")

    monkeypatch.setattr("assemble.keep_strings", tear)
    with pytest.raises(ValueError, match="what was built does not run"):
        build(tmp_path, "drug_first", small_sources)
    assert not (tmp_path / "made" / "drug_first").exists()


def test_component_that_the_core_has_already_is_refused(
    tmp_path: Path, small_sources: Path
) -> None:
    first, _ = build(tmp_path, "drug_first", small_sources)
    drugs = spacy.load(small_sources / "drugs")
    own = save_sources(tmp_path / "own", {"core": first, "drugs": drugs})
    with pytest.raises(ValueError, match="core has a component ner_drug already"):
        build(tmp_path, "drug_first", own)


def test_rules_that_are_left_behind_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drugs = make_drugs_in(small_core())
    ruler: Any = drugs.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "DRUG", "pattern": "dope"}])
    sources = save_sources(tmp_path, {"core": small_core(), "drugs": drugs})
    build(
        tmp_path,
        "drug_first",
        sources,
        put("ner", "components", "ner_drug", "component"),
    )
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "drugs: entity_ruler proposes entities too, but is not taken along" in printed
    )


@pytest.mark.parametrize("name", ["drug_first", "drug_last"])
def test_where_labels_of_a_plain_order_belong_is_told(
    name: str, tmp_path: Path, small_sources: Path
) -> None:
    change = put(0.5, "components", "ner_drug", "least")
    match = "as in configs/resolved.cfg; ner_policy.priority.v1 in it lets the NERs"
    with pytest.raises(ValueError, match=match):
        build(tmp_path, name, small_sources, change)


def test_labels_and_weights_go_through_the_config(
    tmp_path: Path, small_sources: Path
) -> None:
    def change(config: Config) -> None:
        labels = {"DRUG": "MEDICINE", "*": None}
        config["components"]["ner_drug_candidates"]["labels"] = labels
        config["components"]["ner_candidates"]["least"] = {"ORG": 0.25, "*": 0.125}
        config["components"]["resolve"]["spans_key"] = "every"
        put(weighted(ner_drug={"*": 0.5, "MEDICINE": 0.75}), *RESOLVE)(config)

    nlp, _ = build(tmp_path, "resolved", small_sources, change)
    drugs, core = nlp.get_pipe("ner_drug_candidates"), nlp.get_pipe("ner_candidates")
    resolve: Any = nlp.get_pipe("resolve")
    assert drugs.renamed == {"DRUG": "MEDICINE", "*": None}
    assert core.least == {"ORG": 0.25, "*": 0.125}
    assert resolve.policy.weights["ner_drug"] == {"*": 0.5, "MEDICINE": 0.75}
    assert proposers(nlp)["ner_drug"] == ("MEDICINE",)
    assert "MEDICINE" in {label for ents in found(nlp) for _, label in ents}


def test_a_least_score_of_a_ner_without_scores_is_told(
    tmp_path: Path, small_sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(config: Config) -> None:
        config["components"]["ner_candidates"] |= {"least": 0.5, "scores": False}

    build(tmp_path, "resolved", small_sources, change)
    printed = " ".join(capsys.readouterr().out.split())
    assert "ner_candidates: least drops nothing of ner, as it cannot tell" in printed


def test_policy_tuned_on_other_sources_is_told(
    tmp_path: Path, small_sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tuned(config: Config) -> None:
        config["tuned_for"] = {"core": "0" * 64}

    nlp, name = build(tmp_path, "resolved", small_sources, tuned)
    printed = " ".join(capsys.readouterr().out.split())
    assert "tuned for another core than there is" in printed
    assert "Run `tune`, then `assemble`" in printed
    assert read_combination(nlp, name).tuned_for == {"core": "0" * 64}


def test_what_was_trained_from_the_same_is_what_it_was_tuned_for(
    tmp_path: Path, small_sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = shutil.copytree(small_sources, tmp_path / "sources")
    ledger = srsly.read_json(sources / "sources.json")
    recipe = "1" * 64
    ledger["drugs"]["made_from"] = f"3.8.0 {recipe}"
    srsly.write_json(sources / "sources.json", ledger)

    def tuned(config: Config) -> None:
        config["tuned_for"] = {
            "core": ledger["core"]["sha256"],
            "drugs": recipe,
        }

    build(tmp_path, "resolved", sources, tuned)
    assert "tuned for another" not in capsys.readouterr().out


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_a_valid_spacy_config(name: str, sources: Path) -> None:
    with contextlib.chdir(sources.parent):
        config = load_config(ROOT / "configs" / f"{name}.cfg")
        # spaCy would look for a component of the same name
        config["components"]["ner_drug"]["component"] = "ner"
        nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    assert {"ner", "ner_drug"} <= set(nlp.pipe_names)


def test_configs_name_their_reasons() -> None:
    for name in CONFIGS:
        text = (ROOT / "configs" / f"{name}.cfg").read_text(encoding="utf8")
        assert text.startswith("# ")
        assert re.search(r"^# .*\npipeline = ", text, flags=re.MULTILINE)


def test_combination_of_another_release_is_refused_by_name(pipelines: Path) -> None:
    meta = srsly.read_json(pipelines / "drug_first" / "meta.json")
    nlp = spacy.blank("en")
    for other in ({"decided": 1}, {"components": {"ner": {"wheel": "x"}}}):
        nlp.meta["combination"] = {**meta["combination"], **other}
        with pytest.raises(ValueError, match="en_x was built by another release"):
            read_combination(nlp, "en_x")


def test_folder_of_another_release_is_refused_by_name(
    pipelines: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(pipelines / "resolved", tmp_path / "resolved")
    text = (folder / "config.cfg").read_text(encoding="utf8")
    (folder / "config.cfg").write_text(text.replace("ner_candidates_v2", "older_v1"))
    with pytest.raises(ValueError, match="resolved was built by another release"):
        load(folder)
