"""What the README and docs/ say and show is what there is and what happens."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import catalogue
import pytest
import spacy
import srsly
from spacy.tokens import Span
from thinc.api import Config, get_current_ops, set_current_ops
from weasel.cli.document import project_document

from common.ners import View
from helpers import CONFIGS, ROOT, TEXTS

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
IDS = [page.name for page in PAGES]
TEXT = {page.name: page.read_text(encoding="utf8") for page in PAGES}
PLAN = srsly.read_yaml(ROOT / "project.yml")
COMMANDS = {command["name"] for command in PLAN["commands"]}
# what people wrote: the README without the block that lists all commands and assets
GENERATED = re.compile(r"<!-- WEASEL.*?START.*?END.*?-->", flags=re.DOTALL)
WRITTEN = GENERATED.sub("", "\n".join(TEXT.values()))
COMMITTED = re.compile(r"(?<![\w./])(?:assets|configs|docs|scripts|tests)/[\w./*-]*")


def blocks(page: str, language: str) -> list[str]:
    """Find the code blocks of a page, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT[page], flags=re.DOTALL)


@pytest.fixture
def folder(
    sources: Path, pipelines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder like the project's, its wheels found by name; nothing of it stays."""
    shutil.copytree(sources, tmp_path / "sources")
    shutil.copytree(pipelines, tmp_path / "pipelines")
    for name in CONFIGS:
        package = name if name.startswith("drug_") else f"drug_{name}"
        shutil.copytree(pipelines / name, tmp_path / f"en_{package}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "REGISTRY", {**catalogue.REGISTRY})
    ops = get_current_ops()
    yield tmp_path
    set_current_ops(ops)


def run(page: str, part: str = "") -> dict[str, Any]:
    """Run the Python blocks of a page in their order, or only that with `part`."""
    names: dict[str, Any] = {"__name__": "docs"}
    for block in blocks(page, "python"):
        if part in block:
            exec(block, names)  # noqa: S102
    return names


# ------------------------------------------------------------------ code
@pytest.mark.parametrize("page", [name for name in IDS if blocks(name, "python")])
def test_code_runs(page: str, folder: Path) -> None:
    run(page)


def test_combining_in_code_gives_what_assemble_gives(folder: Path) -> None:
    nlp = run("fidelity.md", "replace_listeners(")["nlp"]
    assembled = spacy.load(folder / "pipelines" / "drug_first")
    assert nlp.pipe_names == assembled.pipe_names
    for name in ["ner", "ner_drug"]:
        here, there = View(nlp, name), View(assembled, name)
        assert here.parameters() == there.parameters()
        assert here.labels == there.labels
    for doc, other in zip(nlp.pipe(TEXTS), assembled.pipe(TEXTS), strict=True):
        assert doc.to_json() == other.to_json()


def test_policy_of_ones_own_chooses_as_it_says(folder: Path) -> None:
    rarest = run("policies.md")["Rarest"](["DRUG"])
    doc = spacy.blank("en")("Anna Benz took dope")
    long, rare = Span(doc, 0, 2, "PERSON"), Span(doc, 1, 2, "DRUG")
    beside = Span(doc, 0, 1, "PERSON")
    assert rarest([long, rare]) == [rare]
    assert rarest([long, beside, rare]) == [rare, beside]


@pytest.mark.parametrize("page", IDS)
def test_configs_and_records_are_valid(page: str) -> None:
    for block in blocks(page, "ini"):
        written = re.findall(r"^\[(.+)\]$", block, flags=re.M)
        sections = [section.split(".") for section in written]
        parents = {".".join(s[:n]) for s in sections for n in range(1, len(s))}
        parents -= {*written}
        head = "".join(f"[{parent}]\n" for parent in sorted(parents))
        assert Config().from_str(head + block, interpolate=False)
    for block in blocks(page, "json"):
        json.loads(block)


def test_every_policy_is_documented() -> None:
    code = (ROOT / "scripts" / "ner_components.py").read_text(encoding="utf8")
    policies = set(re.findall(r'@_policy\("(.+)"\)', code))
    documented = set(re.findall(r"`(ner_policy\.[\w.]+)`", TEXT["policies.md"]))
    assert policies == documented


# ------------------------------------------------------------------ names
def test_every_command_is_explained() -> None:
    missing = {
        name
        for name in COMMANDS
        if not re.search(rf"(`|run |start\.py ){name}\b(?!-)", WRITTEN)
    }
    assert not missing


def test_commands_and_variables_are_those_of_the_plan() -> None:
    run = re.findall(r"(?:project run|start\.py) ([a-z][\w-]*)", WRITTEN)
    assert {*run} <= COMMANDS | {*PLAN["workflows"]}
    named = set(re.findall(r"--vars\.([a-z_]\w*)", WRITTEN))
    assert named <= {*PLAN["vars"]}
    rest = {name for name in PLAN["vars"] if f"`{name}`" not in WRITTEN}
    assert rest <= named, "not explained"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXT[page.name]):
        if not target.startswith("https://"):
            path, _, heading = target.partition("#")
            assert (page.parent / path).exists(), target
            if heading:
                titles = re.findall(
                    r"^#+ (.*)$", TEXT[Path(path or page).name], flags=re.M
                )
                slugs = [re.sub(r"[^\w -]", "", title).lower() for title in titles]
                assert heading in [slug.replace(" ", "-") for slug in slugs]


@pytest.mark.parametrize("page", IDS)
def test_files_that_are_named_exist(page: str) -> None:
    for name in COMMITTED.findall(GENERATED.sub("", TEXT[page])):
        assert list(ROOT.glob(name.rstrip("/."))), name


def test_every_page_is_linked_from_the_readme() -> None:
    for page in PAGES[1:]:
        assert f"(docs/{page.name})" in TEXT["README.md"]


# ------------------------------------------------------------------ form
def test_generated_block_is_up_to_date(tmp_path: Path) -> None:
    shutil.copy(README, tmp_path)
    project_document(ROOT, tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf8") == TEXT["README.md"]


def test_readme_is_short() -> None:
    assert len(TEXT["README.md"].splitlines()) <= 350
