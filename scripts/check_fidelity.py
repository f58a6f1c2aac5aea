"""Prove that each NER of a combination computes what it computes at home.

python scripts/check_fidelity.py pipelines/drug_first en_drug_last
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm
from wasabi import msg

from common.annotation import read_gold
from common.files import sha256, write_json
from common.ners import load, load_sources, read_ledger
from fidelity.checking import Homes, Verdict, check_fidelity
from fidelity.texts import hard_texts

Report = dict[str, dict[str, Verdict]]


def check_all(combinations: list[str], sources: Path, texts: Path) -> Report:
    """Check several combinations against the same sources.

    combinations: folders, or names of packages.
    sources: the folder of the source pipelines.
    texts: the texts to run, .spacy.
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
    inputs += hard_texts(pipelines.values())
    made = {name: entry["sha256"] for name, entry in read_ledger(sources).items()}
    homes = Homes(pipelines, inputs, made)
    # a bar in a terminal, nothing in a log
    progress = tqdm(combinations, desc="Comparing", leave=False, disable=None)
    return {
        name: check_fidelity(load(combination), combination, homes)
        for name, combination in zip(names, progress, strict=True)
    }


def show(report: Report) -> None:
    """Print a table, what was left out, and each cause with its fix."""
    rows = []
    for name, components in report.items():
        for component, result in components.items():
            found = [f"{key}: {n}" for key, n in result.differences.items() if n]
            differences = ", ".join(found) or f"none in {result.texts} texts"
            rows.append([name, component, result.source, result.verdict, differences])
    header = ("combination", "component", "source", "verdict", "differences")
    msg.table(rows, header=header)
    left_out: dict[str, None] = {}
    for name, components in report.items():
        for component, result in components.items():
            for other, why in result.left_out.items():
                left_out[f"Left out of the comparison: {other}, as {why}"] = None
            for cause in result.causes:
                told = f"{name}, {component}: {cause.cause}", f"Fix: {cause.fix}"
                if result.verdict == "broken":
                    msg.fail(*told)
                else:
                    msg.warn(*told)
    for line in left_out:
        msg.info(line)


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
    try:
        report = check_all(combinations, sources, texts)
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
    typer.run(main)
