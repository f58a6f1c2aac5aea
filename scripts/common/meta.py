"""What a combination takes along of the pipelines that it was made from."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spacy.cli.package import get_third_party_dependencies
from spacy.language import Language
from spacy.strings import StringStore
from spacy.util import split_requirement

from common.files import sha256
from common.ners import LEDGER, alone, read_ledger
from ner_components import IsolatedNER, proposers

Entry = dict[str, Any]


def record(name: str, folder: Path, nlp: Language, origin: str) -> Entry:
    """Record a source pipeline as sources.json does.

    name: what it is called among the sources.
    folder: where it lies.
    origin: where it came from.
    RETURNS: among others the `labels` of its entities by component, its own `sources`
        (attribution) and `requirements`, and the `sha256` of its files.
    """
    meta = nlp.meta
    return {
        "role": name,
        "name": f"{meta['lang']}_{meta['name']}",
        "version": meta["version"],
        "origin": origin,
        "spacy_version": meta.get("spacy_version", ""),
        "license": meta.get("license", ""),
        "author": meta.get("author", ""),
        "url": meta.get("url", ""),
        "labels": {own: [*labels] for own, labels in proposers(nlp).items()},
        "requirements": _requirements(nlp),
        "sources": meta.get("sources") or [],
        "sha256": sha256(folder),
    }


def _requirements(nlp: Language) -> list[str]:
    """List what a pipeline says that it requires, and what it uses besides.

    It may end up inside a component, where `spacy package` does not look for that.
    """
    told = nlp.meta.get("requirements", [])
    names = [split_requirement(requirement)[0] for requirement in told]
    return told + sorted(get_third_party_dependencies(nlp.config, exclude=names))


def recorded(name: str, folder: Path, nlp: Language) -> Entry:
    """Return what is recorded of a source pipeline, or record it now.

    RAISES ValueError: the record is damaged.
    """
    ledger = folder.parent / LEDGER
    entries = read_ledger(folder.parent) if ledger.is_file() else {}
    entry = entries.get(folder.name, {})
    # as this release writes it
    return dict(entry if "wanted" in entry else record(name, folder, nlp, "path"))


def identity(entry: Entry) -> str:
    """Return the SHA-256 of a source, or of what it was trained from.

    What is trained differs from machine to machine in its last bits.
    """
    return str(entry.get("made_from", "")).rpartition(" ")[2] or entry["sha256"]


def describe(
    name: str, pipeline: Iterable[str], ledger: Mapping[str, Entry], *, made: str
) -> dict[str, Any]:
    """Write the part of meta.json that a person reads.

    What the sources require and whom they name as theirs goes along; the author is
    the person who builds the combination, so it stays empty here.

    ledger: the entries of all source pipelines, the core first.
    made: what was done to the core; `{others}` stands for the other source pipelines.
    """
    titles = [f"{entry['name']} {entry['version']}" for entry in ledger.values()]
    made = made.format(others=" and ".join(titles[1:]))
    licenses = sorted({e["license"] for e in ledger.values() if e["license"]})
    requirements = {r: None for e in ledger.values() for r in e["requirements"]}
    return {
        "name": name,
        "version": "0.0.0",
        "description": f"{titles[0]} with {made}: {' -> '.join(pipeline)}",
        "license": " and ".join(licenses),
        "author": "",
        "email": "",
        "url": "",
        "requirements": list(requirements),
        "sources": _attributions(ledger),
        "performance": {},
    }


def _public(entry: Entry) -> dict[str, str]:
    """Leave out where on a person's machine a source was found."""
    labels = [label for own in entry["labels"].values() for label in own]
    private = ("wanted", "made_from", "found")
    public = {k: v for k, v in _flat(entry).items() if k not in private}
    return {**public, "labels": ", ".join(dict.fromkeys(labels))}


def _attributions(ledger: Mapping[str, Entry]) -> list[dict[str, str]]:
    """List the sources, and whom they name as theirs, as flat dicts: so spaCy wants."""
    named = [_public(entry) for entry in ledger.values()]
    named += [
        {"name": source} if isinstance(source, str) else _flat(source)
        for entry in ledger.values()
        for source in entry["sources"]
    ]
    return [source for at, source in enumerate(named) if source not in named[:at]]


def _flat(entry: Mapping[str, Any]) -> dict[str, str]:
    return {k: v for k, v in entry.items() if isinstance(v, str)}


def keep_strings(folder: Path, nlp: Language, known: Iterable[str]) -> None:
    """Leave only strings that something needs; the others are of private text.

    spaCy copies all strings of a pipeline that a component is taken from, and that one
    has seen every word of its training text.

    folder: where the pipeline was saved.
    known: the strings of the core.
    """
    StringStore([*known, *_all_labels(nlp)]).to_disk(folder / "vocab" / "strings.json")
    for name, pipe in nlp.pipeline:
        # rules, and what others have written, may know words by their strings
        if isinstance(pipe, IsolatedNER) and not alone(nlp, name).whole:
            strings = folder / name / "vocab" / "strings.json"
            StringStore(_all_labels(pipe.nlp)).to_disk(strings)


def _all_labels(nlp: Language) -> list[str]:
    return [label for labels in nlp.pipe_labels.values() for label in labels]
