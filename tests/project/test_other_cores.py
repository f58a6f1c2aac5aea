"""Pipelines of the package index other than the usual core."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly

from helpers import (
    CONFIGS,
    PRINT_ENTS,
    SAMPLE,
    TEXTS,
    WHEELS,
    copy_project,
    ents,
    make_drugs_in,
    run_project,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("core", ["en_core_web_sm", "fr_core_news_md"])
def test_other_cores(core: str, tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")

    def run(*command: str) -> None:
        subprocess.run([sys.executable, "-B", *command], cwd=folder, check=True)

    run("scripts/sources.py", "sources", f"core={core}")
    drugs = make_drugs_in(spacy.load(folder / "sources" / "core"))
    drugs.to_disk(tmp_path / "drugs")
    # in no language, as only the pipelines are looked at
    srsly.write_jsonl(folder / "own.jsonl", [{"text": text} for text in TEXTS])
    texts = ["own.jsonl", "corpus/test.spacy", "--pipeline", "sources/core"]
    run("scripts/convert.py", *texts)
    own = ["--vars.core", core, "--vars.drugs", str(tmp_path / "drugs")]
    for command in ["assemble", "check-fidelity", "package"]:
        done = run_project(folder, command, *own)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = srsly.read_json(folder / "metrics" / "fidelity.json")
    for ners in report.values():
        assert {result["verdict"] for result in ners.values()} == {"exact"}
    lang = core.partition("_")[0]
    wheels = [*folder.glob(f"packages/{lang}_drug_*/dist/*.whl")]
    assert len(wheels) == len(CONFIGS)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*pip, str(tmp_path / "site"), *map(str, wheels)], check=True)
    for name, package in WHEELS.items():
        ask = [sys.executable, "-c", PRINT_ENTS, f"{lang}_{package}", SAMPLE]
        env = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
        printed = subprocess.run(
            ask, cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        ).stdout
        assert printed.strip() == str(ents(folder / "pipelines" / name))
