"""`check-fidelity` finds every fault, names it, and never cries wolf."""

import contextlib
import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
from spacy.lang.en import English
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc, DocBin
from spacy.util import compile_infix_regex

from assemble import assemble
from check_fidelity import main
from common.features import other_features
from common.files import sha256
from common.ners import Combination, Origin, View, load_sources
from fidelity.checking import Homes, Verdict, check_fidelity
from fidelity.texts import HARD, hard_texts
from helpers import (
    CONFIGS,
    ROOT,
    TEXTS,
    make_core,
    make_drugs,
    save_sources,
    teach,
)

ALL_TEXTS = TEXTS + HARD
Sources = dict[str, Language]


# ------------------------------------------------------------------ combinations
def build(folder: Path, sources: Sources, names: Sequence[str]) -> Path:
    """Save sources, and assemble combinations of them as the project does.

    RETURNS: the folder of the first combination.
    """
    save_sources(folder / "sources", sources)
    with contextlib.chdir(folder):
        for name in names:
            assemble(ROOT / "configs" / f"{name}.cfg", folder / "pipelines" / name)
    return folder / "pipelines" / names[0]


def check(combination: Path | Language, homes: Homes) -> dict[str, Verdict]:
    nlp = combination
    if not isinstance(nlp, Language):
        nlp = spacy.load(nlp)
    return check_fidelity(nlp, "it", homes)


def sources_of(combination: Path) -> Sources:
    """Load the sources beside a combination, to change them."""
    return load_sources(combination.parent.parent / "sources")


@cache
def homes_beside(pipelines: Path) -> Homes:
    return Homes(load_sources(pipelines.parent / "sources"), ALL_TEXTS)


def homes_of(combination: Path) -> Homes:
    """Return the sources beside a combination, which are read once."""
    return homes_beside(combination.parent)


def verdicts(report: dict[str, Verdict]) -> dict[str, str]:
    return {component: result.verdict for component, result in report.items()}


def make_pair() -> Sources:
    """Make a core, and a NER that is trained in its place: they can share all."""
    core = make_core(pipes=["ner", "tagger"])
    drugs = make_drugs(core)
    for nlp in (core, drugs):
        nlp.add_pipe("sentencizer", first=True)
    return {"core": core, "drugs": drugs}


@pytest.fixture(autouse=True, scope="module")
def light(pipelines: Path, isolated_pipelines: Path) -> Iterator[None]:
    """Leave out what is most of the time that doubles take to load and to read.

    The fixtures that other tests share are made before.
    """
    text = " ".join(ALL_TEXTS)
    rules = English.Defaults.tokenizer_exceptions
    few = {word: rule for word, rule in rules.items() if word in text}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(English.Defaults, "tokenizer_exceptions", few)
        patch.setattr("check_fidelity.hard_texts", no_texts)
        yield


def no_texts(pipelines: Any) -> list[str]:
    return []


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A combination in which two NERs share everything; its sources are beside it."""
    return build(tmp_path_factory.mktemp("pair"), make_pair(), ["drug_first"])


@pytest.fixture(scope="module")
def homes(sound: Path) -> Homes:
    """The sources of `sound`."""
    return homes_of(sound)


def reread(nlp: Language) -> Language:
    """Forget the lexemes that were made before a table changed."""
    copy = spacy.util.load_model_from_config(nlp.config)
    copy.from_bytes(nlp.to_bytes())
    copy.meta["combination"] = nlp.meta["combination"]
    return copy


# ------------------------------------------------------------------ sabotages
def leave_listener(nlp: Language, sound: Path) -> Language:
    drugs = spacy.load(sound.parent.parent / "sources" / "drugs")
    nlp.remove_pipe("ner_drug")
    nlp.add_pipe("ner", source=drugs, name="ner_drug", before="ner")
    return nlp


def lose_lookups(nlp: Language, sound: Path) -> Language:
    nlp.vocab.lookups = Lookups()
    return reread(nlp)


def swap_lookups(nlp: Language, sound: Path) -> Language:
    nlp.vocab.lookups.get_table("lexeme_norm").clear()
    nlp.vocab.lookups.get_table("lexeme_norm").set("grey", "gray")
    return reread(nlp)


def swap_vectors(nlp: Language, sound: Path) -> Language:
    shape = nlp.vocab.vectors.data.shape
    rows = numpy.random.default_rng(9).normal(size=shape).astype("float32")
    nlp.vocab.vectors.data = rows
    return nlp


def widen_vectors(nlp: Language, sound: Path) -> Language:
    nlp.vocab.reset_vectors(width=nlp.vocab.vectors_length + 1)
    row = numpy.ones(nlp.vocab.vectors_length, dtype="float32")
    nlp.vocab.set_vector("Anna", row)  # type: ignore[arg-type]
    return nlp


def swap_tokenizer(nlp: Language, sound: Path) -> Language:
    nlp.tokenizer.infix_finditer = compile_infix_regex(["[a-z](?=n)"]).finditer
    return nlp


def lose_sentences(nlp: Language, sound: Path) -> Language:
    nlp.remove_pipe("sentencizer")
    return nlp


def add_sentences(nlp: Language, sound: Path) -> Language:
    config = {"punct_chars": ["at", "in"], "overwrite": True}
    nlp.add_pipe("sentencizer", name="more", config=config, after="sentencizer")
    return nlp


def change_sentences(nlp: Language, sound: Path) -> Language:
    nlp.get_pipe("sentencizer").punct_chars = {"in"}
    return nlp


def save_after_use(nlp: Language, sound: Path) -> Language:
    list(nlp.pipe(TEXTS))
    return nlp


def nudge_weights(nlp: Language, sound: Path) -> Language:
    layer = nlp.get_pipe("ner").model.get_ref("upper")
    layer.set_param("b", layer.get_param("b") + numpy.float32(1e-6))
    return nlp


def swap_drugs(nlp: Language, sound: Path) -> Language:
    nlp.remove_pipe("ner_drug")
    other = make_drugs(nlp, seed=7, listener=False)
    nlp.add_pipe("ner", source=other, name="ner_drug", before="ner")
    return nlp


def nudge_tagger(nlp: Language, sound: Path) -> Language:
    layer = nlp.get_pipe("tagger").model.layers[-1].layers[0]
    layer.set_param("b", -layer.get_param("b") + numpy.arange(2, dtype="float32"))
    return nlp


Sabotage = Callable[[Language, Path], Language]
SABOTAGES: list[tuple[Sabotage, str, str]] = [
    (leave_listener, "ner_drug", "listener not replaced"),
    (lose_lookups, "ner", "lookups missing"),
    (swap_lookups, "ner_drug", "lookups of another pipeline"),
    (swap_vectors, "ner", "vectors of another table"),
    (widen_vectors, "ner", "vectors of another table"),
    (swap_tokenizer, "ner", "tokenizer differs"),
    (lose_sentences, "ner", "sentence starts missing: at home sentencizer"),
    (add_sentences, "ner_drug", "sentence starts added: more"),
    (change_sentences, "ner", "sentence starts differ: sentencizer"),
    (save_after_use, "ner", "saved after use: .* took on the labels DRUG"),
    (nudge_weights, "ner", "weights changed: it was trained further"),
    (swap_drugs, "ner_drug", "weights changed: it was trained further"),
    (nudge_tagger, "ner", "other components of core changed: its tags"),
]


@pytest.mark.parametrize(
    ("sabotage", "component", "cause"),
    SABOTAGES,
    ids=[s[0].__name__ for s in SABOTAGES],
)
def test_sabotage_is_found_and_named(
    sabotage: Sabotage, component: str, cause: str, sound: Path, homes: Homes
) -> None:
    result = check(sabotage(spacy.load(sound), sound), homes)[component]
    assert result.verdict != "exact"
    assert re.match(cause, result.causes[0].cause), result.causes
    assert all("`assemble`" in cause.fix for cause in result.causes)


def test_silent_faults_break_even_where_no_entity_changes(
    sound: Path, homes: Homes
) -> None:
    report = check(nudge_weights(spacy.load(sound), sound), homes)
    assert report["ner"].differences["parameters"] == 1
    assert report["ner"].differences["entities"] == 0
    assert verdicts(report) == {"ner": "broken", "ner_drug": "exact"}


def test_other_input_with_the_same_entities_is_a_warning(
    sound: Path, homes: Homes
) -> None:
    nlp = spacy.load(sound)
    nlp.vocab.lookups.get_table("lexeme_norm").set("but", "however")
    report = check(reread(nlp), Homes(homes.sources, ["Nothing here but this"]))
    assert report["ner"].differences["features"] == 1
    assert report["ner"].differences["entities"] == 0
    assert report["ner"].verdict == "same entities"


def test_what_was_made_from_another_source_is_told_so(
    sound: Path, homes: Homes
) -> None:
    now = Homes(homes.sources, ["Anna"], {"core": "another", "drugs": "another"})
    cause = check(nudge_weights(spacy.load(sound), sound), now)["ner"].causes[0].cause
    assert cause.startswith("weights changed: it was taken from another pipeline")


# ------------------------------------------------------------------ sound ones
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("made", ["pipelines", "isolated_pipelines"])
def test_sound_combinations_are_exact(
    made: str, name: str, request: pytest.FixtureRequest
) -> None:
    combination = request.getfixturevalue(made) / name
    report = check(combination, homes_of(combination))
    assert verdicts(report) == {"ner": "exact", "ner_drug": "exact"}, report
    assert not any(result.causes or result.left_out for result in report.values())


def retokenized(nlp: Language) -> Language:
    nlp.tokenizer.infix_finditer = compile_infix_regex(["-", "/"]).finditer
    return nlp


DRUG_PIPELINES: dict[str, Callable[[], Language]] = {
    "other-vectors": lambda: make_drugs(vectors=12, norms=True, listener=False),
    "other-tokenizer": lambda: retokenized(make_drugs()),
}


@pytest.mark.parametrize("kind", DRUG_PIPELINES)
def test_any_drug_pipeline_is_exact(kind: str, sound: Path, tmp_path: Path) -> None:
    sources = {**sources_of(sound), "drugs": DRUG_PIPELINES[kind]()}
    combination = build(tmp_path, sources, ["resolved"])
    report = check(combination, homes_of(combination))
    assert verdicts(report) == {"ner": "exact", "ner_drug": "exact"}, report


def test_ner_trained_in_the_place_of_the_cores_is_not_isolated(
    core_folder: Path,
) -> None:
    core, home = spacy.load(core_folder), spacy.load(core_folder)
    assert other_features(core, View(home, "ner"), at="ner") == []
    # what the parser listens to decides about its sentence starts too
    layer = home.get_pipe("tok2vec").model.layers[-1]
    node = next(n for n in layer.walk() if n.has_param("b"))
    node.set_param("b", node.get_param("b") + numpy.float32(1))
    assert other_features(core, View(home, "ner"), at="ner") == [
        "other sentence starts"
    ]


def test_combination_of_a_ner_trained_in_the_cores_place_is_plain_and_exact(
    sound: Path, homes: Homes
) -> None:
    assert spacy.load(sound).get_pipe_meta("ner_drug").factory == "ner"
    assert verdicts(check(sound, homes)) == {"ner": "exact", "ner_drug": "exact"}


# ------------------------------------------------------------------ rules, readers
READERS = {
    "merge_entities": "it reads entities (doc.ents, token.ent_iob, token.ent_type)",
    "attribute_ruler": "it reads entities (token.ent_type)",
}


@pytest.fixture(scope="module")
def with_readers(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A combination whose core has components behind its NER that read entities."""
    sources = sources_of(sound)
    core = sources["core"]
    core.add_pipe("merge_entities", after="ner")
    ruler: Any = core.add_pipe("attribute_ruler", last=True)
    ruler.add([[{"ENT_TYPE": {"NOT_IN": [""]}}]], {"TAG": "NNP"})
    return build(tmp_path_factory.mktemp("readers"), sources, ["drug_last"])


@pytest.mark.parametrize("alone_there", READERS)
def test_what_reads_entities_is_left_out_and_told(
    alone_there: str, with_readers: Path
) -> None:
    nlp, sources = spacy.load(with_readers), sources_of(with_readers)
    for pipeline in (nlp, sources["core"]):
        for other in READERS.keys() - {alone_there}:
            pipeline.remove_pipe(other)
    report = check(nlp, Homes(sources, ALL_TEXTS))
    assert verdicts(report) == {"ner": "exact", "ner_drug": "exact"}, report
    assert report["ner"].left_out == {alone_there: READERS[alone_there]}


def test_what_is_left_out_is_compared_by_what_it_is(with_readers: Path) -> None:
    nlp = spacy.load(with_readers)
    nlp.get_pipe("attribute_ruler").add([[{"LOWER": "a"}]], {"TAG": "DT"})
    result = check(nlp, homes_of(with_readers))["ner"]
    assert result.verdict == "broken"
    assert result.causes[0].cause == "other components of core changed: attribute_ruler"


def add_rules(nlp: Language) -> None:
    ruler: Any = nlp.add_pipe("entity_ruler", before="ner")
    patterns = ["Oslo", "dope and", "Benz", "colour there", "Smith"]
    ruler.add_patterns([{"label": "RULE", "pattern": pattern} for pattern in patterns])


@pytest.fixture(scope="module")
def with_rules(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Combinations whose core has rules before its NER."""
    sources = sources_of(sound)
    add_rules(sources["core"])
    return build(tmp_path_factory.mktemp("rules"), sources, ["drug_first", "resolved"])


@pytest.mark.parametrize("name", ["drug_first", "resolved"])
def test_core_with_rules_before_its_ner_is_exact(name: str, with_rules: Path) -> None:
    report = check(with_rules.parent / name, homes_of(with_rules))
    assert verdicts(report) == {"ner": "exact", "ner_drug": "exact"}, report


def test_rules_of_the_core_are_seen_by_its_own_ner_alone(
    with_rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[str]] = {}
    run = View.run

    def noted(self: View, docs: Sequence[Doc]) -> Any:
        seen[self.name] = {ent.label_ for doc in docs for ent in doc.ents}
        return run(self, docs)

    homes, nlp = Homes(sources_of(with_rules), TEXTS), spacy.load(with_rules)
    monkeypatch.setattr(View, "run", noted)
    check(nlp, homes)
    assert seen == {"ner": {"RULE"}, "ner_drug": set()}


def test_rules_that_changed_are_named(with_rules: Path) -> None:
    nlp = spacy.load(with_rules)
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "RULE", "pattern": "zzz"}])
    result = check(nlp, homes_of(with_rules))["ner"]
    assert result.differences["settings"] == 1
    assert result.causes[0].cause == "other components of core changed: entity_ruler"


def test_rules_that_a_source_kept_for_itself_are_told(sound: Path) -> None:
    sources = sources_of(sound)
    add_rules(sources["drugs"])
    report = check(sound, Homes(sources, ALL_TEXTS))
    assert verdicts(report) == {"ner": "exact", "ner_drug": "exact"}, report
    assert report["ner_drug"].left_out == {
        "entity_ruler": "rules of drugs, which did not come along"
    }


# ------------------------------------------------------------------ any combination
@pytest.fixture(scope="module")
def genes(sound: Path) -> Path:
    """A third NER, of another name."""
    nlp = make_drugs(spacy.load(sound), seed=5, labels=["GENE"], listener=False)
    nlp.rename_pipe("ner", "gene_ner")
    nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(sound.parent.parent / "genes")
    return sound.parent.parent / "genes"


def test_any_number_of_ners_under_any_name(sound: Path, genes: Path) -> None:
    nlp, home = spacy.load(sound), sources_of(sound)
    nlp.add_pipe("gene_ner", source=spacy.load(genes), name="third", last=True)
    origins = {
        "third": Origin("genes", "gene_ner"),
        "ner_drug": Origin("drugs", "ner"),
        "ner": Origin("base", "ner"),
    }
    nlp.meta.update(Combination("base", origins).write())
    sources = {"genes": spacy.load(genes), "drugs": home["drugs"], "base": home["core"]}
    report = check(nlp, Homes(sources, ALL_TEXTS))
    assert verdicts(report) == dict.fromkeys(origins, "exact"), report


def test_combination_as_core_has_all_its_ners_compared(
    sound: Path, genes: Path
) -> None:
    nlp, gene = spacy.load(sound), spacy.load(genes)
    nlp.add_pipe("gene_ner", source=gene, before="ner_drug")
    origins = {"ner": Origin("core", "ner"), "gene_ner": Origin("genes", "gene_ner")}
    nlp.meta.update(Combination("core", origins).write())
    sources = {"core": spacy.load(sound), "genes": spacy.load(genes)}
    report = check(nlp, Homes(sources, ALL_TEXTS))
    assert verdicts(report) == dict.fromkeys([*origins, "ner_drug"], "exact"), report


def test_hard_texts_hold_every_norm_and_token_rule(core_folder: Path) -> None:
    core = spacy.load(core_folder)
    core.vocab.lookups.get_table("lexeme_norm").set("immunise", "immunize")
    core.vocab.strings.add("immunise")
    texts = hard_texts([core])
    assert {"immunise", "colour", "can't"} <= {*" ".join(texts).split()}
    assert "" in texts


# ------------------------------------------------------------------ the command
@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts as the command reads them."""
    path = tmp_path_factory.mktemp("texts") / "texts.spacy"
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(path)
    return path


@dataclass(frozen=True)
class Checked:
    """What the command wrote of all combinations, and how often it ran each NER."""

    report: dict[str, Any]
    runs: list[int]
    unchanged: bool


@pytest.fixture(scope="module")
def checked(
    pipelines: Path, texts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Checked:
    """Run the command on the three combinations."""
    runs: Counter[Any] = Counter()
    run = View.run

    def counted(self: View, docs: Sequence[Doc]) -> Any:
        runs[self.nlp, self.name] += 1
        return run(self, docs)

    output = tmp_path_factory.mktemp("metrics") / "new" / "fidelity.json"
    names = [str(pipelines / name) for name in CONFIGS]
    before = sha256(pipelines.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(View, "run", counted)
        main(names, pipelines.parent / "sources", texts, output)
    report = json.loads(output.read_text(encoding="utf8"))
    return Checked(report, [*runs.values()], before == sha256(pipelines.parent))


def test_report_has_every_component_of_every_combination(checked: Checked) -> None:
    assert [*checked.report] == CONFIGS
    result = checked.report["resolved"]["ner_drug"]
    differences = result.pop("differences")
    assert differences and not any(differences.values())
    assert len(result.pop("sha256")) == 64
    assert result == {
        "source": "en_ner_drugs",
        "verdict": "exact",
        "texts": len(TEXTS),
        "causes": [],
        "left_out": {},
        "sample": None,
    }


def test_each_ner_is_run_once_in_its_source_and_in_each_combination(
    checked: Checked,
) -> None:
    assert checked.runs == [1] * (2 + 2 * len(CONFIGS))


def test_nothing_but_the_report_is_written(checked: Checked) -> None:
    assert checked.unchanged


@pytest.mark.slow
def test_a_ner_that_hears_the_core_is_kept_from_its_sentence_starts(
    tmp_path: Path,
) -> None:
    core = make_core(pipes=["tagger", "parser", "ner"], listens=True)
    # over what the parser takes for the end of a sentence
    teach(core, [(4, 9, "ORG")])
    drugs = copy.deepcopy(core)
    for name in ["tagger", "parser"]:
        drugs.remove_pipe(name)
    built = build(tmp_path, {"core": core, "drugs": drugs}, ["drug_last"])
    nlp = spacy.load(built)
    assert nlp.get_pipe_meta("ner_drug").factory == "startless_ner_v1"
    assert [*View(nlp, "ner_drug").heard().values()] == ["tok2vec"]
    assert {*verdicts(check(nlp, homes_of(built))).values()} == {"exact"}
    with nlp.select_pipes(disable="ner"):
        found = [[str(ent) for ent in doc.ents] for doc in nlp.pipe(TEXTS)]
    at_home = [[str(ent) for ent in doc.ents] for doc in drugs.pipe(TEXTS)]
    assert found == at_home
    assert at_home != [[str(ent) for ent in doc.ents] for doc in core.pipe(TEXTS)]
    for doc, other in zip(nlp.pipe(TEXTS), core.pipe(TEXTS), strict=True):
        assert [t.is_sent_start for t in doc] == [t.is_sent_start for t in other]


def test_command_fails_with_causes_and_still_writes_its_report(
    sound: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_listener(spacy.load(sound), sound).to_disk(tmp_path / "broken")
    report = tmp_path / "fidelity.json"
    with pytest.raises(SystemExit) as stopped:
        main(
            [str(sound), str(tmp_path / "broken")],
            sound.parent.parent / "sources",
            texts,
            report,
        )
    assert stopped.value.code == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "broken, ner_drug: listener not replaced" in printed
    assert 'replace_listeners = ["model.tok2vec"] in [components.ner_drug]' in printed
    written = json.loads(report.read_text(encoding="utf8"))
    assert written["broken"]["ner_drug"]["verdict"] == "broken"
    assert written["drug_first"]["ner_drug"]["verdict"] == "exact"


def test_terminal_says_what_was_left_out(
    with_readers: Path, texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([f"{with_readers}/"], with_readers.parent.parent / "sources", texts)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Left out of the comparison: merge_entities, as it reads ent" in printed


def forget_origins(nlp: Language, sources: Sources) -> None:
    del nlp.meta["combination"]


def remove_ner(nlp: Language, sources: Sources) -> None:
    nlp.remove_pipe("ner_drug")


def disable_home(nlp: Language, sources: Sources) -> None:
    sources["core"].disable_pipe("ner")


def disable_here(nlp: Language, sources: Sources) -> None:
    nlp.disable_pipe("ner_drug")


def lose_source(nlp: Language, sources: Sources) -> None:
    del sources["drugs"]


def train_anew(nlp: Language, sources: Sources) -> None:
    origins = {"ner": Origin(), "ner_drug": Origin()}
    nlp.meta.update(Combination("core", origins).write())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (forget_origins, "it is no combination"),
        (remove_ner, "it: the component 'ner_drug' is not there"),
        (disable_home, "core: the component 'ner' is disabled"),
        (disable_here, "it: the component 'ner_drug' is disabled"),
        (lose_source, "it was made from 'drugs', which is not among the sources"),
        (train_anew, "it: its NERs were trained anew"),
    ],
)
def test_what_cannot_be_compared_is_named(
    change: Callable[[Language, Sources], None], message: str
) -> None:
    nlp, sources = (
        blank("ner", "ner_drug"),
        {n: blank("ner") for n in ("core", "drugs")},
    )
    origins = {"ner": Origin("core", "ner"), "ner_drug": Origin("drugs", "ner")}
    nlp.meta.update(Combination("core", origins).write())
    change(nlp, sources)
    with pytest.raises(ValueError, match=message):
        check(nlp, Homes(sources, TEXTS))


def blank(*names: str) -> Language:
    """Make a pipeline of NERs that have learned nothing."""
    nlp = spacy.blank("en")
    for name in names:
        nlp.add_pipe("ner", name=name)
    return nlp


@pytest.mark.parametrize(
    ("names", "folder", "corpus", "message"),
    [
        (["nowhere"], "sources", "texts", "nowhere does not load"),
        (["pipelines/drug_first"], "none", "texts", "run the command `sources`"),
        (["pipelines/drug_first"], "sources", "none", "none: there is no such file"),
        (["pipelines/drug_first"], "sources", "bad", "bad: no .spacy file"),
        (["a/same", "b/same"], "sources", "texts", "same: several combinations"),
    ],
)
def test_wrong_paths_are_named_without_a_traceback(
    names: list[str],
    folder: str,
    corpus: str,
    message: str,
    sound: Path,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(sound.parent.parent)
    (tmp_path / "bad").write_text("no corpus")
    corpora = {"texts": texts, "bad": tmp_path / "bad", "none": tmp_path / "none"}
    with pytest.raises(SystemExit) as stopped:
        main(names, Path(folder), corpora[corpus])
    assert stopped.value.code == 1
    assert message in " ".join(capsys.readouterr().out.split())
