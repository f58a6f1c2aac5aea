"""What tests share: doubles of the source pipelines, and a project that is built."""

import sys

# compiled files would be part of the folders that commands depend on
sys.dont_write_bytecode = True

import contextlib
import gc
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import srsly
from hypothesis import HealthCheck, settings

from assemble import assemble
from helpers import (
    CONFIGS,
    CORE_LABELS,
    ROOT,
    TEXTS,
    USUAL,
    Case,
    annotate,
    cheap_costs,
    copy_project,
    make_core,
    make_drugs,
    make_drugs_in,
    make_old_drugs,
    run_command,
    run_project,
    save_sources,
    scores_of,
    serve,
    teach,
)

# they make wheels: what asks for one of them is slow
WHEELS = {"served", "republished", "wheels"}
# their tests share the fixture `project`, which takes minutes to build
BUILT = ("test_real_core.py", "test_browser.py", "test_visitors.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark what is slow by what it asks for; of several processes one begins with that.

    So none is left with it in the end.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=_is_built, reverse=True)
    for item in items:
        if WHEELS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Let the collector pass over what was imported, and come by more seldom."""
    gc.freeze()
    gc.set_threshold(50_000)


def _is_built(item: pytest.Item) -> bool:
    return item.path.name in BUILT


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, and so those of what is built."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "project" if Path(file).name in BUILT else file

    return Scheduling(config, log)


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    """Spend no time on what pipelines cost."""
    with cheap_costs():
        yield


# the same few examples each time; many others each time are tried by
# `python -m pytest -m hypothesis --hypothesis-profile fuzz`
settings.register_profile(
    "suite", max_examples=12, deadline=None, derandomize=True, database=None
)
settings.register_profile(
    "fuzz",
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Let processes that tests start take for an error what is one here."""
    filters = [*config.getini("filterwarnings"), *(config.option.pythonwarnings or [])]
    os.environ["PYTHONWARNINGS"] = ",".join(filters)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sources: doubles of en_core_web_md, and of a NER trained in it."""
    folder = tmp_path_factory.mktemp("plain") / "sources"
    return save_sources(
        folder, {"core": make_core(), "drugs": make_drugs_in(make_core())}
    )


@pytest.fixture(scope="session")
def isolated_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a double of the published drug pipeline, on a vocab of its own."""
    folder = tmp_path_factory.mktemp("isolated") / "sources"
    return save_sources(folder, {"core": make_core(), "drugs": make_old_drugs()})


@pytest.fixture(scope="session")
def core_folder(sources: Path) -> Path:
    """The double of en_core_web_md."""
    return sources / "core"


@pytest.fixture(scope="session")
def drugs_folder(sources: Path) -> Path:
    """The double of a drug pipeline trained in the core's place."""
    return sources / "drugs"


@pytest.fixture(scope="session")
def old_drugs_folder(isolated_sources: Path) -> Path:
    """The double of the published drug pipeline."""
    return isolated_sources / "drugs"


@pytest.fixture(scope="session")
def pipelines(sources: Path) -> Path:
    """A folder of the three combinations of the doubles."""
    return _assemble(sources)


@pytest.fixture(scope="session")
def isolated_pipelines(isolated_sources: Path) -> Path:
    """The same, their drug NER in a pipeline of its own."""
    return _assemble(isolated_sources)


def _assemble(sources: Path) -> Path:
    pipelines = sources.parent / "pipelines"
    with contextlib.chdir(sources.parent):
        for name in CONFIGS:
            assemble(ROOT / "configs" / f"{name}.cfg", pipelines / name)
    return pipelines


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of doubles in which every command has run, or could."""
    folder = tmp_path_factory.mktemp("sound")
    core = make_core(pipes=["tagger", "ner"])
    save_sources(folder / "mine", {"core": core, "drugs": make_drugs(core, seed=3)})
    shutil.copytree(ROOT / "configs", folder / "configs")
    for part in ("assets", "metrics", "packages"):
        (folder / part).mkdir()
    for name in ("test", "joint_dev"):
        annotate(folder / "assets" / f"{name}.jsonl", [*CORE_LABELS, "DRUG"])
    for name, labels in (("drugs", ["DRUG"]), ("core", CORE_LABELS)):
        for part in ("train", "dev"):
            annotate(folder / "assets" / f"{name}_{part}.jsonl", labels)
    texts = [f"{text} {number}" for number in range(5) for text in TEXTS]
    (folder / "texts.txt").write_text("\n".join(texts), encoding="utf8")
    shutil.copy(ROOT / "README.md", folder)
    for name in ("disagreements.jsonl", "tuning.json", "conflicts.json"):
        (folder / "metrics" / name).write_text("earlier")
    for kind in ("json", "md", "html"):
        (folder / "metrics" / f"comparison.{kind}").write_text("earlier")
    (folder / "packages" / "earlier").touch()
    scores = srsly.json_dumps(scores_of(drug_first=(0.7, 1.0)))
    (folder / "metrics" / "scores.json").write_text(scores, encoding="utf8")
    (folder / "metrics" / "fidelity.json").write_text("{}")
    for name, inside, where in [
        ("drugs", "mine/drugs", "en_drugs"),
        ("empty", "configs", "configs"),
        ("evil", "mine/drugs", "../outside"),
    ]:
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(folder / inside, where)
    with contextlib.chdir(folder):
        run_command("sources", USUAL["sources"].split())
        for name in ("test", "joint_dev"):
            usual = USUAL["convert"].replace("test.", f"{name}.")
            run_command("convert", usual.split())
        run_command("assemble", USUAL["assemble"].split())
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which `all` has run, as a person runs it.

    So it is the real en_core_web_md, which the package index has. What this checkout
    has made already is taken over where nothing has changed.
    """
    folder = copy_project(tmp_path_factory.mktemp("project"), made=True)
    for pipeline in (folder / "pipelines").glob("*"):
        # alternatives are trained by the tests that need them
        if pipeline.name not in CONFIGS:
            shutil.rmtree(pipeline)
    done = run_project(folder, "all")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def page(project: Path) -> Iterator[str]:
    """The address of the page, served from the built project by its command."""
    with serve(project) as url:
        yield url


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A person's folder, in which we are: the project with little text, and `core`.

    There is a NER of theirs in `mine`. No time is spent on what commands cost.
    """
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    # these a person changes, and so does `tune`
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "project.yml", tmp_path)
    make_core(pipes=["ner"]).to_disk(tmp_path / "core")
    make_drugs().to_disk(tmp_path / "mine")
    (tmp_path / "assets").mkdir()
    for name in ("test", "joint_dev", "core_train", "core_dev", "drugs_train"):
        annotate(tmp_path / "assets" / f"{name}.jsonl", ["DRUG", *CORE_LABELS])
    annotate(tmp_path / "assets" / "drugs_dev.jsonl", ["DRUG"])

    with cheap_costs(), contextlib.chdir(tmp_path):
        yield tmp_path


# what the NERs are taught: longer spans that overlap in part, and shorter ones inside
CORE_SPANS = [(0, 2, "PERSON"), (4, 7, "ORG")]
DRUG_SPANS = [(1, 4, "DRUG"), (5, 6, "DRUG")]
NAMES = [f"{name}-{kind}" for name in CONFIGS for kind in ["plain", "isolated"]]


class Cases(dict[str, Case]):
    """The combinations by name; each is built when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        """Save the sources: such that can share a vocab, and such that cannot."""
        self.folder = folder
        core = teach(make_core(pipes=["tagger", "ner"]), CORE_SPANS)
        drugs = {"plain": make_drugs(core, seed=3), "isolated": make_old_drugs(seed=3)}
        for kind, nlp in drugs.items():
            teach(nlp, DRUG_SPANS)
            save_sources(folder / kind / "sources", {"core": core, "drugs": nlp})

    def __missing__(self, key: str) -> Case:
        """Build a combination."""
        name, kind = key.split("-")
        with contextlib.chdir(self.folder / kind):
            output = self.folder / kind / "pipelines" / name
            assemble(ROOT / "configs" / f"{name}.cfg", output)
        self[key] = Case(self.folder / kind, name)
        return self[key]


def _slow_but(*fast: str) -> list[Any]:
    slow = pytest.mark.slow
    return [n if n in fast else pytest.param(n, marks=slow) for n in NAMES]


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """The six combinations by name."""
    return Cases(tmp_path_factory.mktemp("cases"))


# of the orders, the plain ones are spaCy's own components alone
@pytest.fixture(
    params=_slow_but("drug_first-isolated", "resolved-plain", "resolved-isolated")
)
def case(request: pytest.FixtureRequest, cases: Cases) -> Case:
    """Each of the six combinations, three of them slow."""
    return cases[request.param]


@pytest.fixture(params=_slow_but("resolved-isolated"))
def costly_case(request: pytest.FixtureRequest, cases: Cases) -> Case:
    """Each of the six combinations, five of them slow: for what takes longer."""
    return cases[request.param]


@pytest.fixture(params=[name for name in NAMES if name.startswith("resolved")])
def resolved(request: pytest.FixtureRequest, cases: Cases) -> Case:
    """The two combinations in which a policy decides."""
    return cases[request.param]
