"""What the README shows is what happens."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly

from views import View

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def run_block(part: str) -> dict[str, Any]:
    """Execute the README's only Python block that contains `part`."""
    (block,) = [block for block in BLOCKS if part in block]
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102
    return names


def test_generated_block_is_up_to_date(tmp_path: Path) -> None:
    shutil.copy(ROOT / "README.md", tmp_path)
    document = [sys.executable, "-m", "spacy", "project", "document", "--output"]
    subprocess.run([*document, tmp_path / "README.md"], cwd=ROOT, check=True)
    assert (tmp_path / "README.md").read_text(encoding="utf8") == README


@pytest.mark.slow
def test_combining_in_code_gives_what_assemble_gives(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    nlp = run_block("replace_listeners(")["nlp"]
    assembled = spacy.load(project / "pipelines" / "drug_first")
    assert nlp.pipe_names == assembled.pipe_names
    for name in ["ner", "ner_drug"]:
        here, there = (View(n, name, frozenset(), "") for n in (nlp, assembled))
        assert here.parameters() == there.parameters()
        assert here.labels == there.labels
    texts = [record["text"] for record in srsly.read_jsonl(ROOT / "assets/test.jsonl")]
    for doc, other in zip(nlp.pipe(texts), assembled.pipe(texts), strict=True):
        assert doc.to_json() == other.to_json()
