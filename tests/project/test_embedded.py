"""The embedded core, which stands in where no other can be had."""

import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.scorer import PRFScore

from common.annotation import read_annotated
from common.ners import entity
from helpers import ROOT, copy_project, train_briefly

pytestmark = pytest.mark.slow


def test_embedded_core_is_trained_and_finds_entities(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    train_briefly(folder, "core", "drugs", steps=250)
    sources = ["scripts/sources.py", "sources", "core=en_core_web_md"]
    command = [sys.executable, "-B", *sources, "--origin", "embedded"]
    subprocess.run(command, cwd=folder, check=True)
    ledger = srsly.read_json(folder / "sources" / "sources.json")
    assert ledger["core"]["origin"] == "embedded"
    assert len(ledger["core"]["labels"]["ner"]) == 18
    nlp = spacy.load(folder / "sources" / "core")
    score = PRFScore()
    for gold in read_annotated(ROOT / "assets" / "test.jsonl", nlp.make_doc):
        known = {entity(e) for e in gold.ents if e.label_ in nlp.pipe_labels["ner"]}
        score.score_set({entity(ent) for ent in nlp(gold.text).ents}, known)
    # with all its steps it has 74, with nothing learned it would be 0
    assert score.fscore > 0.5
