"""Report how often the NERs collide, over what, and who wins under each policy.

python scripts/conflict_report.py pipelines/resolved corpus/test.spacy \
    metrics/conflicts.json
"""

from common.running import guarded

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import MarkdownRenderer, msg

from common.annotated import annotated_by, is_annotated
from common.files import together, write_json, write_text, writing
from common.formats.files import accepted, read_records
from common.inputs import named_json
from common.ners import load
from measuring.annotated import BUILT, report_annotated
from measuring.conflicts import find_resolver
from measuring.tally import Tally
from ner_components import (
    Longest,
    Policy,
    Priority,
    Score,
    clusters,
    get_conflicts,
)


def report_conflicts(nlp: Language, texts: Iterable[str]) -> dict[str, Any]:
    """Collect the conflicts in texts by the labels that collide.

    RETURNS: `texts`, `conflicts`, and by group of labels (sorted, joined by " / ") how
        often they collide, the winners' labels under each policy, and ten examples; and
        what was `dropped` though it lost to nothing, by label how often.
    RAISES ValueError: the pipeline decides nothing.
    """
    resolver = find_resolver(nlp)
    resolve = resolver.resolve
    policies: dict[str, Policy] = {
        f"{name} first": Priority([name]) for name in resolve.components
    }
    policies["longest"] = Longest()
    if resolver.scorers() and not resolver.without_scores():
        policies["score"] = Score()
    policies[BUILT] = resolve.policy
    tally = Tally()
    count = 0
    for doc in resolver.collect(texts):
        count += 1
        tally.dropped.update(_dropped(resolve(doc)))
        for cluster in clusters(resolve.candidates(doc)):
            if len(cluster) > 1:
                kept = {
                    name: [(span.text, span.label_) for span in sorted(choose(cluster))]
                    for name, choose in policies.items()
                }
                tally.add([span.label_ for span in cluster], kept, text=doc.text)
    return tally.report(count)


def _dropped(doc: Doc) -> list[str]:
    """List the labels of what a collector or the policy dropped without a rival."""
    decisions = [one for one in get_conflicts(doc) if not one["winner"]]
    return [loser["label"] for one in decisions for loser in one["losers"]]


def to_markdown(report: dict[str, Any]) -> str:
    """Write the report for people: a table, then the examples."""
    text = [f"{report['conflicts']} conflicts in {report['texts']} texts."]
    if dropped := report["dropped"]:
        each = ", ".join(f"{label} {number}" for label, number in dropped.items())
        text.append(f"Dropped without a rival, as the config says: {each}.")
    rows = [
        (
            name,
            str(group["count"]),
            "; ".join(
                f"{policy}: {', '.join(f'{x} {n}' for x, n in sorted(won.items()))}"
                for policy, won in group["winners"].items()
            ),
        )
        for name, group in report["pairs"].items()
    ]
    if rows:
        head = ["labels", "conflicts", "winners under each policy"]
        text.append(MarkdownRenderer().table(rows, head, aligns=("l", "r", "l")))
    for name, group in report["pairs"].items():
        examples = []
        for example in group["examples"]:
            examples.append(f"- {' '.join(example['text'].split())}")
            examples += [
                f"  - {policy}: {', '.join(won)}"
                for policy, won in example["winners"].items()
            ]
            if "lost" in example:
                examples.append(f"  - lost: {', '.join(example['lost'])}")
        text += [f"## {name}", "\n".join(examples)]
    return "\n\n".join(text) + "\n"


def read_texts(path: Path) -> list[str]:
    """Read the texts that were accepted, see `read_records`.

    RAISES ValueError: the file is missing, of no known format, or has no text.
    """
    found = [record for _, record in read_records(path)]
    texts = [record["text"] for record in found if accepted(record)]
    if len(texts) < len(found):
        msg.info(f"{path}: {len(found) - len(texts)} records were not accepted")
    if not texts:
        raise ValueError(f"{path}: there is no text in it")
    return texts


def main(
    pipeline: Annotated[str, typer.Argument(help="A combination with a policy")],
    texts: Annotated[
        Path, typer.Argument(help="Texts: .spacy, .jsonl ..., or what `annotate` wrote")
    ],
    output: Annotated[
        Path, typer.Argument(help="Report, JSON; .md beside it", callback=named_json)
    ],
) -> None:
    """Report how often the NERs collide, over what, and who wins."""
    disputed: list[dict[str, Any]] | None = None
    try:
        if is_annotated(texts):
            if (by := annotated_by(texts)) != Path(pipeline).name:
                raise ValueError(f"{texts}: {by} has annotated it: name that pipeline")
            report, disputed = report_annotated(texts)
        else:
            report = report_conflicts(load(pipeline), read_texts(texts))
    except ValueError as error:
        msg.fail(f"No report on {pipeline}", str(error), exits=1)
    with together():
        write_json(output, report)
        write_text(output.with_suffix(".md"), to_markdown(report))
        if disputed is not None:
            with writing(output.with_suffix(".jsonl")) as unfinished:
                srsly.write_jsonl(unfinished, disputed)
    msg.good(f"{output}: {report['conflicts']} conflicts in {report['texts']} texts")


if __name__ == "__main__":
    typer.run(guarded(main))
