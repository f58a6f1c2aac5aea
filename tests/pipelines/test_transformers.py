"""A source may stand on a transformer: each NER is as at home, none hears another's.

These tests run in an environment of their own, with requirements-transformers.txt.
"""

import contextlib
import copy
import multiprocessing
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from packaging.requirements import Requirement
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import load_config, load_model_from_config
from thinc.api import Model

pytest.importorskip(
    "spacy_curated_transformers",
    reason="requirements-transformers.txt is not installed",
)

from assemble import assemble
from check_fidelity import check_all
from common.lanes import Keep
from common.ners import View, alone
from helpers import (
    CONFIGS,
    CORE_LABELS,
    ROOT,
    TEXTS,
    annotate,
    entity,
    make_core,
    make_drugs,
    replay,
    run_here,
    save_sources,
    told,
)
from ner_components import IsolatedNER
from package import package
from page.serving import pack
from train_alternatives import Fill, Size, prepare, train_alternative
from transformer_doubles import (
    REQUIREMENT,
    make_core_on_transformer,
    make_drugs_on_that_of,
    make_drugs_on_transformer,
)

# where the drug NER stands in a combination
SHARED, STARTLESS, OWN, NESTED = "shared", "startless", "own", "nested"
# by what stands on a transformer: where the drug NER stands, and how many there are
ROLES = {
    "core": ("plain", 1),
    "core of sentences": (NESTED, 1),
    "drugs": (OWN, 1),
    "drugs beside sentences": (NESTED, 1),
    "both": (OWN, 2),
    "both, core of sentences": (NESTED, 2),
    "same": (SHARED, 1),
    "same, in the core's place": (SHARED, 1),
    "same, core of sentences": (STARTLESS, 1),
}


class Roles(dict[str, Path]):
    """Folders with sources/ and pipelines/, by role; made when first asked for."""

    def __init__(self, folder: Path) -> None:
        """Train the pipelines that stand on a transformer."""
        self.folder = folder
        plain = make_core_on_transformer(pipes=["tagger"])
        core = make_core_on_transformer()
        drugs = make_drugs_on_transformer()
        same = make_drugs_on_that_of
        self.sources = {
            "core": (plain, make_drugs(plain, seed=3)),
            "core of sentences": (core, make_drugs(core, seed=3)),
            "drugs": (make_core(pipes=["tagger", "ner"]), drugs),
            "drugs beside sentences": (make_core(), drugs),
            "both": (plain, drugs),
            "both, core of sentences": (core, drugs),
            "same": (plain, same(plain, alone=True)),
            "same, in the core's place": (core, same(core, alone=False)),
            "same, core of sentences": (core, same(core, alone=True)),
        }

    def __missing__(self, role: str) -> Path:
        """Build the combinations of a role."""
        core, drugs = self.sources[role]
        folder = self.folder / role
        save_sources(folder / "sources", {"core": core, "drugs": drugs})
        with contextlib.chdir(folder):
            for name in CONFIGS:
                assemble(ROOT / "configs" / f"{name}.cfg", folder / "pipelines" / name)
        docs = [spacy.blank("en")(text) for text in TEXTS]
        DocBin(docs=docs).to_disk(folder / "texts.spacy")
        self[role] = folder
        return folder


@pytest.fixture(scope="session")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Roles:
    """All roles by name."""
    return Roles(tmp_path_factory.mktemp("roles"))


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """Each role in turn."""
    return str(request.param)


def transformers(nlp: Language) -> int:
    """Count the transformers in a pipeline, those inside of components too."""
    found = 0
    for _, pipe in nlp.pipeline:
        if isinstance(model := getattr(pipe, "model", None), Model):
            found += sum(len(node.shims) for node in model.walk())
        if isinstance(pipe, IsolatedNER):
            found += transformers(pipe.nlp)
    return found


def place(nlp: Language) -> str:
    """Tell where the drug NER stands in a combination."""
    factory = nlp.get_pipe_meta("ner_drug").factory
    if factory != "ner":
        return {"isolated_ner_v2": NESTED, "startless_ner_v1": STARTLESS}[factory]
    view = View(nlp, "ner_drug")
    own = any(node.shims for node in view.model.walk())
    return SHARED if view.heard() else OWN if own else "plain"


def test_no_transformer_is_there_twice(role: str, roles: Roles) -> None:
    for name in CONFIGS:
        nlp = spacy.load(roles[role] / "pipelines" / name)
        assert (place(nlp), transformers(nlp)) == ROLES[role]


def test_every_ner_is_exact(role: str, roles: Roles) -> None:
    folder = roles[role]
    combinations = [str(folder / "pipelines" / name) for name in CONFIGS]
    report = check_all(combinations, folder / "sources", folder / "texts.spacy")
    found = [own.verdict for verdicts in report.values() for own in verdicts.values()]
    assert found == ["exact"] * 2 * len(CONFIGS)


def test_entities_and_scores_are_those_at_home(role: str, roles: Roles) -> None:
    nlp = spacy.load(roles[role] / "pipelines" / "resolved")
    for name in ["ner_candidates", "ner_drug_candidates"]:
        nlp.get_pipe(name).temperature = 1.0
    for source, component in [("core", "ner"), ("drugs", "ner_drug")]:
        home = spacy.load(roles[role] / "sources" / source)
        docs = list(nlp.pipe(TEXTS))
        assert any(doc._.ner_candidates.get(component) for doc in docs)
        for doc in docs:
            with home.select_pipes(disable="ner"):
                expected = replay(home.get_pipe("ner"), home(doc.text))
            spans = doc._.ner_candidates.get(component, [])
            assert [entity(span) for span in spans] == [*expected]
            scores = [span._.ner_score for span in spans]
            assert scores == pytest.approx([*expected.values()], rel=1e-3)


def test_a_listener_that_was_left_is_named(roles: Roles, tmp_path: Path) -> None:
    folder = roles["both"]
    config = load_config(ROOT / "configs" / "drug_first.cfg", interpolate=False)
    del config["components"]["ner_drug"]["replace_listeners"]
    config["paths"] = {n: str(folder / "sources" / n) for n in ("core", "drugs")}
    config.to_disk(tmp_path / "deaf.cfg")
    assemble(tmp_path / "deaf.cfg", tmp_path / "deaf")
    combinations = [str(tmp_path / "deaf")]
    report = check_all(combinations, folder / "sources", folder / "texts.spacy")
    verdict = report["deaf"]["ner_drug"]
    assert verdict.verdict == "broken"
    (cause,) = [cause.cause for cause in verdict.causes]
    assert cause.startswith("listener not replaced: it listens to the 'transformer'")


def test_another_transformer_of_that_name_is_found_by_its_weights(roles: Roles) -> None:
    one, same, other = (
        View(spacy.load(roles[role] / "sources" / "drugs"), "ner").parameters()
        for role in ("both", "drugs", "same")
    )
    assert one == same != other


# ------------------------------------------------------------------ what spaCy does
@pytest.fixture(params=["both", "same, core of sentences", "both, core of sentences"])
def resolved(request: pytest.FixtureRequest, roles: Roles) -> Path:
    """A combination whose drug NER has a transformer, shares one, or is nested."""
    return roles[request.param] / "pipelines" / "resolved"


def all_told(nlp: Language) -> list[Any]:
    return [told(doc) for doc in nlp.pipe(TEXTS)]


def test_copies_find_the_same(resolved: Path, tmp_path: Path) -> None:
    nlp = spacy.load(resolved)
    expected = all_told(spacy.load(resolved))
    assert any(ents for ents, _ in expected)
    assert all_told(copy.deepcopy(nlp)) == expected
    again = load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert all_told(again) == expected
    nlp.to_disk(tmp_path)
    assert all_told(spacy.load(tmp_path)) == expected


@pytest.fixture
def spawn() -> Iterator[None]:
    """Start processes anew: torch does not go well with those that are forked."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def test_processes_find_the_same(roles: Roles, spawn: None) -> None:
    nlp = spacy.load(roles["both"] / "pipelines" / "resolved")
    docs = nlp.pipe(TEXTS, n_process=2, batch_size=2)
    assert [told(doc) for doc in docs] == [
        told(doc) for doc in nlp.pipe(TEXTS, batch_size=2)
    ]


# ------------------------------------------------------------------ commands
@pytest.mark.parametrize("role", ["core", "both", "drugs beside sentences"])
def test_wheel_requires_what_the_sources_do(
    role: str, roles: Roles, tmp_path: Path
) -> None:
    pipeline = roles[role] / "pipelines" / "drug_first"
    wheel = package(pipeline, tmp_path, name="drug_first", version="0.1.0")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith("METADATA")]
        told = Parser().parsestr(archive.read(metadata).decode())
        (meta, *_) = [name for name in names if name.endswith("meta.json")]
        required = srsly.json_loads(archive.read(meta))["requirements"]
    own = Requirement(REQUIREMENT)
    bounds = [
        {requirement.specifier for requirement in found if requirement.name == own.name}
        for found in (
            map(Requirement, told.get_all("Requires-Dist", [])),
            map(Requirement, required),
        )
    ]
    assert bounds[0] == bounds[1] != set()
    # the core says so itself; of the drug pipeline it is known by what it is made of
    assert (own.specifier in bounds[0]) == (role != "drugs beside sentences")


def test_what_keeps_entities_keeps_the_transformer_that_is_heard(
    roles: Roles, tmp_path: Path
) -> None:
    for role, expected in [
        ("same, core of sentences", ["transformer", "ner_drug", "ner"]),
        ("drugs beside sentences", ["ner_drug", "ner"]),
    ]:
        with contextlib.chdir(roles[role]):
            config = ROOT / "configs" / "drug_first.cfg"
            names = assemble(config, tmp_path / role, Keep.entities)
        assert names == expected
        assert transformers(spacy.load(tmp_path / role)) == 1


def test_a_nested_pipeline_is_what_the_ner_hears(roles: Roles) -> None:
    nlp = spacy.load(roles["both, core of sentences"] / "pipelines" / "drug_first")
    assert alone(nlp, "ner_drug").nlp.pipe_names == ["transformer", "ner"]


def test_a_ner_on_a_transformer_learns_on_and_leaves_the_others_theirs(
    roles: Roles, tmp_path: Path
) -> None:
    config = load_config(ROOT / "configs" / "fine_tuned_ner.cfg")
    config["training"] |= {"max_steps": 2, "eval_frequency": 2}
    config.to_disk(tmp_path / "fine_tuned_ner.cfg", interpolate=False)
    sources = roles["both"] / "sources"
    texts = [annotate(tmp_path / "core.jsonl", CORE_LABELS)]
    texts.append(annotate(tmp_path / "drugs.jsonl", ["DRUG"]))
    configs, corpus = [tmp_path / "fine_tuned_ner.cfg"], tmp_path / "corpus"
    prepared = prepare(configs, sources, texts, texts[:1], corpus, Fill.predictions)
    output = tmp_path / "fine_tuned_ner"
    train_alternative(
        configs[0],
        output,
        sources=sources,
        corpus=corpus,
        texts=prepared,
        size=Size.small,
    )
    nlp, core = spacy.load(output), spacy.load(sources / "core")
    assert {*nlp.pipe_labels["ner"]} == {*CORE_LABELS, "DRUG"}
    assert transformers(nlp) == 2
    assert View(nlp, "tagger").parameters() == View(core, "tagger").parameters()


def test_the_page_keeps_no_output_of_a_transformer(roles: Roles) -> None:
    doc = spacy.load(roles["core"] / "pipelines" / "resolved")(TEXTS[0])
    assert doc._.trf_data is not None
    assert b"trf_data" not in pack(doc)


@pytest.mark.parametrize("role", ["both", "same"])
def test_all_ends_with_wheels(role: str, roles: Roles, clone: Path) -> None:
    sources = roles[role] / "sources"
    variables = {name: str(sources / name) for name in ("core", "drugs")}
    run_here("all", **variables)
    report = srsly.read_json("metrics/fidelity.json")
    verdicts = {own["verdict"] for all_ in report.values() for own in all_.values()}
    assert verdicts == {"exact"}
    assert len(list(Path("packages").glob("*/dist/*.whl"))) == len(CONFIGS)
    f = srsly.read_json("metrics/scores.json")["pipelines"]["drug_first"]["all_texts"]
    assert f["micro"]["f"] is not None
