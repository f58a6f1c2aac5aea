"""Prove that each NER of a combination computes what it computes at home.

python scripts/check_fidelity.py pipelines/drug_first en_drug_last
"""

from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import load_language_data, minibatch, registry
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)
from causes import OTHER_COMPONENTS, Cause, diagnose
from folders import write_json
from views import NAMES, View, home_view, view

# what is compared of every token: what a NER's features are made of, ...
FEATURES = [
    "ORTH",
    "NORM",
    "PREFIX",
    "SUFFIX",
    "SHAPE",
    "SPACY",
    "IS_SPACE",
]
# ... and what the rest of the core pipeline says
ANNOTATIONS = [
    "TAG",
    "POS",
    "MORPH",
    "LEMMA",
    "DEP",
    "HEAD",
    "SENT_START",
]
# differences that break a component, whatever its input
GRAVE = ["labels", "parameters", "entities", "failures", "annotations"]
# texts no feature of which should depend on the pipeline, and some where one might
HARD = [
    "",
    " ",
    "Anna",
    "😀",
    "I can't, won't and shouldn't've; y'all didn't. She'll go w/o him, y'know?",
    "The colour of the aluminium analyser was grey. He realised it. New York City!",
    "U.S. troops left St. Petersburg at 5 p.m. Dr. A. B. Smith stayed.\n\nWhy? 😀😀",
    "i was on 30mg/day of oxy... dont ask 💊 #sober :-) http://example.com/a?b=c",
]


@dataclass
class Verdict:
    """What the comparison of one component with its source came to."""

    source: str
    verdict: str = "exact"
    texts: int = 0
    # number of texts (or, for labels and parameters, of things) that differ
    differences: dict[str, int] = field(default_factory=dict)
    causes: list[Cause] = field(default_factory=list)


def check_fidelity(
    combination: Language, core: Language, drugs: Language, texts: list[str]
) -> dict[str, Verdict]:
    """Compare each NER of a combination, run alone, with its source pipeline.

    Compared are tokens, features, sentence starts as the NER sees them, labels, every
    parameter, the output of its tok2vec bit by bit, entities, and for the core all
    other annotations. Neither pipeline is written to disk.

    RETURNS: by component: `exact` if all is equal; `same entities` if what the NER sees
        differs but what it says does not; `broken` otherwise, with causes.
    """
    homes = dict(zip(NAMES, (core, drugs), strict=True))
    added = set(combination.component_names) - set(core.component_names)
    # run alone means without what else proposes entities, or decides about them
    foreign = {"ner"} | {
        name for name in added if "doc.ents" in combination.get_pipe_meta(name).assigns
    }
    views = {
        name: (view(combination, name, foreign), home_view(home))
        for name, home in homes.items()
    }
    report = {name: _compare(*pair, texts) for name, pair in views.items()}
    # last, because a NER that runs behind another takes on the other's labels
    count = _count_annotations(combination, core, texts)
    report["ner"].differences["annotations"] = count
    if count and not report["ner"].causes:
        report["ner"].causes.append(OTHER_COMPONENTS)
    for result in report.values():
        if any(result.differences.get(key) for key in GRAVE):
            result.verdict = "broken"
        elif any(result.differences.values()):
            result.verdict = "same entities"
    return report


def hard_texts(*pipelines: Language) -> list[str]:
    """Collect what is likely to differ: every word with a norm or a token rule."""
    words: set[str] = set()
    for nlp in pipelines:
        table = nlp.vocab.lookups.get_table("lexeme_norm", {})
        words |= {
            word
            for word in [*nlp.vocab.strings, *_normed(str(nlp.lang))]
            if word in table
        }
        words |= {str(rule) for rule in getattr(nlp.tokenizer, "rules", None) or {}}
    return HARD + [" ".join(batch) for batch in minibatch(sorted(words), 12)]


def _normed(lang: str) -> list[str]:
    """List the words with a norm in spacy-lookups-data; a table knows only hashes."""
    if lang not in registry.lookups:
        return []
    path = registry.lookups.get(lang).get("lexeme_norm")
    return list(load_language_data(path)) if path else []


def _compare(here: View, home: View, texts: list[str]) -> Verdict:
    """Run both views over the texts, in the same batches, and count differences."""
    keys = ["tokens", "features", "sentence starts", "tensors", "entities", "failures"]
    counts = dict.fromkeys(keys, 0)
    for batch in minibatch(texts, 64):
        try:
            pairs = list(zip(here.read(batch), home.read(batch), strict=True))
            same = [a.text == b.text and _tokens(a) == _tokens(b) for a, b in pairs]
            counts["tokens"] += same.count(False)
            for (a, b), equal in zip(pairs, same, strict=True):
                if equal:
                    counts["features"] += _differ(a, b, FEATURES)
                    starts = [[t.sent_start == 1 for t in doc] for doc in (a, b)]
                    counts["sentence starts"] += starts[0] != starts[1]
            ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
            if all(same):
                arrays = zip(here.tensors(ours), home.tensors(theirs), strict=True)
                counts["tensors"] += sum(a.tobytes() != b.tobytes() for a, b in arrays)
            found = zip(here.entities(ours), home.entities(theirs), strict=True)
            counts["entities"] += sum(a != b for a, b in found)
        except (RuntimeError, ValueError):
            # static vectors of another width do not even fit
            counts["failures"] += len(batch)
    counts["labels"] = len(set(here.labels) ^ set(home.labels))
    hashes = zip_longest(here.parameters(), home.parameters())
    counts["parameters"] = sum(a != b for a, b in hashes)
    causes = diagnose(here, home, counts)
    return Verdict(home.title, texts=len(texts), differences=counts, causes=causes)


def _tokens(doc: Doc) -> list[str]:
    return [token.text_with_ws for token in doc]


def _differ(a: Doc, b: Doc, attributes: list[str]) -> bool:
    keys: list[int | str] = [*attributes]
    return a.to_array(keys).tobytes() != b.to_array(keys).tobytes()


def _count_annotations(here: Language, home: Language, texts: list[str]) -> int:
    try:
        pairs = list(zip(here.pipe(texts), home.pipe(texts), strict=True))
    except (RuntimeError, ValueError):
        return len(texts)
    return sum(_tokens(a) != _tokens(b) or _differ(a, b, ANNOTATIONS) for a, b in pairs)


def show(name: str, report: dict[str, Verdict]) -> None:
    """Print a readable table, and each cause with its fix."""
    rows = []
    for component, result in report.items():
        wrong = ", ".join(f"{k}: {n}" for k, n in result.differences.items() if n)
        rows.append([component, result.source, result.verdict, wrong or "none"])
    msg.divider(name)
    msg.table(rows, header=("component", "source", "verdict", "differences"))
    for component, result in report.items():
        for cause in result.causes:
            if result.verdict == "broken":
                msg.fail(f"{component}: {cause.cause}", f"Fix: {cause.fix}")
            else:
                msg.warn(f"{component}: {cause.cause}", f"Fix: {cause.fix}")


def main(
    combinations: Annotated[list[str], typer.Argument(help="Folders or packages")],
    sources: Annotated[Path, typer.Option(help="The sources' folder")] = Path(
        "sources"
    ),
    texts: Annotated[Path, typer.Option(help="Texts to run, .spacy")] = Path(
        "corpus/test.spacy"
    ),
    output: Annotated[Path | None, typer.Option(help="Report to write, JSON")] = None,
) -> None:
    """Prove that each NER of a combination computes what it computes at home."""
    core, drugs = (spacy.load(sources / role) for role in ("core", "drugs"))
    docs = DocBin().from_disk(texts).get_docs(core.vocab)
    inputs = [doc.text for doc in docs] + hard_texts(core, drugs)
    reports: dict[str, dict[str, Any]] = {}
    for name in combinations:
        report = check_fidelity(spacy.load(name), core, drugs, inputs)
        show(name, report)
        reports[Path(name).name] = {k: asdict(v) for k, v in report.items()}
    if output:
        write_json(output, reports)
    if any(v["verdict"] == "broken" for r in reports.values() for v in r.values()):
        msg.fail("Not every combination is faithful to its sources", exits=1)


if __name__ == "__main__":
    typer.run(main)
