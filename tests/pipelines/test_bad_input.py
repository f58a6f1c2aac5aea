"""What a person gets wrong is named, ends in a failure, and costs nothing.

Each row damages a copy of a small project that is sound, and runs one command.
"""

import contextlib
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.tokens import DocBin

import compare
import start
from helpers import ROOT, USUAL, run_command

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Cut:
    """Only so much of a file is left."""

    share: float = 0.5


@dataclass(frozen=True)
class Put:
    """Text of a file is replaced."""

    old: str
    new: str


@dataclass(frozen=True)
class Folder:
    """A folder stands there instead."""


# None: it is not there
Damage = Cut | Put | Folder | bytes | str | None


# the checksum of no file
OTHER = f"#sha256={'0' * 64}"


@dataclass(frozen=True)
class Bad:
    """A mistake.

    command: what is run. says: what is to be read, in this order.
    damage: by path what happened to a file or folder.
    args: instead of the usual arguments; of `start`, behind its command.
    less: what is done without what is damaged, as a glob.
    """

    command: str
    says: tuple[str, ...]
    damage: Mapping[str, Damage] = field(default_factory=dict)
    args: str | list[str] | None = None
    less: str = ""


def jsonl(*records: Any) -> str:
    return "".join(f"{srsly.json_dumps(record)}\n" for record in records)


def spanned(text: str, start: Any, end: Any, label: Any = "DRUG") -> str:
    span = {"start": start, "end": end, "label": label}
    return jsonl({"text": "sound"}, {"text": text, "spans": [span]})


def docbin(*texts: str) -> bytes:
    return DocBin(docs=[spacy.blank("en")(text) for text in texts]).to_bytes()


def told(old: str, new: str) -> dict[str, Damage]:
    """Change resolved.cfg."""
    return {"configs/resolved.cfg": Put(old, new)}


def first(old: str, new: str) -> dict[str, Damage]:
    """Change drug_first.cfg."""
    return {"configs/drug_first.cfg": Put(old, new)}


TEST, TRAIN = "assets/test.jsonl", "assets/drugs_train.jsonl"
FIRST, RESOLVED = "configs/drug_first.cfg", "configs/resolved.cfg"
SINGLE, DRUGS = "configs/single_ner.cfg", "configs/drugs.cfg"
GOLD, DEV = "corpus/test.spacy", "corpus/joint_dev.spacy"
LEDGER, SCORES, README = "sources/sources.json", "metrics/scores.json", "README.md"
POLICY = '@misc = "ner_policy.longest.v1"'
OF_DRUGS = "source = ${paths.drugs}"
ORDER = 'pipeline = ["ner_drug","ner"]'
UTF16 = "Hallo\n".encode("utf-16-le")
START, END = compare.START, compare.END
# a NER of one's own that is trained here, on text of one's own
OWN = (
    "sources core=mine/core drugs=en_ner_nowhere "
    f"--text drugs.train={TRAIN} --text drugs.dev=dev.jsonl"
)
SOUND_DEV = {"dev.jsonl": spanned("some dope", 5, 9)}

# the files that commands read and that are no pipelines
DATA = {
    "text missing": Bad("convert", (TEST, "there is no such file"), {TEST: None}),
    "text empty": Bad("convert", (TEST, "no accepted record"), {TEST: ""}),
    "text rejected": Bad(
        "convert",
        (TEST, "no accepted record"),
        {TEST: jsonl({"text": "a", "answer": "reject"})},
    ),
    "text binary": Bad(
        "convert", (TEST, "not UTF-8", "save it as UTF-8"), {TEST: bytes(range(256))}
    ),
    "text UTF-16": Bad(
        "convert", (f"{TEST}, line 1: null bytes", "save it as UTF-8"), {TEST: UTF16}
    ),
    "text UTF-16 with a mark": Bad(
        "convert", (TEST, "not UTF-8"), {TEST: "{}".encode("utf-16")}
    ),
    "null bytes": Bad(
        "convert",
        (f"{TEST}, line 2: null bytes",),
        {TEST: b'{"text": "a"}\n{"text": "a\0b"}\n'},
    ),
    "no JSON": Bad(
        "convert", (f"{TEST}, line 2: not JSON",), {TEST: '{"text": "a"}\n{oops\n'}
    ),
    "no text in a record": Bad(
        "convert", (f"{TEST}, line 1: not an object with a `text`",), {TEST: '{"a": 1}'}
    ),
    "too deep": Bad(
        "convert", (TEST, "not JSON (too deep)"), {TEST: "[" * 10**5 + "]" * 10**5}
    ),
    "table under another name": Bad(
        "convert", (f"{TEST}, line 1: not JSON",), {TEST: "text,label\nhe,DRUG\n"}
    ),
    "span off": Bad(
        "convert",
        (f"{TEST}, line 2: the span 0-9 'dope' is not inside the text of 4",),
        {TEST: spanned("dope", 0, 9)},
    ),
    "span in a token": Bad(
        "convert",
        (f"{TEST}, line 2: the span 5-8 'dop' does not start and end with", "--widen"),
        {TEST: spanned("some dope", 5, 8)},
    ),
    "span with space": Bad(
        "convert",
        (f"{TEST}, line 2: the span 4-9 ' dope' starts or ends in white", "--trim"),
        {TEST: spanned("some dope", 4, 9)},
    ),
    "span of words": Bad(
        "convert", (f"{TEST}, line 2", "whole numbers"), {TEST: spanned("a", "0", "1")}
    ),
    "label blank": Bad(
        "convert",
        (f"{TEST}, line 2: the span 0-4 'dope'", 'the label " ", which is no name'),
        {TEST: spanned("dope", 0, 4, " ")},
    ),
    "label half a character": Bad(
        "convert",
        (f"{TEST}, line 1: the span 0-4 'dope'", "which is no name"),
        {
            TEST: '{"text": "dope", "spans": [{"start": 0, "end": 4, '
            '"label": "\\ud800"}]}'
        },
    ),
    "label not looked for": Bad(
        "convert",
        ("entities of DATE, GPE, MONEY, ORG, PERSON", "more than DRUG"),
        args=f"{USUAL['convert']} --annotated DRUG",
    ),
    "neither format": Bad(
        "convert",
        ("corpus/test.txt", ".jsonl file, or .spacy with --pipeline"),
        args=f"{TEST} corpus/test.txt",
    ),
    "argument missing": Bad("convert", ("Missing argument",), args=TEST),
    "option misspelt": Bad(
        "convert", ("No such option",), args=f"{USUAL['convert']} --pipelin x"
    ),
    "texts missing": Bad(
        "evaluate", ("texts.txt: there is no such file or folder",), {"texts.txt": None}
    ),
    "texts empty": Bad(
        "evaluate", ("texts.txt: there is no text",), {"texts.txt": "\n\n"}
    ),
    "texts UTF-16": Bad(
        "evaluate", ("texts.txt, line 1: null bytes",), {"texts.txt": UTF16}
    ),
    "texts of another kind": Bad(
        "evaluate",
        ("t.pdf", "of no format that is known"),
        {"t.pdf": b"%PDF-1.4\xe2\xe3\0"},
        USUAL["evaluate"].replace("texts.txt", "t.pdf"),
    ),
    "folder without texts": Bad(
        "evaluate",
        ("more: there is no text in it",),
        {"more/x.md": "text"},
        USUAL["evaluate"].replace("texts.txt", "more"),
    ),
    "test text broken since": Bad(
        "evaluate", (f"{TEST}, line 1: not JSON",), {TEST: "oops"}
    ),
    "gold missing": Bad(
        "evaluate", (GOLD, "there is no such file", "`convert`"), {GOLD: None}
    ),
    "gold cut": Bad("check_fidelity", (f"{GOLD}: no .spacy file",), {GOLD: Cut()}),
    "gold is text": Bad("tune", (f"{DEV}: no .spacy file",), {DEV: "hello"}),
    "gold of another type": Bad(
        "conflict_report",
        (f"{GOLD}: no .spacy file",),
        {GOLD: zlib.compress(srsly.msgpack_dumps({"attrs": []}))},
    ),
    "gold without docs": Bad(
        "evaluate", (f"{GOLD}: there is no text in it",), {GOLD: docbin()}
    ),
    "gold is a folder": Bad(
        "check_fidelity", (f"{GOLD}: there is no such file",), {GOLD: Folder()}
    ),
    "gold without annotation": Bad(
        "tune", ("there is no entity in the annotated text",), {DEV: docbin("Anna.")}
    ),
    "texts of a report": Bad(
        "conflict_report",
        ("x.csv",),
        {"x.csv": "a;b"},
        "pipelines/resolved x.csv metrics/conflicts.json",
    ),
    "text to learn from broken": Bad(
        "train_alternatives",
        (f"{TRAIN}, line 2: the span 0-9 'a' is not inside",),
        {TRAIN: spanned("a", 0, 9), "corpus/merged_dev.spacy": "earlier"},
        less="corpus/merged_dev.spacy",
    ),
    "nothing left to learn from": Bad(
        "train_alternatives",
        ("assets/joint_dev.jsonl: no text is left", f"than those in {TEST}"),
        args=USUAL["train_alternatives"].replace("--test texts.txt", f"--test {TEST}"),
    ),
    "text to train on without a span": Bad(
        "sources",
        (f"{TRAIN}: there is no span in it, so nothing to learn from",),
        {TRAIN: jsonl({"text": "a"}), **SOUND_DEV},
        OWN,
    ),
    "label that training does not know": Bad(
        "sources",
        ("dev.jsonl, line 2: the span 0-4 'dope' has the label FOO", "it has DRUG"),
        {"dev.jsonl": spanned("dope", 0, 4, "FOO")},
        OWN,
    ),
}

# configs, which people edit
SETTINGS = {
    "config missing": Bad("assemble", (FIRST, "there is no such file"), {FIRST: None}),
    "config is a folder": Bad("assemble", (FIRST, "no such file"), {FIRST: Folder()}),
    "config empty": Bad("assemble", (f"{FIRST} has no section [nlp]",), {FIRST: ""}),
    "config binary": Bad("assemble", (f"{FIRST}: not UTF-8",), {FIRST: b"\xff\xfe\0"}),
    "config UTF-16": Bad("assemble", (f"{FIRST}, line 1: null bytes",), {FIRST: UTF16}),
    "config JSON": Bad("assemble", (f"{FIRST}: no valid config",), {FIRST: "{}"}),
    "syntax error": Bad(
        "assemble",
        (f"{FIRST}: no valid config", "line 6", "[nlp"),
        first("[nlp]", "[nlp"),
    ),
    "section twice": Bad(
        "assemble", (FIRST, "'nlp' already exists"), first("[initialize]", "[nlp]")
    ),
    "reference misspelt": Bad(
        "assemble", (FIRST, "paths.cor"), first("${paths.core}", "${paths.cor}")
    ),
    "references in a circle": Bad(
        "assemble",
        (f"{FIRST}: no valid config", "Recursion limit exceeded"),
        first('"sources/drugs"', "${paths.drugs}"),
    ),
    "pipeline built from itself": Bad(
        "assemble",
        (f"{FIRST}: pipelines/drug_first cannot be built from itself",),
        first("sources/core", "pipelines/drug_first"),
    ),
    "section misspelt": Bad(
        "assemble", (FIRST, "'components'"), first("[components]", "[component]")
    ),
    "source not in paths": Bad(
        "assemble",
        (FIRST, "ner_drug is of elsewhere, which is not among [paths]"),
        first("${paths.drugs}", '"elsewhere"'),
    ),
    "source that is none": Bad(
        "assemble",
        (f"{FIRST}: drugs = sources/nowhere is no pipeline", "`sources`"),
        first("sources/drugs", "sources/nowhere"),
    ),
    "pipeline null": Bad(
        "assemble",
        (FIRST, "`pipeline` in [nlp] is None"),
        first(ORDER, "pipeline=null"),
    ),
    "pipeline no list": Bad(
        "assemble",
        (FIRST, "`pipeline` in [nlp] is 'ner'", "a list of names"),
        first(ORDER, 'pipeline = "ner"'),
    ),
    "pipeline nested": Bad(
        "assemble", (FIRST, "a list of names"), first(ORDER, 'pipeline = [["ner"]]')
    ),
    "component twice": Bad(
        "assemble",
        (f"{FIRST}: nlp.pipeline has ner twice",),
        first(ORDER, 'pipeline = ["ner","ner_drug","ner"]'),
    ),
    "component unknown": Bad(
        "assemble",
        (FIRST, "[components.gene] must have a source or a factory"),
        first(ORDER, 'pipeline = ["ner","gene"]'),
    ),
    "component that the source lacks": Bad(
        "assemble",
        (f"{FIRST}: the component 'gene_ner' of drugs is not there", "tok2vec, ner"),
        first(OF_DRUGS, f'{OF_DRUGS}\ncomponent = "gene_ner"'),
    ),
    "component that is no NER": Bad(
        "assemble",
        (FIRST, "'tagger' of core writes no entities", "take ner"),
        first("source = ${paths.core}", 'source = ${paths.core}\ncomponent = "tagger"'),
    ),
    "nothing of the core": Bad(
        "assemble",
        (f"{FIRST}: nlp.pipeline takes nothing from core",),
        first(ORDER, 'pipeline = ["ner_drug"]'),
    ),
    "setting that a source cannot have": Bad(
        "assemble",
        (f"{FIRST}: [components.ner_drug] has tempo", "component, replace_listeners"),
        first(OF_DRUGS, f"{OF_DRUGS}\ntempo = 1"),
    ),
    "listener that is none": Bad(
        "assemble",
        (f"{FIRST}: [components.ner_drug] is unsound", "model.foo"),
        first("model.tok2vec", "model.foo"),
    ),
    "factory unknown": Bad(
        "assemble",
        (f"{RESOLVED}: [components.resolve] is unsound", "resolve_v9"),
        told("resolve_entities_v2", "resolve_v9"),
    ),
    "setting misspelt": Bad(
        "assemble",
        (RESOLVED, "[components.ner_candidates]", "unexpected argument: 'tempo'"),
        told("temperature = 1.66", "tempo = 1.66"),
    ),
    "setting of the wrong type": Bad(
        "assemble",
        (RESOLVED, "[components.ner_candidates]", "temperature", "'warm' is not"),
        told("temperature = 1.66", 'temperature = "warm"'),
    ),
    "number out of range": Bad(
        "assemble",
        (RESOLVED, "temperature is -1, but must be above 0"),
        told("temperature = 1.66", "temperature = -1"),
    ),
    "policy unknown": Bad(
        "assemble",
        (RESOLVED, "[components.resolve]", "ner_policy.longst.v1"),
        told("ner_policy.longest.v1", "ner_policy.longst.v1"),
    ),
    "policy missing": Bad(
        "assemble",
        (RESOLVED, "missing required argument: 'policy'"),
        told(f"[components.resolve.policy]\n{POLICY}", ""),
    ),
    "policy of no such component": Bad(
        "assemble",
        (f"{RESOLVED}: the policy of resolve names the component foo", "ner, ner_drug"),
        told(POLICY, '@misc = "ner_policy.priority.v1"\ncomponents = ["ner","foo"]'),
    ),
    "policy that is another function": Bad(
        "assemble",
        (f"{RESOLVED}: the policy of resolve is none", "spans"),
        told("ner_policy.longest.v1", "spacy.prioritize_new_ents_filter.v1"),
    ),
    "nothing to decide between": Bad(
        "assemble",
        (f"{RESOLVED}: resolve has no components to decide between",),
        told('components = ["ner","ner_drug"]', "components = []"),
    ),
    "decided before it is collected": Bad(
        "assemble",
        (f"{RESOLVED}: resolve names the component ner, which is not there",),
        told(
            '["ner","ner_candidates","ner_drug","ner_drug_candidates","resolve"]',
            '["ner","resolve","ner_candidates","ner_drug","ner_drug_candidates"]',
        ),
    ),
    "config of training": Bad(
        "assemble", (SINGLE, "is no pipeline"), args=f"pipelines {SINGLE}"
    ),
    "config to train: setting twice": Bad(
        "train_alternatives",
        (SINGLE, "option 'lang' in section 'nlp' already exists"),
        {SINGLE: Put('lang = "en"', 'lang = "en"\nlang = "en"')},
    ),
    "config to train: no training": Bad(
        "train_alternatives",
        (f"{FIRST} has no section [training]",),
        args=USUAL["train_alternatives"].replace(SINGLE, FIRST),
    ),
    "config to train: reference": Bad(
        "train_alternatives",
        (SINGLE, "size.widht"),
        {SINGLE: Put("${size.width}", "${size.widht}")},
    ),
    "config to train: no such place": Bad(
        "train_alternatives",
        (f"{SINGLE}: none of its components (foo) is one of the core's", "ner"),
        {SINGLE: Put("ner", "foo")},
    ),
    "config to train: block missing": Bad(
        "train_alternatives",
        (f"{SINGLE}: nlp.pipeline has ner, so [components.ner] must",),
        {SINGLE: Put("[components.ner", "[components.nerx")},
    ),
    "config to train: size missing": Bad(
        "train_alternatives",
        (f"{SINGLE} has no section [small]",),
        {SINGLE: Put("[small]", "[smal]")},
    ),
    "config to train a source": Bad(
        "sources",
        (f"{DRUGS}: no valid config", "paths.trian"),
        {DRUGS: Put("${paths.train}", "${paths.trian}"), **SOUND_DEV},
        OWN,
    ),
    "config to train a source: factory": Bad(
        "sources",
        (f"{DRUGS}: nothing can be trained by it", "nerx"),
        {DRUGS: Put('factory = "ner"', 'factory = "nerx"'), **SOUND_DEV},
        OWN,
    ),
    "config to train a source: paths": Bad(
        "sources", (f"{DRUGS}: [paths] must have train", ""), {DRUGS: ""}, OWN
    ),
    "offer that is none": Bad(
        "sources",
        ("configs/sources.cfg: [en_foo] has archive = 3", "in quotes"),
        {"configs/sources.cfg": "[en_foo]\narchive = 3\n"},
        "sources core=en_foo",
    ),
    "offer misspelt": Bad(
        "sources",
        ("configs/sources.cfg: [en_foo] has archiv", "archive and index"),
        {"configs/sources.cfg": '[en_foo]\narchiv = "https://x.example"\n'},
        "sources core=en_foo",
    ),
    "offer of no address": Bad(
        "sources",
        ("nonsense: no address",),
        {"configs/sources.cfg": f'[en_foo]\narchive = "nonsense{OTHER}"\n'},
        "sources core=en_foo",
    ),
    "offer without a checksum": Bad(
        "sources",
        ("https://localhost/x.whl: without a checksum",),
        {"configs/sources.cfg": '[en_foo]\narchive = "https://localhost/x.whl"\n'},
        "sources core=en_foo",
    ),
    "tuned config missing": Bad("tune", (RESOLVED, "no such file"), {RESOLVED: None}),
    "tuned config latin": Bad(
        "tune", (f"{RESOLVED}: not UTF-8",), {RESOLVED: b"# \xe4\n[nlp]\n"}
    ),
    "tuned config of another pipeline": Bad(
        "tune",
        (f"{FIRST} is the config of another pipeline",),
        args=USUAL["tune"].replace(RESOLVED, FIRST),
    ),
}

# what is to be downloaded: what is amiss, its address, what happened to it
ARCHIVES: list[tuple[str, str, dict[str, Damage], tuple[str, ...]]] = [
    ("cut", "drugs.tar.gz", {"drugs.tar.gz": Cut(0.9)}, ("damaged", "get it anew")),
    ("that is none", "x.whl", {"x.whl": "hello"}, ("x.whl: damaged",)),
    ("of another kind", "drugs.tar.gz", {"drugs.tar.gz": "x"}, ("damaged",)),
    ("with another checksum", f"drugs.tar.gz{OTHER}", {}, ("but 0000", "is due")),
    ("with paths outside", "evil.tar.gz", {}, ("evil.tar.gz: refused", "outside")),
    ("without a pipeline", "empty.tar.gz", {}, ("0 folders with config.cfg",)),
    ("missing", f"nowhere.whl{OTHER}", {}, ("the server answered 404",)),
]
# pipelines: sources and combinations
META = "pipelines/drug_first/meta.json"
PIPELINES = {
    "source missing": Bad(
        "convert", ("sources/core does not load",), {"sources/core": None}
    ),
    "source empty": Bad(
        "check_fidelity",
        ("sources/core does not load", "meta.json"),
        {"sources/core": Folder()},
    ),
    "source cut": Bad(
        "assemble",
        ("sources/core does not load",),
        {"sources/core/ner/model": Cut()},
    ),
    "vectors cut": Bad(
        "assemble",
        ("sources/core does not load", "Failed to read all data"),
        {"sources/core/vocab/vectors": Cut()},
    ),
    "made by a newer spaCy": Bad(
        "convert",
        ("sources/core does not load", "ner_of_spacy_9"),
        {"sources/core/config.cfg": Put('factory = "ner"', 'factory="ner_of_spacy_9"')},
    ),
    "given folder empty": Bad(
        "sources",
        ("mine/drugs: no folder of a pipeline", "config.cfg"),
        {"mine/drugs": Folder()},
    ),
    "given folder without meta.json": Bad(
        "sources",
        ("mine/drugs: no folder of a pipeline", "meta.json"),
        {"mine/drugs/meta.json": None},
    ),
    "given wheel": Bad(
        "sources",
        ("x.whl: no folder of a pipeline", "install it and give the package's name"),
        {"x.whl": "PK"},
        "sources core=mine/core drugs=x.whl",
    ),
    "given folder with all in it": Bad(
        "sources", (".: no folder of a pipeline",), args="sources core=."
    ),
    "given pipeline cut": Bad(
        "sources",
        ("mine/drugs: it does not load and run on spaCy",),
        {"mine/drugs/ner/model": Cut()},
    ),
    "given meta.json cut": Bad(
        "sources",
        ("mine/drugs: it does not load and run on spaCy",),
        {"mine/drugs/meta.json": Cut()},
    ),
    "given pipeline without a NER": Bad(
        "sources",
        ("mine/drugs: no component", "enable what does"),
        {"mine/drugs/config.cfg": Put('["tok2vec", "ner"]', '["tok2vec"]')},
    ),
    **{
        f"archive {what}": Bad(
            "sources",
            says,
            damaged | {"configs/sources.cfg": f'[en_foo]\narchive = "HOST/{url}"\n'},
            "sources core=mine/core drugs=en_foo --origin official",
        )
        for what, url, damaged, says in ARCHIVES
    },
    "package that is none": Bad(
        "sources",
        ("en_nowhere: neither an installed package nor a folder",),
        args="sources core=mine/core drugs=en_nowhere",
    ),
    "package without a pipeline": Bad(
        "sources",
        ("typer: the installed package holds no pipeline",),
        args="sources core=mine/core drugs=typer",
    ),
    "origin and path": Bad(
        "sources",
        ("core: origin embedded", "mine/core is a pipeline"),
        args=f"{USUAL['sources']} --origin embedded",
    ),
    "no sources": Bad(
        "evaluate", (f"{LEDGER}: there is no such file", "`sources`"), {LEDGER: None}
    ),
    "sources.json cut": Bad(
        "evaluate", (f"{LEDGER} is not what `sources` writes",), {LEDGER: Cut()}
    ),
    "sources.json a list": Bad(
        "train_alternatives",
        (f"{LEDGER} is not what `sources` writes", "no source in it"),
        {LEDGER: "[]"},
    ),
    "sources.json edited": Bad(
        "tune",
        (f"{LEDGER} is not what `sources` writes", "core has license 3"),
        {LEDGER: Put('"license":"MIT"', '"license":3')},
    ),
    "sources.json lacks a key": Bad(
        "package",
        (f"{LEDGER} is not what `sources` writes", "KeyError: 'sha256'"),
        {LEDGER: Put('"sha256"', '"sha1"')},
    ),
    "sources.json damaged, config changed": Bad(
        "assemble",
        (f"{LEDGER} is not what `sources` writes",),
        {LEDGER: '{"core": 3}', **first("# The", "# As the")},
    ),
    "no combination": Bad("check_fidelity", ("nowhere does not load",), args="nowhere"),
    "source for a combination": Bad(
        "check_fidelity",
        ("sources/core is no combination", "`assemble`"),
        args="sources/core",
    ),
    "module for a package": Bad(
        "check_fidelity", ("typer does not load",), args="typer"
    ),
    "combination twice": Bad(
        "check_fidelity",
        ("resolved: several combinations of one name",),
        args="pipelines/resolved pipelines/resolved",
    ),
    "combination without meta.json": Bad(
        "check_fidelity", ("pipelines/drug_first does not load",), {META: None}
    ),
    "combination of another release": Bad(
        "check_fidelity",
        ("pipelines/drug_first was built by another release", "`assemble`"),
        {META: Put('"combination":{', '"combination":3,"x":{')},
    ),
    "combination of other sources": Bad(
        "check_fidelity",
        ("made from 'dregs', which is not among the sources (core, drugs)",),
        {META: Put('"source":"drugs"', '"source":"dregs"')},
    ),
    "combination that decides nothing": Bad(
        "conflict_report",
        ("no component of the pipeline decides", "resolve_entities_v2"),
        args="pipelines/drug_first corpus/test.spacy metrics/conflicts.json",
    ),
    "combination cut, others measured": Bad(
        "evaluate",
        ("pipelines/resolved does not load", "Not all could be measured"),
        {"pipelines/resolved/ner/model": Cut()},
        less="metrics/*",
    ),
    "meta.json a list": Bad(
        "package",
        ("No wheel of pipelines/drug_first", f"{META} is not what `assemble` writes"),
        {META: "[]", **dict.fromkeys(("pipelines/drug_last", "pipelines/resolved"))},
    ),
    "nothing to package": Bad(
        "package", ("pipelines: no whole combination",), {"pipelines": Folder()}
    ),
    "packages of other sources": Bad(
        "package",
        ("drug_first: it was made from other sources", "No wheel was made"),
        {LEDGER: Put('"sha256":"', '"sha256":"0')},
    ),
    "package of what is cut": Bad(
        "package",
        ("No wheel of pipelines/drug_first", "does not load"),
        {
            "pipelines/drug_first/ner/model": Cut(),
            **dict.fromkeys(("pipelines/drug_last", "pipelines/resolved")),
        },
    ),
}

# what commands have written for others
RESULTS = {
    "scores missing": Bad("compare", (f"There is no {SCORES}",), {SCORES: None}),
    "scores cut": Bad(
        "compare",
        (f"{SCORES} is not what `evaluate` writes", "command `evaluate`"),
        {SCORES: Cut()},
    ),
    "scores binary": Bad("compare", (f"{SCORES} is not",), {SCORES: b"\xff\xfe\0"}),
    "scores a list": Bad("compare", (f"{SCORES} is not what",), {SCORES: "[]"}),
    "scores of an earlier version": Bad(
        "compare",
        (f"{SCORES} is not what `evaluate` writes (KeyError: 'costs')",),
        {SCORES: Put('"costs"', '"cost"')},
    ),
    "scores as output": Bad(
        "compare",
        (f"{SCORES} would be replaced; give another output",),
        args=f"{SCORES} {SCORES} {README}",
    ),
    "README as output": Bad(
        "compare",
        (f"{README} would be replaced",),
        args=f"{SCORES} README.json {README}",
    ),
    **{
        f"output of {command} that is another file": Bad(
            command, ("Invalid value", f"{GOLD} is no name of a JSON file"), args=args
        )
        for command, args in [
            ("conflict_report", f"pipelines/resolved {GOLD} {GOLD}"),
            ("tune", f"pipelines/resolved {DEV} {RESOLVED} {GOLD}"),
            ("check_fidelity", f"pipelines/resolved --output {GOLD}"),
            ("compare", f"{SCORES} {GOLD} {README}"),
            ("evaluate", USUAL["evaluate"].replace("metrics/scores.json", GOLD)),
        ]
    },
    "README missing": Bad(
        "compare", ("README.md was not changed", "no such file"), {README: None}
    ),
    "README without markers": Bad(
        "compare", ("README.md was not changed", "it needs the lines"), {README: "Hi"}
    ),
    "README with two starts": Bad(
        "compare",
        ("README.md was not changed", "once"),
        {README: f"{START}\nmine\n{START}\n{END}\n"},
    ),
    "README with two ends": Bad(
        "compare", ("not changed", "once"), {README: f"{START}\n{END}\nmine\n{END}\n"}
    ),
    "README with markers in the wrong order": Bad(
        "compare", ("in this order",), {README: f"{END}\nmine\n{START}\n"}
    ),
    "README latin": Bad(
        "compare",
        ("README.md: not UTF-8",),
        {README: f"{START}\n\xe4\n{END}".encode("latin1")},
    ),
    "scores cut, packaged": Bad(
        "package",
        (f"{SCORES} is not what `evaluate` writes", "No wheel was made"),
        {SCORES: Cut()},
    ),
    "scores of another shape, packaged": Bad(
        "package", (f"{SCORES} is not what",), {SCORES: '{"pipelines": 3}'}
    ),
}

# values of options, which variables become
VALUES = {
    "version": Bad(
        "package",
        ("version 1.x.y: no version; one is 0.1.0",),
        args=USUAL["package"].replace("0.1.0", "1.x.y"),
    ),
    **{
        f"prefix {prefix}": Bad(
            "package",
            (f"prefix {prefix!r}: it must be letters",),
            args=[
                *USUAL["package"].replace("--prefix drug", "").split(),
                f"--prefix={prefix}",
            ],
        )
        for prefix in ("", "a b", "a/b", "../a", "-a", "a-b", "ä", "1a", "_a", "a_")
    },
    **{
        f"{command} {option}": Bad(
            command,
            ("Invalid value for", f"--{option}", "'foo' is not one of"),
            args=f"{USUAL[command]} --{option} foo",
        )
        for command, option in [
            ("sources", "origin"),
            ("assemble", "keep"),
            ("check_fidelity", "keep"),
            ("train_alternatives", "size"),
            ("train_alternatives", "fill"),
            ("train_alternatives", "keep"),
            ("convert", "offsets"),
        ]
    },
    "source without a name": Bad(
        "sources",
        ("mine/core: not of the form NAME=VALUE",),
        args="sources mine/core",
    ),
    "source whose name is a path": Bad(
        "sources",
        ("../core=mine/core: not of the form",),
        args="sources ../core=mine/core",
    ),
    "source twice": Bad(
        "sources",
        ("core=mine/drugs: core is mine/core already",),
        args="sources core=mine/core core=mine/drugs",
    ),
    "text of no source": Bad(
        "sources",
        ("--text gene.dev", "core, drugs"),
        args=f"{USUAL['sources']} --text gene.dev={TEST}",
    ),
    "variable misspelt": Bad(
        "start", ("--vars.drug: no such variable", "drugs"), args=["--vars.drug", "x"]
    ),
    "variable without a value": Bad(
        "start", ("--vars.core needs a value",), args=["--vars.core"]
    ),
    "value with a space": Bad(
        "start", ("'my text' has a space",), args=["--vars.test", "my text"]
    ),
    "value with a quote": Bad(
        "start", ("cannot be handed on",), args=["--vars.test", "it's"]
    ),
    **{
        f"port {port}": Bad(
            "start",
            (f"--vars.port: {port!r} is no port; one is 8501",),
            args=[f"--vars.port={port}"],
        )
        for port in ("abc", "99999", "-1", "0", "80.5")
    },
    "address": Bad(
        "start",
        ("--vars.address: '300.1.1.1' is no address of this machine",),
        args=["--vars.address", "300.1.1.1"],
    ),
    "address of another machine": Bad(
        "start",
        ("is no address of this machine",),
        args=["--vars.address", "192.0.2.1"],
    ),
}

BAD = {**DATA, **SETTINGS, **PIPELINES, **RESULTS, **VALUES}


@pytest.fixture
def project(sound: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy, and the folder that commands run in."""
    folder = shutil.copytree(sound, tmp_path / "project")
    with contextlib.chdir(folder):
        yield folder


@pytest.fixture
def host(project: Path) -> Iterator[str]:
    """The address that the project's files are served at."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(project))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def served(text: str, project: Path, host: str) -> str:
    """Write where HOST is, and behind a file that has no checksum its own."""

    def pin(match: re.Match[str]) -> str:
        digest = hashlib.sha256((project / match[1]).read_bytes()).hexdigest()
        return f"{match[0]}#sha256={digest}"

    return re.sub(r"HOST/([\w.]+)(?=\")", pin, text).replace("HOST", host)


def damage(path: Path, how: Damage) -> None:
    """Do to a file or folder what has happened to it."""
    match how:
        case Cut():
            content = path.read_bytes()
            path.write_bytes(content[: int(how.share * len(content))])
        case Put():
            text = path.read_text(encoding="utf8")
            assert how.old in text
            path.write_text(text.replace(how.old, how.new), encoding="utf8")
        case _:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.parent.mkdir(exist_ok=True)
            if isinstance(how, Folder):
                path.mkdir()
            elif how is not None:
                path.write_bytes(how.encode() if isinstance(how, str) else how)


def contents(folder: Path, without: str) -> dict[str, bytes]:
    """Read all files but those of a glob, by their path."""
    left_out = {*folder.glob(without)} if without else set()
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path not in left_out
    }


def run_start(args: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Run the first command of the README up to where it would make an environment."""
    monkeypatch.setattr(sys, "argv", ["start.py", "visualize-model", *args])
    monkeypatch.setattr(start, "prepare", sys.exit)
    with pytest.raises(SystemExit) as end:
        start.main()
    return int(isinstance(end.value.code, str)), str(end.value.code)


@pytest.mark.parametrize("bad", BAD.values(), ids=[*BAD])
def test_mistake_is_named_and_costs_nothing(
    bad: Bad, project: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, how in bad.damage.items():
        at_host = served(how, project, host) if type(how) is str else how
        damage(project / path, at_host)
    before = contents(project, bad.less)
    args = USUAL[bad.command] if bad.args is None else bad.args
    listed = args.split() if isinstance(args, str) else args
    if bad.command == "start":
        status, output = run_start(listed, monkeypatch)
    else:
        status, output = run_command(bad.command, listed)
    assert status
    at = 0
    for part in bad.says:
        assert part in output[at:], output
        at = output.index(part, at) + len(part)
    assert contents(project, bad.less) == before


def spawn(command: str, folder: Path) -> str:
    """Run a command as a person does; it ends in a failure, and its output is told."""
    script = [sys.executable, "-B", str(ROOT / "scripts" / f"{command}.py")]
    done = subprocess.run(
        [*script, *USUAL[command].split()],
        cwd=folder,
        capture_output=True,
        encoding="utf8",
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("row", ["text UTF-16", "source cut", "no sources"])
def test_mistake_ends_the_process_without_a_traceback(row: str, project: Path) -> None:
    bad = BAD[row]
    for path, how in bad.damage.items():
        damage(project / path, how)
    assert bad.says[0] in spawn(bad.command, project)


def test_mistake_that_another_process_finds_is_told_in_the_same_way(
    project: Path,
) -> None:
    damage(project / SINGLE, Put("Adam.v1", "Adam.v9"))
    output = spawn("train_alternatives", project)
    assert f"{SINGLE} was not trained" in output
    assert f"{SINGLE}: nothing can be trained by it" in output
    assert "Adam.v9" in output


def test_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        page = ["-m", "streamlit", "run", str(ROOT / "scripts" / "visualize_model.py")]
        options = ["--server.headless", "true", "--server.address", "127.0.0.1"]
        done = subprocess.run(
            [sys.executable, "-B", *page, *options, "--server.port", port],
            capture_output=True,
            encoding="utf8",
        )
    assert done.returncode == 1
    assert f"Port {port} is not available" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
