"""Look at pipelines and texts before they are used: do they load, do they fit?"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)


def usable(folders: Iterable[Path], ledger: Path) -> tuple[list[Path], list[str]]:
    """Choose the pipelines that load and were made from the sources that there are now.

    RETURNS: their folders, and what is wrong with those that do not load.
    """
    entries = srsly.read_json(ledger) if ledger.exists() else {}
    now = {entry["sha256"] for entry in entries.values()}
    chosen, problems = [], []
    for folder in folders:
        try:
            made_from = spacy.load(folder).meta.get("sources", [])
        except Exception as error:
            problems.append(f"{folder} does not load ({type(error).__name__}: {error})")
            continue
        if {source["sha256"] for source in made_from} <= now:
            chosen.append(folder)
        else:
            msg.warn(f"{folder} is left out, as it was made from other sources")
    return chosen, problems


def mark_conflicts(gold: Sequence[Doc], sources: Sequence[Language]) -> None:
    """Mark the texts in which two pipelines want the same tokens for different things.

    It stands in for annotation, which says where there is a conflict for a person.
    """
    texts = [doc.text for doc in gold]
    for doc, *found in zip(gold, *(nlp.pipe(texts) for nlp in sources), strict=True):
        ents = {(e.start_char, e.end_char, e.label) for own in found for e in own.ents}
        taken = [char for start, end, _ in ents for char in range(start, end)]
        doc.user_data["conflict"] = len(taken) > len(set(taken))


def missing_labels(gold: Sequence[Doc], groups: Mapping[str, set[str]]) -> set[str]:
    """Collect the labels of each group that the text has no label of."""
    labels = {ent.label_ for doc in gold for ent in doc.ents}
    return {label for own in groups.values() if not labels & own for label in own}


def find_problems(
    gold: Sequence[Doc], groups: Mapping[str, set[str]], known: set[str]
) -> list[str]:
    """Name what the text lacks, or has and no pipeline knows."""
    labels = {ent.label_ for doc in gold for ent in doc.ents}
    if not labels:
        return ["there is no entity in it, so nothing but the costs is measured"]
    problems = [
        f"it has none of the labels of sources/{name} ({', '.join(sorted(own))}), so "
        "their figures are missing"
        for name, own in groups.items()
        if not labels & own
    ]
    if unknown := sorted(labels - known):
        problems.append(
            f"no pipeline knows the labels {', '.join(unknown)}; they are left out of "
            "the figures"
        )
    return problems


def speakers(nlp: Language) -> dict[str, tuple[str, ...]]:
    """List the components that propose entities, in their order, with their labels."""
    found: dict[str, tuple[str, ...]] = {}
    for name, pipe in nlp.pipeline:
        labels = tuple(getattr(pipe, "labels", None) or ())
        if labels and "doc.ents" in nlp.get_pipe_meta(name).assigns:
            found[name] = labels
    return found


def known_labels(nlp: Language) -> set[str]:
    """Collect the labels of all components that propose entities."""
    return set().union(*speakers(nlp).values())
