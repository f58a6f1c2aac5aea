"""`check-fidelity` finds every fault, names it, and never cries wolf."""

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc, DocBin
from spacy.util import compile_infix_regex
from test_assemble import ORDERS, ROOT, config_for

from assemble import assemble
from check_fidelity import Verdict, check_fidelity, hard_texts
from doubles import TEXTS, make_core, make_drugs, make_old_drugs


def combine(core: Language, drugs: Language) -> Language:
    """Combine two doubles in code, soundly, in a fresh pipeline."""
    nlp = fresh(core)
    if "tok2vec" in drugs.pipe_names:
        drugs.replace_listeners("tok2vec", "ner", ["model.tok2vec"])
    nlp.add_pipe("ner", source=drugs, name="ner_drug", before="ner")
    return nlp


def fresh(nlp: Language) -> Language:
    """Copy a pipeline as saving and loading it would."""
    copy = spacy.util.load_model_from_config(nlp.config)
    return copy.from_bytes(nlp.to_bytes())


def make_pair() -> tuple[Language, Language]:
    """Make a core and a drug pipeline that can share everything."""
    core = make_core(pipes=["ner", "tagger", "senter"], norms=True)
    core.enable_pipe("senter")
    return core, make_drugs(core)


def check(nlp: Language, core: Language, drugs: Language) -> dict[str, Verdict]:
    return check_fidelity(nlp, core, drugs, TEXTS + hard_texts(core, drugs))


def leave_listener(core: Language, drugs: Language) -> Language:
    nlp = fresh(core)
    nlp.add_pipe("ner", source=fresh(drugs), name="ner_drug", before="ner")
    return nlp


def lose_lookups(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    nlp.vocab.lookups = Lookups()
    return reread(nlp)


def swap_lookups(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    nlp.vocab.lookups.get_table("lexeme_norm").clear()
    nlp.vocab.lookups.get_table("lexeme_norm").set("grey", "gray")
    return reread(nlp)


def swap_vectors(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    shape = nlp.vocab.vectors.data.shape
    rows = numpy.random.default_rng(9).normal(size=shape).astype("float32")
    nlp.vocab.vectors.data = rows
    return nlp


def widen_vectors(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    nlp.vocab.reset_vectors(width=nlp.vocab.vectors_length + 1)
    row = numpy.ones(nlp.vocab.vectors_length, dtype="float32")
    nlp.vocab.set_vector("Anna", row)  # type: ignore[arg-type]
    return nlp


def swap_tokenizer(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    nlp.tokenizer.infix_finditer = compile_infix_regex(["[a-z](?=n)"]).finditer
    return nlp


def lose_sentences(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    nlp.remove_pipe("sentencizer")
    return nlp


def add_sentences(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    nlp.add_pipe("sentencizer", first=True)
    return nlp


def save_after_use(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    list(nlp.pipe(TEXTS))
    return reread(nlp)


def nudge_weights(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    layer = nlp.get_pipe("ner").model.get_ref("upper")
    layer.set_param("b", layer.get_param("b") + numpy.float32(1e-6))
    return nlp


def swap_drugs(core: Language, drugs: Language) -> Language:
    return combine(core, make_drugs(core, seed=7))


def nudge_tagger(core: Language, drugs: Language) -> Language:
    nlp = combine(core, drugs)
    layer = nlp.get_pipe("tagger").model.layers[-1].layers[0]
    layer.set_param("b", -layer.get_param("b") + numpy.arange(2, dtype="float32"))
    return nlp


def reread(nlp: Language) -> Language:
    """Forget the lexemes that were made before a table changed."""
    return fresh(nlp)


def with_sentences(core: Language) -> Language:
    core.add_pipe("sentencizer", first=True)
    return core


SABOTAGES: list[tuple[Callable[[Language, Language], Language], str, str]] = [
    (leave_listener, "ner_drug", "listener not replaced"),
    (lose_lookups, "ner", "lookups missing"),
    (swap_lookups, "ner_drug", "lookups of another pipeline"),
    (swap_vectors, "ner", "vectors of another table"),
    (widen_vectors, "ner", "vectors of another table"),
    (swap_tokenizer, "ner", "tokenizer differs"),
    (lose_sentences, "ner", "sentence starts missing"),
    (add_sentences, "ner_drug", "sentence starts added"),
    (save_after_use, "ner", "saved after use"),
    (nudge_weights, "ner", "weights changed"),
    (swap_drugs, "ner_drug", "weights changed"),
    (nudge_tagger, "ner", "other components of the core changed"),
]


@pytest.mark.parametrize(
    ("sabotage", "component", "cause"),
    SABOTAGES,
    ids=[s[0].__name__ for s in SABOTAGES],
)
def test_sabotage_is_found_and_named(
    sabotage: Callable[[Language, Language], Language], component: str, cause: str
) -> None:
    core, drugs = make_pair()
    if sabotage is lose_sentences:
        core = with_sentences(core)
    home = fresh(drugs)
    report = check(sabotage(core, drugs), fresh(core), home)
    told = [cause.cause for cause in report[component].causes]
    assert report[component].verdict != "exact"
    assert told and told[0].startswith(cause), told
    assert all(cause.fix for cause in report[component].causes)


def test_silent_faults_break_even_where_no_entity_changes() -> None:
    core, drugs = make_pair()
    report = check(nudge_weights(core, fresh(drugs)), fresh(core), drugs)
    assert report["ner"].differences["parameters"] == 1
    assert report["ner"].verdict == "broken"
    assert report["ner_drug"].verdict == "exact"


def test_other_input_with_the_same_entities_is_a_warning() -> None:
    core, drugs = make_pair()
    nlp = combine(core, fresh(drugs))
    nlp.vocab.lookups.get_table("lexeme_norm").set("😀", "🙂")
    texts = ["Nothing here but 😀"]
    for word in ["Nothing", "here", "but"]:
        assert not nlp.vocab.lookups.get_table("lexeme_norm").get(word)
    report = check_fidelity(reread(nlp), fresh(core), drugs, texts)
    if report["ner"].differences["entities"] == 0:
        assert report["ner"].verdict == "same entities"
    assert report["ner"].differences["features"] == 1


SHAPES = [
    (seed, listener, vectors, norms)
    for seed, (listener, vectors, norms) in enumerate(
        [*product([True, False], [0, 6], [True, False])] * 3
    )
][:20]


@pytest.mark.parametrize(("seed", "listener", "vectors", "norms"), SHAPES)
def test_sound_combinations_are_exact(
    seed: int, listener: bool, vectors: int, norms: bool, tmp_path: Path
) -> None:
    pipes = ["ner", "tagger"] if seed % 2 else ["tagger", "parser", "senter", "ner"]
    core = make_core(seed=seed, pipes=pipes, norms=norms, vectors=vectors)
    own = make_drugs(seed=seed + 100, listener=listener, vectors=vectors, norms=norms)
    drugs = own if seed % 3 else make_drugs(core, seed=seed, listener=listener)
    core.to_disk(tmp_path / "core")
    drugs.to_disk(tmp_path / "drugs")
    name = ORDERS[seed % 2]
    config = config_for(name, tmp_path, tmp_path / "core", tmp_path / "drugs")
    report = check(assemble(config, tmp_path / "out"), fresh(core), fresh(drugs))
    verdicts = {component: result.verdict for component, result in report.items()}
    assert verdicts == {"ner": "exact", "ner_drug": "exact"}, report
    assert not any(result.causes for result in report.values())


def retokenized(nlp: Language) -> Language:
    nlp.tokenizer.infix_finditer = compile_infix_regex(["-", "/"]).finditer
    return nlp


DRUG_PIPELINES: dict[str, Callable[[], Language]] = {
    "on-its-vocab": lambda: make_drugs(make_core()),
    "published": make_old_drugs,
    "other-vectors": lambda: make_drugs(vectors=8, norms=True),
    "wider-vectors": lambda: make_drugs(vectors=12, listener=False),
    "other-tokenizer": lambda: retokenized(make_drugs()),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", DRUG_PIPELINES)
def test_double_is_exact_with_any_drug_pipeline(
    kind: str, order: str, tmp_path: Path, core_folder: Path
) -> None:
    DRUG_PIPELINES[kind]().to_disk(tmp_path / "drugs")
    config = config_for(order, tmp_path, core_folder, tmp_path / "drugs")
    assemble(config, tmp_path / "out")
    nlp = spacy.load(tmp_path / "out")
    core, drugs = spacy.load(core_folder), spacy.load(tmp_path / "drugs")
    report = check(nlp, core, drugs)
    assert {result.verdict for result in report.values()} == {"exact"}, report
    # ... and with two processes, and through bytes
    one = [ents(doc) for doc in nlp.pipe(TEXTS)]
    assert [ents(doc) for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2)] == one
    assert [ents(doc) for doc in fresh(nlp).pipe(TEXTS)] == one
    assert any(one)


def ents(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_plain_spacy_where_one_vocab_serves_both(tmp_path: Path) -> None:
    core, drugs = make_pair()
    core.to_disk(tmp_path / "core")
    drugs.to_disk(tmp_path / "drugs")
    config = config_for("drug_first", tmp_path, tmp_path / "core", tmp_path / "drugs")
    nlp = assemble(config, tmp_path / "out")
    assert nlp.get_pipe_meta("ner_drug").factory == "ner"


def test_hard_texts_hold_every_norm_and_token_rule() -> None:
    core = make_core()
    core.vocab.lookups.get_table("lexeme_norm").set("immunise", "immunize")
    text = " ".join(hard_texts(core))
    assert "immunise" in text.split()
    assert "colour" in text and "can't" in text and "😀" in text
    assert "" in hard_texts(core)


def run_check(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "check_fidelity.py")]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True
    )


def test_command_reports_and_fails_and_writes_only_its_report(tmp_path: Path) -> None:
    core, drugs = make_pair()
    (tmp_path / "sources").mkdir()
    core.to_disk(tmp_path / "sources" / "core")
    drugs.to_disk(tmp_path / "sources" / "drugs")
    combine(core, fresh(drugs)).to_disk(tmp_path / "sound")
    leave_listener(core, drugs).to_disk(tmp_path / "broken")
    DocBin(docs=[core.make_doc(text) for text in TEXTS]).to_disk(tmp_path / "t.spacy")
    before = contents(tmp_path)
    report = tmp_path / "fidelity.json"
    options = ["--sources", tmp_path / "sources", "--texts", tmp_path / "t.spacy"]
    sound = run_check(tmp_path / "sound", *options, "--output", report)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    written = json.loads(report.read_text(encoding="utf8"))
    assert written["sound"]["ner_drug"]["verdict"] == "exact"
    report.unlink()
    broken = run_check(tmp_path / "sound", tmp_path / "broken", *options)
    assert broken.returncode == 1
    assert "listener not replaced" in broken.stdout
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
