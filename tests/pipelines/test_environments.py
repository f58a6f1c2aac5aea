"""Installed wheels find in any clean environment what their combinations find.

The environments are of the Pythons that PYTHONS names; without it, of this one.
`.ci/pythons` names others.
"""

import multiprocessing
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly

from helpers import TEXTS, Case
from package import package

pytestmark = pytest.mark.slow

PYTHONS = os.environ.get("PYTHONS", sys.executable).split()
# combinations by what their wheels are called
COMBINED = {
    "drug_first": "drug_first-plain",
    "drug_last": "drug_last-plain",
    "drug_resolved": "resolved-plain",
    "drug_apart": "resolved-isolated",
}
SOURCES = ["core", "drugs"]
NAMES = [f"en_{name}" for name in (*COMBINED, *SOURCES)]
FIND = """
import multiprocessing
import sys

import spacy
import srsly


def find(nlp, text):
    return [[ent.text, ent.label_] for ent in nlp(text).ents]


def load_and_find(name, text):
    return find(spacy.load(name), text)


if __name__ == "__main__":
    texts = srsly.read_json("texts.json")
    method, *names = sys.argv[1:]
    found = {}
    for name in names:
        nlp = spacy.load(name)
        if method == "here":
            found[name] = [find(nlp, text) for text in texts]
            continue
        multiprocessing.set_start_method(method, force=True)
        docs = nlp.pipe(texts, n_process=2, batch_size=1)
        found[name] = [[[ent.text, ent.label_] for ent in doc.ents] for doc in docs]
        with multiprocessing.Pool(1) as pool:
            last = found[name][-1]
            assert pool.apply(find, (nlp, texts[-1])) == last, "pickled"
            assert pool.apply(load_and_find, (name, texts[-1])) == last, "loaded"
    print(srsly.json_dumps(found))
"""


class Home:
    """An environment that has spaCy, installs wheels, and knows nothing of ours."""

    def __init__(self, python: str, folder: Path) -> None:
        """Make it with an interpreter.

        Of this version it borrows the spaCy that there is here; for another one the
        same version of spaCy is fetched, into `wheels`.
        """
        self.folder, self.wheels = folder, folder / "wheels"
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        self.python = folder / scripts / "python"
        (self.site,) = folder.glob("[Ll]ib/**/site-packages")
        if _version(python) == _version(sys.executable):
            here = sysconfig.get_path("purelib")
            (self.site / "borrowed.pth").write_text(here, encoding="utf8")
        else:
            wanted = f"spacy=={spacy.__version__}"
            self.pip("download", "--only-binary=:all:", "--dest", self.wheels, wanted)
        (folder / "find.py").write_text(FIND, encoding="utf8")
        srsly.write_json(folder / "texts.json", TEXTS)

    def pip(self, *arguments: object) -> None:
        """Run the pip that is here on that environment."""
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--quiet"]
        subprocess.run([*map(str, pip), *map(str, arguments)], check=True)

    def install(self, *options: str) -> None:
        """Install from the folder of wheels, and from nowhere else."""
        self.pip("install", "--no-index", "--find-links", self.wheels, *options)

    def find(self, method: str, *names: str) -> dict[str, Any]:
        """Load packages in one process, in that order: what each finds in the texts.

        A warning is an error.
        """
        done = subprocess.run(
            [self.python, "-I", "-W", "error", "find.py", method, *names],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return dict(srsly.json_loads(done.stdout))


def _version(python: str) -> str:
    done = subprocess.run([python, "--version"], capture_output=True, text=True)
    return done.stdout if not done.returncode else ""


@pytest.fixture(scope="module")
def built(
    cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The wheels of combinations, and of their sources, by name."""
    folder = tmp_path_factory.mktemp("built")
    paths = {name: cases[key].path for name, key in COMBINED.items()}
    home = cases[COMBINED["drug_first"]].folder / "sources"
    paths |= {name: home / name for name in SOURCES}
    return {
        f"en_{name}": package(path, folder, name=name, version="0.1.0")
        for name, path in paths.items()
    }


@pytest.fixture(scope="module", params=PYTHONS)
def home(
    request: pytest.FixtureRequest,
    built: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Home:
    """An environment with all of them."""
    python = shutil.which(request.param)
    if not python or not _version(python):
        pytest.skip(f"no {request.param}: name one that runs in PYTHONS")
    home = Home(python, tmp_path_factory.mktemp("home"))
    home.wheels.mkdir(exist_ok=True)
    for wheel in built.values():
        shutil.copy(wheel, home.wheels)
    home.install(*built)
    return home


@pytest.fixture(scope="module")
def expected(cases: dict[str, Case]) -> dict[str, Any]:
    """What the combinations and the sources find in their folders."""
    pipelines = {name: cases[key].nlp for name, key in COMBINED.items()}
    first = cases[COMBINED["drug_first"]]
    pipelines |= {"core": first.core, "drugs": first.drugs}
    return {
        f"en_{name}": [[[e.text, e.label_] for e in nlp(text).ents] for text in TEXTS]
        for name, nlp in pipelines.items()
    }


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids=["first", "last"])
def test_all_are_loaded_beside_each_other_in_any_order(
    home: Home, expected: dict[str, Any], order: list[str]
) -> None:
    assert home.find("here", *order) == expected


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_they_go_to_processes_however_these_start(
    home: Home, expected: dict[str, Any], method: str
) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system starts no process by {method}")
    # it has a pipeline inside, and all the code there is
    assert home.find(method, "en_drug_apart") == {
        "en_drug_apart": expected["en_drug_apart"]
    }


def test_upgrade_leaves_nothing_of_the_lower_version(
    home: Home, cases: dict[str, Case], expected: dict[str, Any]
) -> None:
    # with compiled files that pip has not made
    home.find("here", "en_drug_apart")
    path = cases[COMBINED["drug_apart"]].path
    wheel = package(path, home.folder, name="drug_apart", version="0.2.0")
    shutil.copy(wheel, home.wheels)
    home.install("--upgrade", "en_drug_apart")
    there = [path.name for path in home.site.rglob("en_drug_apart-*")]
    assert there and not [name for name in there if "0.1.0" in name]
    found = home.find("here", "en_drug_apart")
    assert found["en_drug_apart"] == expected["en_drug_apart"]
