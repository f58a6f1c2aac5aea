"""What several tests need: tiny pipelines shaped like the real ones, and projects."""

import contextlib
import copy
import functools
import importlib
import itertools
import os
import pickle
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import catalogue
import numpy
import pytest
import requests
import spacy
import srsly
import typer
from spacy import util
from spacy.lang.en import English
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed
from typer.testing import CliRunner
from weasel.util.config import load_project_config

from common.files import write_json
from common.meta import record
from measuring import costs, runs

ROOT = Path(__file__).resolve().parent.parent
MADE = ["corpus", "sources", "pipelines", "metrics", "packages", "installed"]
CONFIGS = ["drug_first", "drug_last", "resolved"]
# the packages of their wheels, without the language
WHEELS = {n: n if n.startswith("drug_") else f"drug_{n}" for n in CONFIGS}
SAMPLE = "My name is John Benz and I remove weeds from my garden."
# what a process of its own finds: a pipeline, a text
PRINT_ENTS = (
    "import sys, spacy; print([(e.text, e.label_) for e in "
    "spacy.load(sys.argv[1])(sys.argv[2]).ents])"
)
TEXTS = [
    "Anna moved to Oslo in May. She likes the colour there.",
    "dope and oxy at $5 each, says Mr. Smith of Acme.",
    "I can't see 😀 it! Where's Benz?",
    "The analyser from Geneva cost two thousand francs on Monday.",
]
# what each command is called with in the project of the fixture `sound`
USUAL = {
    "convert": "assets/test.jsonl corpus/test.spacy --pipeline sources/core",
    "sources": "sources core=mine/core drugs=mine/drugs "
    "--text drugs.train=assets/drugs_train.jsonl "
    "--text drugs.dev=assets/drugs_dev.jsonl",
    "assemble": "pipelines configs/drug_first.cfg configs/drug_last.cfg "
    "configs/resolved.cfg",
    "check_fidelity": "pipelines/drug_first pipelines/resolved "
    "--sources sources --texts corpus/test.spacy --output metrics/fidelity.json "
    "--more assets/test.jsonl",
    "train_alternatives": "pipelines configs/single_ner.cfg --sources sources "
    "--texts assets/drugs_train.jsonl --raw texts.txt --test texts.txt "
    "--dev assets/joint_dev.jsonl --corpus corpus",
    "evaluate": "corpus/test.spacy metrics/scores.json --sources sources "
    "--pipelines pipelines --test assets/test.jsonl --texts texts.txt "
    "--disputed metrics/disagreements.jsonl",
    "compare": "metrics/scores.json metrics/comparison.json README.md",
    "tune": "pipelines/resolved corpus/joint_dev.spacy configs/resolved.cfg "
    "metrics/tuning.json --sources sources",
    "conflict_report": "pipelines/resolved corpus/test.spacy metrics/conflicts.json",
    "package": "pipelines packages metrics --sources sources --prefix drug "
    "--version 0.1.0",
}
# the doubles know few of English's thousand tokenizer rules, to load in no time
English.Defaults.tokenizer_exceptions = {
    word: rule
    for word, rule in English.Defaults.tokenizer_exceptions.items()
    if word in " ".join(TEXTS)
}


@contextlib.contextmanager
def cheap_costs() -> Iterator[None]:
    """Spend no time on what pipelines cost, where no test looks at the figures."""

    def no_memory(folders: Sequence[Path], texts: Sequence[str]) -> float:
        return 1.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "WORDS", 60)
        patch.setattr(costs, "ROUNDS", 2)
        patch.setattr(costs, "peak_memory", no_memory)
        patch.setattr(runs, "LOADS", 1)
        yield


class EntryPointsByGroup:
    """Stands in for what catalogue looks through, whole, each time it is asked."""

    def __init__(self, everything: Any) -> None:
        """Sort the entry points once."""
        self.groups: dict[str, list[Any]] = {}
        for name in everything.groups:
            self.groups[name] = everything.select(group=name)

    def select(self, group: str) -> Any:
        """Return the entry points of a group."""
        return self.groups.get(group, ())


catalogue.AVAILABLE_ENTRY_POINTS = EntryPointsByGroup(catalogue.AVAILABLE_ENTRY_POINTS)
# what is installed is read whole for every source that is recorded
util.packages_distributions = functools.cache(util.packages_distributions)
# asked for at every value of a weight file, and sought in all that is registered
for registry in (srsly.msgpack_encoders, srsly.msgpack_decoders):
    vars(registry)["get_all"] = functools.partial(dict, registry.get_all())
CORE_LABELS = ("PERSON", "GPE", "ORG", "DATE", "MONEY")
# a real seven-component core's, see the config of en_core_web_md
CORE_PIPES = ("tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner")


def make_core(**settings: Any) -> Language:
    """Make a double of en_core_web_md, or copy one that was made before.

    settings: see `_core`.
    """
    return copy.deepcopy(_core(**_hashable(settings)))


def make_drugs(vocab_of: Language | None = None, **settings: Any) -> Language:
    """Make a double of a drug pipeline, or copy one that was made before.

    vocab_of, settings: see `_drugs`.
    """
    if vocab_of is not None:
        return _drugs(vocab_of, **settings)
    return copy.deepcopy(_own_drugs(**_hashable(settings)))


def _hashable(settings: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


@functools.cache
def _core(
    *,
    seed: int = 0,
    lang: str = "en",
    pipes: Iterable[str] = CORE_PIPES,
    labels: Iterable[str] = CORE_LABELS,
    vectors: int = 8,
    norms: bool = True,
    listens: bool = False,
    upper: bool = True,
    pieces: int = 2,
) -> Language:
    """Make a double of en_core_web_md: all its components, its NER on static vectors.

    lang: `xx` has no tokenizer rules, and loads in no time.
    vectors: their width; 0 for none. norms: whether it has a lexeme_norm table.
    listens: whether its NER shares the tok2vec. upper: whether that has an upper layer.
    pieces: how many its maxout has.
    """
    fix_random_seed(seed)
    nlp = spacy.blank(lang)
    _furnish(nlp, seed, vectors, norms)
    nlp.add_pipe("tok2vec", config={"model": _tok2vec(vectors)})
    listener = {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": 16,
        "upstream": "tok2vec",
    }
    config: dict[str, dict[str, Any]] = {
        "tagger": {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}},
        "parser": {"model": transition_model("parser", listener), "min_action_freq": 1},
        "senter": {
            "model": {"@architectures": "spacy.Tagger.v2", "tok2vec": _tok2vec(vectors)}
        },
        "lemmatizer": {"mode": "rule"},
        "ner": {
            "model": transition_model("ner", listener if listens else _tok2vec(vectors))
        },
    }
    config["ner"]["model"] |= {"use_upper": upper, "maxout_pieces": pieces}
    for pipe in pipes:
        nlp.add_pipe(pipe, config=config.get(pipe, {}))
    _train(nlp, labels, seed)
    if "lemmatizer" in nlp.pipe_names:
        # nor does it know a hundred thousand words
        tables = nlp.get_pipe("lemmatizer").lookups
        for name in ("lemma_exc", "lemma_index"):
            tables.remove_table(name)
            tables.add_table(name)
    if "senter" in nlp.pipe_names:
        nlp.disable_pipe("senter")
    nlp.meta.update(name="core_web_md", version="3.8.0", license="MIT")
    return nlp


@functools.cache
def _own_drugs(**settings: Any) -> Language:
    return _drugs(**settings)


def make_drugs_in(
    core: Language, *, seed: int = 1, labels: Iterable[str] = ("DRUG",)
) -> Language:
    """Make a double of a drug pipeline that was trained in the core's place.

    It is the whole core with another NER, which sees all that the core's NER sees.
    """
    fix_random_seed(seed)
    nlp = copy.deepcopy(core)
    nlp.remove_pipe("ner")
    model = transition_model("ner", _tok2vec(core.vocab.vectors_length))
    ner: Any = nlp.add_pipe("ner", config={"model": model})
    examples = examples_of(nlp, list(labels), seed)
    ner.initialize(lambda: examples, nlp=nlp)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    with nlp.select_pipes(enable="ner"):
        for _ in range(15):
            nlp.update(examples, sgd=optimizer)
    nlp.meta.update(name="ner_drugs", version="0.0.0", license="MIT")
    return nlp


def _drugs(
    vocab_of: Language | None = None,
    *,
    seed: int = 1,
    labels: Iterable[str] = ("DRUG",),
    listener: bool = True,
    vectors: int = 0,
    norms: bool = False,
    embed: str = "spacy.MultiHashEmbed.v2",
) -> Language:
    """Make a double of a drug pipeline: tok2vec and ner, or ner with its own tok2vec.

    vocab_of: trained on the vocab of this pipeline; else on one of its own, with
        vectors of the given width and a lexeme_norm table if asked for.
    """
    fix_random_seed(seed)
    nlp = spacy.blank("en")
    if vocab_of is not None:
        nlp.vocab.from_bytes(vocab_of.vocab.to_bytes())
        nlp.tokenizer.from_bytes(vocab_of.tokenizer.to_bytes(exclude=["vocab"]))
    else:
        _furnish(nlp, seed, vectors, norms)
    own: dict[str, Any] = _tok2vec(vectors, embed)
    if listener:
        nlp.add_pipe("tok2vec", config={"model": own})
        own = {
            "@architectures": "spacy.Tok2VecListener.v1",
            "width": 16,
            "upstream": "tok2vec",
        }
    nlp.add_pipe("ner", config={"model": transition_model("ner", own)})
    _train(nlp, labels, seed)
    nlp.meta.update(name="ner_drugs", version="0.0.0", license="MIT")
    return nlp


def make_old_drugs(seed: int = 1) -> Language:
    """Make a double of the published en_ner_drugs: an early spaCy 3's, on its own."""
    nlp = make_drugs(seed=seed, embed="spacy.MultiHashEmbed.v1")
    nlp.meta["spacy_version"] = ">=3.0.0rc2,<3.1.0"
    return nlp


def _furnish(nlp: Language, seed: int, vectors: int, norms: bool) -> None:
    """Give a blank pipeline vectors and norms."""
    words = sorted({token.text for text in TEXTS for token in nlp.make_doc(text)})
    if vectors:
        rows = numpy.random.default_rng(seed).normal(size=(len(words), vectors))
        nlp.vocab.reset_vectors(width=vectors)
        for word, row in zip(words, rows.astype("float32"), strict=True):
            nlp.vocab.set_vector(word, row)
        nlp.vocab.vectors.name = f"vectors_{seed}"
    if norms:
        lookups = Lookups()
        lookups.add_table(
            "lexeme_norm", {"colour": "color", "analyser": "analyzer", "ca": "can"}
        )
        nlp.vocab.lookups = lookups


def _tok2vec(vectors: int, embed: str = "spacy.MultiHashEmbed.v2") -> dict[str, Any]:
    return {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": embed,
            "width": 16,
            "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
            "rows": [50, 50, 50, 50],
            "include_static_vectors": bool(vectors),
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 16,
            "depth": 1,
            "window_size": 1,
            "maxout_pieces": 2,
        },
    }


def transition_model(state: str, tok2vec: dict[str, Any]) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": state,
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": tok2vec,
    }


def _train(nlp: Language, labels: Iterable[str], seed: int) -> None:
    examples = examples_of(nlp, list(labels), seed)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(15):
        nlp.update(examples, sgd=optimizer)


def examples_of(nlp: Language, labels: Sequence[str], seed: int) -> list[Example]:
    """Give every third word a label, so that there is something to compare."""
    examples = []
    for text in TEXTS:
        doc = nlp.make_doc(text)
        size, half = len(doc), len(doc) // 2
        gold = Doc(
            nlp.vocab,
            words=[token.text for token in doc],
            spaces=[bool(token.whitespace_) for token in doc],
            tags=["NN" if i % 2 else "VB" for i in range(size)],
            pos=["NOUN" if i % 2 else "VERB" for i in range(size)],
            # two sentences, each of one head and its dependents
            heads=[0 if i < half else half for i in range(size)],
            deps=["ROOT" if i in (0, half) else "dep" for i in range(size)],
            ents=[
                f"B-{labels[(i + seed) % len(labels)]}" if (i + seed) % 3 == 0 else "O"
                for i in range(size)
            ],
        )
        examples.append(Example(doc, gold))
    return examples


def save_sources(folder: Path, pipelines: dict[str, Language]) -> Path:
    """Save source pipelines by name, and the ledger beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = {}
    for name, nlp in pipelines.items():
        nlp.to_disk(folder / name)
        entry = record(name, folder / name, nlp, "path")
        ledger[name] = {**entry, "wanted": name, "found": "a SHA-256"}
    write_json(folder / "sources.json", ledger)
    return folder


def entry_of(sha256: str) -> dict[str, Any]:
    """Write an entry of sources.json of which only the SHA-256 matters."""
    text = dict.fromkeys(("name", "version", "origin", "license"), "")
    return {**text, "sha256": sha256, "labels": {}, "requirements": [], "sources": []}


@dataclass(frozen=True)
class Case:
    """A combination of doubles.

    folder: has sources/ and pipelines/. name: of the combination.
    """

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """Where the combination lies."""
        return self.folder / "pipelines" / self.name

    @property
    def isolated(self) -> bool:
        """Whether its drug NER keeps a pipeline of its own."""
        return self.folder.name.startswith("isolated")

    @property
    def resolved(self) -> bool:
        """Whether a policy decides in it."""
        return self.name == "resolved"

    @cached_property
    def nlp(self) -> Language:
        """The combination, loaded once: not to be changed."""
        return spacy.load(self.path)

    @cached_property
    def core(self) -> Language:
        """Its core, loaded once: not to be changed."""
        return spacy.load(self.folder / "sources" / "core")

    @cached_property
    def drugs(self) -> Language:
        """Its drug pipeline, loaded once: not to be changed."""
        return spacy.load(self.folder / "sources" / "drugs")

    @cached_property
    def _pickled(self) -> bytes:
        return pickle.dumps(spacy.load(self.path))

    def fresh(self) -> Language:
        """Return the combination anew, to be changed."""
        return pickle.loads(self._pickled)  # noqa: S301

    @cached_property
    def expected(self) -> list[Any]:
        """What is told of `TEXTS`, one by one."""
        return [told(self.nlp(text)) for text in TEXTS]


def told(doc: Doc) -> Any:
    """Return entities by character, where they come from, and what was decided.

    Scores are rounded, as batches of other sizes differ in the last bits.
    """
    ents = [
        (*entity(ent), ent._.ner_component, rounded(ent._.ner_score))
        for ent in doc.ents
    ]
    decided = []
    for conflict in doc._.ner_conflicts:
        sides = [conflict["winner"], *conflict["losers"]]
        decided.append(
            [
                (s["text"], s["label"], s["component"], rounded(s["score"]))
                for s in sides
                if s
            ]
        )
    return ents, decided


def entity(ent: Any) -> tuple[int, int, str]:
    """Tell an entity by its characters and label."""
    return ent.start_char, ent.end_char, ent.label_


def rounded(score: float | None) -> float | None:
    """Round a score, if there is one."""
    return None if score is None else round(score, 3)


def knowing(nlp: Language, **labels: Sequence[str]) -> Language:
    """Add rules that know labels, and find none of them, to stand for NERs by name."""
    for name, own in labels.items():
        rules: Any = nlp.add_pipe("entity_ruler", name=name)
        rules.add_patterns([{"label": label, "pattern": "xyz"} for label in own])
    return nlp


def propose(
    doc: Doc, candidates: Iterable[tuple[int, int, str, str, float | None]]
) -> Doc:
    """Write candidates into a doc: start, end, label, component, score."""
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for start, end, label, component, score in candidates:
        span = doc[start:end]
        proposal: dict[str, Any] = {"text": span.text, "label": label}
        proposal |= {"kb_id": "", "id": "", "component": component, "score": score}
        found.setdefault((span.start_char, span.end_char), []).append(proposal)
    doc._.ner_provenance = [["ner_proposals", *k, v] for k, v in found.items()]
    return doc


def teach(nlp: Language, spans: list[tuple[int, int, str]]) -> Language:
    """Teach a NER the same spans, in tokens, in all texts."""
    examples = []
    for text in TEXTS:
        gold = nlp.make_doc(text)
        gold.ents = [Span(gold, *span) for span in spans]
        examples.append(Example(nlp.make_doc(text), gold))
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    return nlp


def replay(ner: Any, doc: Doc) -> dict[tuple[int, int, str], float]:
    """Run a NER action by action, and multiply what it took.

    spaCy's own steps in Python clip what its steps in C, which find the entities, do
    not; so each step is computed here.
    """
    names = list(ner.move_names)
    (state,) = ner.moves.init_batch([doc])
    step = ner.model.predict([doc])
    lower, upper = (ner.model.get_ref(name) for name in ("lower", "upper"))
    # the first row is what stands for a token that is not there, -1
    features = lower.predict(step.tokvecs)
    softmax = []
    while not state.is_final():
        ids = step.get_token_ids([state])[0] + 1
        summed = sum(features[token, at] for at, token in enumerate(ids))
        logits = (summed + lower.get_param("b")).max(axis=1)
        if ner.model.attrs["has_upper"]:
            logits = upper.get_param("W") @ logits + upper.get_param("b")
        exp = numpy.exp(logits - logits.max())
        softmax.append(exp / exp.sum())
        ner.transition_states([state], logits.reshape((1, -1)))
    assert len(softmax) == len(doc)
    ner.set_annotations([doc], [state])
    scores = {}
    for ent in doc.ents:
        size = len(ent)
        moves = "U" if size == 1 else "B" + "I" * (size - 2) + "L"
        score = 1.0
        for at, move in enumerate(moves, ent.start):
            score *= float(softmax[at][names.index(f"{move}-{ent.label_}")])
        scores[entity(ent)] = score
    return scores


def resolve_rules(
    policy: dict[str, Any] | None = None, **phrases: dict[str, str]
) -> Language:
    """Make a pipeline in which a policy decides between rules that stand for NERs.

    phrases: by the name of each rule what it finds, with its label.
    """
    nlp = spacy.blank("en")
    for name, labels in phrases.items():
        rules: Any = nlp.add_pipe("entity_ruler", name=name)
        rules.add_patterns([{"label": v, "pattern": k} for k, v in labels.items()])
        settings = {"component": name}
        nlp.add_pipe("ner_candidates_v2", name=f"{name}_collector", config=settings)
    policy = policy or {"@misc": "ner_policy.longest.v1"}
    config = {"components": [*phrases], "policy": policy}
    nlp.add_pipe("resolve_entities_v2", name="judge", config=config)
    return nlp


def annotate(path: Path, labels: Sequence[str]) -> Path:
    """Write the texts as annotated text, JSONL: their words have the labels in turn."""
    records, turn = [], itertools.cycle(labels)
    for text in TEXTS:
        words = [token for token in spacy.blank("en")(text) if token.is_alpha]
        spans = [
            {"start": word.idx, "end": word.idx + len(word), "label": next(turn)}
            for word in words
        ]
        records.append({"text": text, "spans": spans})
    srsly.write_jsonl(path, records)
    return path


def scores_of(**combinations: tuple[float | None, float]) -> dict[str, Any]:
    """Make what `evaluate` writes, from F and speed of each combination.

    There are two sources, `core` and `other`, of which each combination keeps all;
    intervals are 0.04 wide.
    """
    best = max(combinations, key=lambda name: combinations[name][0] or 0, default=None)
    top = combinations[best][0] if best else None
    outcomes = {"correct": 5, "incorrect": 3, "partial": 0, "missed": 2, "spurious": 1}
    pipelines: dict[str, Any] = {}
    costs: dict[str, Any] = {}
    sources = {"core": (0.7, 1.2), "other": (0.8, 3.0)}
    for name, (f, speed) in (sources | combinations).items():
        score = score_of(f)
        if name in combinations and f is not None and top is not None:
            bounds = [f - top - 0.02, f - top + 0.02]
            score["difference"] = {"f": f - top, "interval": bounds}
        half, ner = (
            score_of(0.5),
            {"alone": score_of(0.7), "in_sequence": score_of(0.6)},
        )
        scope = {
            "micro": score,
            "groups": {"core": score, "other": score},
            "labels": {"A<b>|": score, "B": score_of(None)},
            "schemes": {"strict": half, "ent_type": {**half, **outcomes}},
        }
        sequence = (
            {"ner": {**ner, "lost": 3, "added": 1}} if name in combinations else {}
        )
        pipelines[name] = {
            "all_texts": scope,
            "conflict_texts": scope,
            "sequence": sequence,
        }
        if name in combinations:
            pipelines[name] |= {
                "agreement": {"core": agreement_of(1.0), "other": agreement_of(1.0)},
                "renamed": {},
                "exposed": [],
                "comparable": True,
                "advisable": True,
                "curve": [],
            }
        costs[name] = dict.fromkeys(["load_seconds", "disk_mb", "wheel_mb"], 1.0)
        costs[name] |= {"speed": speed, "words_per_second": 1e4 * speed, "memory": None}
    return {
        "texts": 10,
        "conflict_texts": 4,
        "example": False,
        "texts_read": 20,
        "places": 7,
        "groups": {"core": ["A<b>|"], "other": ["B"]},
        "best": best,
        "draws": 1000,
        "pipelines": pipelines,
        "costs": costs,
        "separately": {"words_per_second": 1e4},
        "machine": "a machine",
        "versions": {"spacy": "3"},
    }


def agreement_of(share: float | None) -> dict[str, Any]:
    """Make the agreement of a combination with a source outside of collisions."""
    lost = [{"entity": "<b>", "label": "A", "times": 2, "in": "a <b>"}]
    part = {
        "agreement": share,
        "interval": [share, share],
        "found": 20,
        "kept": 18,
        "added": 1,
        "labels": {"A<b>|": {"found": 20, "kept": 18, "added": 1}},
        "most_lost": lost,
        "most_added": [],
    }
    return {"collateral": part, "decided": part}


def score_of(f: float | None) -> dict[str, Any]:
    """Make a score whose interval is 0.04 wide; None where there is no entity."""
    bounds = [None, None] if f is None else [f - 0.02, f + 0.02]
    return {"p": f, "r": f, "f": f, "interval": bounds}


def copy_project(target: Path, *, made: bool = False) -> Path:
    """Copy what git knows of the project, and what was made by it if asked for."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listing.stdout.splitlines():
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    for name in MADE if made else []:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, target / name, dirs_exist_ok=True)
    if made and (ROOT / "project.lock").exists():
        shutil.copy(ROOT / "project.lock", target)
    return target


def run_here(name: str, **variables: str) -> str:
    """Run a command or workflow of the plan in this process and folder.

    RETURNS: what was printed.
    """
    overrides = {f"vars.{key}": value for key, value in variables.items()}
    plan = load_project_config(Path(), overrides=overrides)
    commands = {command["name"]: command for command in plan["commands"]}
    printed = ""
    for step in plan["workflows"].get(name, [name]):
        for line in commands[step]["script"]:
            # python -B scripts/command.py ...
            _, _, script, *arguments = shlex.split(line)
            app = typer.Typer(rich_markup_mode=None)
            app.command()(importlib.import_module(Path(script).stem).main)
            done = CliRunner().invoke(app, arguments)
            printed += done.output
            assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"
    return printed


def train_briefly(project: Path, *configs: str, steps: int = 100) -> None:
    """Let training configs of a copy end early, where it does not matter how well."""
    for name in configs:
        path = project / "configs" / f"{name}.cfg"
        config = util.load_config(path)
        config["training"] |= {"max_steps": steps, "eval_frequency": steps}
        config.to_disk(path, interpolate=False)


def run_project(
    project: Path, *arguments: str, module: str = "spacy project", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m spacy project run ...` in a project."""
    # the project's folder stands between the command and its options
    command, *options = arguments
    # a person has not set it; with it, no compiled file would show that -B is missing
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, "-m", *module.split(), "run", command, ".", *options],
        cwd=project,
        env={**inherited, **env},
        capture_output=True,
        text=True,
    )


def ents(pipeline: Path) -> list[tuple[str, str]]:
    """Find the entities of the sample."""
    return [(ent.text, ent.label_) for ent in spacy.load(pipeline)(SAMPLE).ents]


@contextlib.contextmanager
def serve(project: Path) -> Iterator[str]:
    """Serve the page of a built project by its command, and tell its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = ["spacy", "project", "run", "visualize-model", "."]
    command += ["--vars.headless", "true", "--vars.port", port]
    log = project / "page.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://localhost:{port}"
    try:
        for _ in range(240):
            time.sleep(0.5)
            if answers(url) or server.poll() is not None:
                break
        assert answers(url), log.read_text()
        yield url
    finally:
        # as Ctrl-C does: to the command and to what it has started
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGINT)
        server.wait(20)
    printed = log.read_text()
    assert not answers(url)
    assert "Traceback" not in printed, printed


def answers(url: str) -> bool:
    """Tell whether the page is served."""
    try:
        with requests.Session() as session:
            # a test may have set a proxy
            session.trust_env = False
            return session.get(f"{url}/_stcore/health", timeout=2).ok
    except requests.RequestException:
        return False


def run_command(command: str, args: list[str]) -> tuple[int, str]:
    """Run a command in this process; an error that it lets through is raised."""
    app = typer.Typer(add_completion=False)
    app.command()(importlib.import_module(command).main)
    done = CliRunner().invoke(app, args, env={"COLUMNS": "1000", "NO_COLOR": "1"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())
