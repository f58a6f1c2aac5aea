"""What a source needs besides spaCy goes along, into the combination and its wheel."""

import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest
import spacy
import spacy.cli
import srsly

from common.code import bring_code, import_code
from helpers import ROOT, make_core
from package import package

CODE = """
from spacy.language import Language
from spacy.tokens import Span

from . import words


class SlangFinder:
    labels = ("SLANG",)

    def __call__(self, doc):
        found = [Span(doc, t.i, t.i + 1, "SLANG") for t in doc if t.text in words.SLANG]
        doc.set_ents([*doc.ents, *(s for s in found if not s[0].ent_type)])
        return doc


@Language.factory("slang_finder", assigns=["doc.ents"])
def make_slang_finder(nlp, name):
    return SlangFinder()
"""
# the same in one file, as `spacy package` wants it
ALONE = CODE.replace("from . import words", "class words:\n    SLANG = ['dope']")
# what a person does with the wheels, in a process that a spawning system would start
USE = """
import multiprocessing
import sys

import spacy

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    for name in sys.argv[1:]:
        nlp = spacy.load(name)
        docs = list(nlp.pipe(["dope"] * 4, n_process=2, batch_size=1))
        print(name, [[e.label_ for e in doc.ents] for doc in docs])
"""


def run(folder: Path, *command: object, path: Path | None = None) -> str:
    """Run Python in a folder; `path` is where packages are installed."""
    env = {**os.environ, "PYTHONPATH": str(path or ""), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-B", *map(str, command)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(wheels: Path, target: Path) -> dict[str, list[str]]:
    """Unpack wheels, and return what each requires."""
    required = {}
    for wheel in wheels.rglob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
            (name,) = [n for n in archive.namelist() if n.endswith("/METADATA")]
            metadata = Parser().parsestr(archive.read(name).decode())
        required[wheel.name.partition("-")[0]] = metadata.get_all("Requires-Dist") or []
    return required


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a core, and a pipeline that is made of somebody's own code."""
    # of equally long ones the label decides
    make_core(pipes=["ner"], labels=["ZEBRA"]).to_disk(tmp_path / "core")
    code = tmp_path / "code"
    code.mkdir()
    (code / "slang_code.py").write_text(CODE)
    (code / "words.py").write_text('SLANG = ["dope"]\n')
    make = f"""
        import sys, types
        package = types.ModuleType("made"); package.__path__ = [{str(code)!r}]
        sys.modules["made"] = package
        import spacy, made.slang_code
        nlp = spacy.blank("en")
        nlp.add_pipe("slang_finder")
        nlp.meta.update(name="slang", version="1.0.0")
        nlp.to_disk("slang")
    """
    run(tmp_path, "-c", textwrap.dedent(make))
    return tmp_path


@pytest.fixture
def build(home: Path) -> Callable[..., dict[str, list[str]]]:
    """Get the sources, and make and unpack the wheels of two combinations."""

    def build(drugs: str, *options: object, path: Path) -> dict[str, list[str]]:
        scripts = ROOT / "scripts"
        sources = ["sources", "core=core", f"drugs={drugs}", *options]
        run(home, scripts / "sources.py", *sources, path=path)
        configs = [ROOT / "configs" / f"{n}.cfg" for n in ("drug_first", "resolved")]
        # a new process, in which nothing is known yet
        run(home, scripts / "assemble.py", "pipelines", *configs, path=path)
        folders = ["pipelines", "packages", "metrics", "--sources", "sources"]
        names = ["--prefix", "drug", "--version", "1.0.0"]
        run(home, scripts / "package.py", *folders, *names, path=path)
        return install(home / "packages", path)

    return build


@pytest.mark.slow
def test_code_of_a_folder_goes_into_the_wheels(
    home: Path, build: Callable[..., dict[str, list[str]]]
) -> None:
    for file in (home / "code").iterdir():
        file.rename(home / "slang" / file.name)
    build("slang", path=home / "site")
    (home / "use.py").write_text(USE)
    wheels = ["en_drug_first", "en_drug_resolved"]
    printed = run(home, "use.py", *wheels, path=home / "site")
    assert printed.count("[['SLANG'], ['SLANG'], ['SLANG'], ['SLANG']]") == len(wheels)
    report = ["--sources", "sources", "--texts", "texts.spacy"]
    spacy.tokens.DocBin(docs=[spacy.blank("en")("dope")]).to_disk(home / "texts.spacy")
    checked = ["pipelines/drug_first", "pipelines/resolved", *report]
    assert "broken" not in run(home, ROOT / "scripts" / "check_fidelity.py", *checked)


@pytest.mark.slow
def test_code_of_a_package_is_required(
    home: Path, build: Callable[..., dict[str, list[str]]]
) -> None:
    (home / "made").mkdir()
    (home / "code" / "slang_code.py").write_text(ALONE)
    code = ["--code", "code/slang_code.py", "--build", "none"]
    run(home, "-m", "spacy", "package", "slang", "made", *code)
    (package,) = (home / "made").iterdir()
    run(home, "-m", "build", "--wheel", "--no-isolation", package)
    site = home / "site"
    install(home / "made", site)
    required = build("en_slang", path=site)
    assert "en_slang==1.0.0" in required["en_drug_first"]
    (home / "use.py").write_text(USE)
    names = ["en_drug_first", "en_slang", "en_drug_resolved"]
    printed = run(home, "use.py", *names, path=site)
    assert printed.count("[['SLANG'], ['SLANG'], ['SLANG'], ['SLANG']]") == len(names)


@pytest.mark.slow
def test_a_pipeline_whose_code_is_not_there_is_refused(home: Path) -> None:
    command = [sys.executable, "-B", str(ROOT / "scripts" / "sources.py"), "sources"]
    done = subprocess.run(
        [*command, "core=slang"], cwd=home, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "give its code with --vars.code FILE" in " ".join(done.stdout.split())
    assert not list((home / "sources").iterdir())


@pytest.mark.slow
def test_code_is_given_for_a_pipeline_at_a_path(home: Path) -> None:
    (home / "mine.py").write_text(ALONE)
    sources = ["sources", "core=core", "drugs=slang", "--code", "mine.py"]
    run(home, ROOT / "scripts" / "sources.py", *sources)
    assert (home / "sources" / "drugs" / "mine.py").read_text() == ALONE
    entries = srsly.read_json(home / "sources" / "sources.json")
    assert entries["drugs"]["labels"] == {"slang_finder": ["SLANG"]}


def test_other_code_of_the_same_name_is_refused(tmp_path: Path) -> None:
    for name in ("one", "other", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "code.py").write_text("A = 1\n")
    (tmp_path / "other" / "code.py").write_text("A = 2\n")
    with pytest.raises(ValueError, match="other source has other code in a file of"):
        bring_code([tmp_path / "one", tmp_path / "other"], tmp_path / "target")


def test_the_same_code_is_imported_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name in ("one", "copy"):
        (tmp_path / name).mkdir()
        text = f"open({str(log)!r}, 'a').write('imported')\n"
        (tmp_path / name / "noted_code.py").write_text(text)
        import_code(tmp_path / name)
    assert log.read_text() == "imported"


@pytest.mark.slow
def test_what_is_made_of_a_wheel_loads_with_it(pipelines: Path, tmp_path: Path) -> None:
    package(pipelines / "resolved", tmp_path, name="drug_resolved", version="1.0")
    site = tmp_path / "site"
    install(tmp_path, site)
    made = """
        import spacy
        nlp = spacy.load("en_drug_resolved")
        nlp.remove_pipe("tagger")
        nlp.to_disk("further")
    """
    run(tmp_path, "-c", textwrap.dedent(made), path=site)
    load = 'import spacy; print(spacy.load("further").pipe_names)'
    printed = run(tmp_path, "-c", f"import en_drug_resolved; {load}", path=site)
    assert "'resolve'" in printed
