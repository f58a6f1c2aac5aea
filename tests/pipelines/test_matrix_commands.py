"""spaCy's own commands run over the combinations as over any pipeline."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.cli._util import app
from spacy.tokens import DocBin
from spacy.training import Example
from typer.testing import CliRunner

from helpers import ROOT, TEXTS, Case, told

READER = {
    "@readers": "spacy.Corpus.v1",
    "gold_preproc": False,
    "max_length": 0,
    "limit": 0,
    "augmenter": None,
}
CODE = str(ROOT / "scripts" / "ner_components.py")


def run(*arguments: object) -> str:
    """Run a command of spaCy in this process."""
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def gold(costly_case: Case, tmp_path: Path) -> Path:
    """What the combination itself finds, as gold."""
    path = tmp_path / "gold.spacy"
    DocBin(docs=costly_case.nlp.pipe(TEXTS)).to_disk(path)
    return path


def test_info(case: Case) -> None:
    assert case.nlp.meta["description"] in run("info", case.path)


@pytest.mark.parametrize(
    "command", [["evaluate"], ["benchmark", "accuracy"]], ids=" ".join
)
def test_evaluate(
    command: list[str], costly_case: Case, gold: Path, tmp_path: Path
) -> None:
    output = tmp_path / "scores.json"
    options = ["--output", output, "--code", CODE]
    run(*command, costly_case.path, gold, *options)
    assert srsly.read_json(output)["ents_f"] == 1.0


def test_apply(costly_case: Case, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text(
        "\n".join(srsly.json_dumps({"text": text}) for text in TEXTS), encoding="utf8"
    )
    output = tmp_path / "docs.spacy"
    run("apply", costly_case.path, tmp_path / "texts.jsonl", output, "--code", CODE)
    docs = DocBin().from_disk(output).get_docs(costly_case.nlp.vocab)
    assert [told(doc) for doc in docs] == costly_case.expected


def config_of(case: Case, tmp_path: Path) -> Path:
    """Write a config that takes all components from a combination."""
    config = case.nlp.config.copy()
    config["components"] = {
        name: {"source": str(case.path)} for name in case.nlp.pipe_names
    }
    config["initialize"]["before_init"] = {
        "@callbacks": "spacy.copy_from_base_model.v1",
        "tokenizer": str(case.path),
        "vocab": str(case.path),
    }
    path = tmp_path / "config.cfg"
    config.to_disk(path)
    return path


def test_assemble(costly_case: Case, tmp_path: Path) -> None:
    config = config_of(costly_case, tmp_path)
    run("assemble", config, tmp_path / "out", "--code", CODE)
    nlp = spacy.load(tmp_path / "out")
    assert [told(nlp(text)) for text in TEXTS] == costly_case.expected


def test_train_behind_a_combination(
    costly_case: Case, gold: Path, tmp_path: Path
) -> None:
    names = list(costly_case.nlp.pipe_names)
    path = config_of(costly_case, tmp_path)
    config = spacy.util.load_config(path)
    config["nlp"]["pipeline"] = [*names, "textcat"]
    config["components"]["textcat"] = {"factory": "textcat"}
    config["training"].update(
        frozen_components=names,
        annotating_components=names,
        max_steps=2,
        eval_frequency=1,
        score_weights={"ents_f": 1.0},
    )
    reader = {**READER, "path": str(tmp_path / "cats.spacy")}
    config["corpora"] = {"train": reader, "dev": reader}
    config.to_disk(path)
    docs = []
    for number, doc in enumerate(costly_case.nlp.pipe(TEXTS)):
        doc.cats = {"EVEN": float(number % 2 == 0), "ODD": float(number % 2)}
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "cats.spacy")
    run("train", path, "--output", tmp_path / "out", "--code", CODE)
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert nlp.meta["performance"]["ents_f"] == 1.0
    assert nlp.pipe_names == [*names, "textcat"]
    assert set(nlp(TEXTS[0]).cats) == {"EVEN", "ODD"}


def test_debug_config(costly_case: Case, gold: Path, tmp_path: Path) -> None:
    path = config_of(costly_case, tmp_path)
    config = spacy.util.load_config(path)
    reader = {**READER, "path": str(gold)}
    config["corpora"] = {"train": reader, "dev": reader}
    config.to_disk(path)
    assert "Config is valid" in run("debug", "config", path, "--code", CODE)


def test_find_threshold(costly_case: Case, tmp_path: Path) -> None:
    nlp = costly_case.fresh()
    spancat: Any = nlp.add_pipe("spancat")
    examples = []
    for text in TEXTS:
        doc = nlp.make_doc(text)
        doc.spans["sc"] = [spacy.tokens.Span(doc, 0, 2, "ORG")]
        examples.append(Example(nlp.make_doc(text), doc))
    spancat.initialize(lambda: examples, nlp=nlp)
    nlp.to_disk(tmp_path / "nlp")
    DocBin(docs=[e.reference for e in examples]).to_disk(tmp_path / "gold.spacy")
    arguments = [tmp_path / "nlp", tmp_path / "gold.spacy", "spancat", "threshold"]
    options = ["spans_sc_f", "--n_trials", "2", "--code", CODE]
    assert "Best threshold" in run("find-threshold", *arguments, *options)


@pytest.mark.slow
def test_code_in_a_process_of_its_own(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["resolved-isolated"]
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS[:1]), encoding="utf8")
    output = tmp_path / "docs.spacy"
    command = ["apply", case.path, tmp_path / "texts.txt", output, "--code", CODE]
    options = ["--n-process", "2"]
    subprocess.run(
        [sys.executable, "-m", "spacy", *map(str, command), *options],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (doc,) = DocBin().from_disk(output).get_docs(case.nlp.vocab)
    assert told(doc) == case.expected[0]


@pytest.mark.slow
def test_without_the_code_the_error_names_the_factory(
    cases: dict[str, Case], tmp_path: Path
) -> None:
    code = "import spacy, sys; spacy.load(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(cases["resolved-isolated"].path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "[E002] Can't find factory for 'ner_candidates_v2'" in done.stderr


SPAWNED = """
import importlib, json, multiprocessing, sys
import spacy

if __name__ == "__main__":
    for wheel in ["en_one", "en_other"]:
        importlib.import_module(wheel)
    multiprocessing.set_start_method("spawn")
    nlp = spacy.load(sys.argv[1])
    found = []
    for doc in nlp.pipe(json.loads(sys.argv[2]), n_process=2, batch_size=2):
        ents = [[e.start_char, e.end_char, e.label_] for e in doc.ents]
        found.append([ents, [e._.ner_component for e in doc.ents]])
    print(json.dumps([type(nlp.get_pipe("resolve")).__module__, found]))
"""


@pytest.mark.slow
def test_wheels_in_spawned_processes(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["resolved-isolated"]
    for name in ["en_one", "en_other"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("from . import ner_components\n")
        (tmp_path / name / "ner_components.py").write_bytes(Path(CODE).read_bytes())
    (tmp_path / "main.py").write_text(SPAWNED)
    texts = srsly.json_dumps(TEXTS)
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::UserWarning:en_other",
            "main.py",
            str(case.path),
            texts,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    module, found = srsly.json_loads(done.stdout)
    assert module == "en_one.ner_components"
    for (ents, components), (expected, _) in zip(found, case.expected, strict=True):
        assert [tuple(ent) for ent in ents] == [ent[:3] for ent in expected]
        assert components == [ent[3] for ent in expected]
