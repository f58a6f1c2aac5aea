"""Prove that each NER of a combination computes what it computes at home.

python scripts/check_fidelity.py pipelines/drug_first en_drug_last
"""

from common.running import guarded

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm
from wasabi import msg

from common.annotation import read_gold
from common.files import sha256, write_json
from common.inputs import named_json
from common.lanes import Keep, lane
from common.ners import load, load_sources, read_combination, read_ledger
from fidelity.causes import Cause
from fidelity.checking import Homes, Verdict, check_fidelity
from fidelity.sample import draw
from fidelity.texts import hard_texts

Report = dict[str, dict[str, Verdict]]


def check_all(
    combinations: list[str], sources: Path, texts: Path, more: Iterable[Path] = ()
) -> Report:
    """Check several combinations against the same sources.

    combinations: folders, or names of packages.
    sources: the folder of the source pipelines.
    texts: the texts to run, .spacy.
    more: files to draw texts from for the combinations that keep entities only: these
        are counted on texts that people write.
    RETURNS: by the combination's name, and by component, what came of it.
    RAISES ValueError: something is missing, or is no combination.
    """
    names = [Path(combination).name for combination in combinations]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"{', '.join(twice)}: several combinations of one name; check one at a time"
        )
    inputs = [doc.text for doc in read_gold(texts)]
    pipelines = load_sources(sources)
    made = {name: entry["sha256"] for name, entry in read_ledger(sources).items()}
    homes = Homes(pipelines, inputs + hard_texts(pipelines.values()), made)
    written: Homes | None = None
    report: Report = {}
    # a bar in a terminal, nothing in a log
    progress = tqdm(combinations, desc="Comparing", leave=False, disable=None)
    for name, combination in zip(names, progress, strict=True):
        nlp = load(combination)
        at_home = homes
        if read_combination(nlp, combination).keep == Keep.entities:
            drawn = [] if written else draw(more, str(nlp.lang))
            at_home = written = written or Homes(pipelines, inputs + drawn, made)
        report[name] = check_fidelity(nlp, combination, at_home)
    return report


def told(result: Verdict) -> str:
    """Say in a line what differs."""
    if result.verdict != "broken" and (sample := result.sample):
        return (
            f"entities in {len(sample.unlike)} of {sample.texts} texts of several "
            f"sentences (95%: at most {sample.at_most:.2%})"
        )
    found = [f"{key}: {n}" for key, n in result.differences.items() if n]
    return ", ".join(found) or f"none in {result.texts} texts"


def show(report: Report) -> None:
    """Print a table, each cause with its fix, and what was left out."""
    results = {(n, c): own for n, all_ in report.items() for c, own in all_.items()}
    rows = [
        [*names, result.source, result.verdict, told(result)]
        for names, result in results.items()
    ]
    header = ("combination", "component", "source", "verdict", "differences")
    msg.table(rows, header=header)
    causes: dict[tuple[Cause, bool], list[str]] = {}
    lines: dict[str, None] = {}
    for names, result in results.items():
        for cause in result.causes:
            key = cause, result.verdict == "broken"
            causes.setdefault(key, []).append(", ".join(names))
        for text in result.sample.unlike if result.sample else []:
            lines[f"Unlike, by {names[1]}: {text!r} ..."] = None
        for other, why in result.left_out.items():
            lines[f"Left out of the comparison: {other}, as {why}"] = None
    for (cause, grave), where in causes.items():
        lines_of_cause = f"{'; '.join(where)}: {cause.cause}", f"Fix: {cause.fix}"
        if grave:
            msg.fail(*lines_of_cause)
        else:
            msg.warn(*lines_of_cause)
    for line in lines:
        msg.info(line)


def main(
    combinations: Annotated[list[str], typer.Argument(help="Folders or packages")],
    sources: Annotated[Path, typer.Option(help="The sources' folder")] = Path(
        "sources"
    ),
    texts: Annotated[Path, typer.Option(help="Texts to run, .spacy")] = Path(
        "corpus/test.spacy"
    ),
    output: Annotated[
        Path | None, typer.Option(help="Report, JSON", callback=named_json)
    ] = None,
    keep: Annotated[
        Keep, typer.Option(help="Check such as keep only so much, too: NAME_entities")
    ] = Keep.all,
    more: Annotated[
        list[Path] | None, typer.Option(help="More text for NAME_entities")
    ] = None,
) -> None:
    """Prove that each NER of a combination computes what it computes at home."""
    if keep is not Keep.all:
        combinations += [lane(combination, keep) for combination in combinations]
    try:
        report = check_all(combinations, sources, texts, more or [])
    except ValueError as error:
        msg.fail("The combinations could not be checked", str(error), exits=1)
    show(report)
    if output:
        builds = [sha256(Path(combination)) for combination in combinations]
        written = {
            # of which build this is true
            name: {c: {**asdict(v), "sha256": build} for c, v in own.items()}
            for build, (name, own) in zip(builds, report.items(), strict=True)
        }
        write_json(output, written)
    if any(v.verdict == "broken" for own in report.values() for v in own.values()):
        msg.fail("Not every combination is faithful to its sources", exits=1)


if __name__ == "__main__":
    typer.run(guarded(main))
