"""Report how often the NERs collide, over what, and who wins under each policy.

python scripts/conflict_report.py pipelines/resolved corpus/test.spacy \
    metrics/conflicts.json
"""

from common.running import guarded

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import MarkdownRenderer, msg

from common.files import together, write_json, write_text
from common.formats.files import accepted, read_records
from common.inputs import named_json
from common.ners import load
from measuring.conflicts import find_resolver
from ner_components import (
    Longest,
    Policy,
    Priority,
    Score,
    clusters,
    get_conflicts,
)

EXAMPLES = 10


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
    policies["as built"] = resolve.policy
    groups: dict[str, dict[str, Any]] = {}
    dropped: Counter[str] = Counter()
    count = 0
    for doc in resolver.collect(texts):
        count += 1
        dropped.update(_dropped(resolve(doc)))
        for cluster in clusters(resolve.candidates(doc)):
            if len(cluster) == 1:
                continue
            labels = " / ".join(sorted({span.label_ for span in cluster}))
            winners: dict[str, Counter[str]] = {name: Counter() for name in policies}
            new = {"count": 0, "winners": winners, "examples": []}
            group = groups.setdefault(labels, new)
            kept = {name: sorted(choose(cluster)) for name, choose in policies.items()}
            group["count"] += 1
            for name, spans in kept.items():
                group["winners"][name].update({span.label_ for span in spans})
            if len(group["examples"]) < EXAMPLES:
                won = {n: [f"{s.text} {s.label_}" for s in kept[n]] for n in kept}
                group["examples"].append({"text": doc.text, "winners": won})
    ranked = sorted(groups.items(), key=_by_count)
    total = sum(group["count"] for group in groups.values())
    lost = dict(dropped.most_common())
    return {"texts": count, "conflicts": total, "pairs": dict(ranked), "dropped": lost}


def _dropped(doc: Doc) -> list[str]:
    """List the labels of what a collector or the policy dropped without a rival."""
    decisions = [one for one in get_conflicts(doc) if not one["winner"]]
    return [loser["label"] for one in decisions for loser in one["losers"]]


def _by_count(group: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    return -group[1]["count"], group[0]


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
    texts: Annotated[Path, typer.Argument(help="Texts: .spacy, .jsonl, .txt ...")],
    output: Annotated[
        Path, typer.Argument(help="Report, JSON; .md beside it", callback=named_json)
    ],
) -> None:
    """Report how often the NERs collide, over what, and who wins."""
    try:
        report = report_conflicts(load(pipeline), read_texts(texts))
    except ValueError as error:
        msg.fail(f"No report on {pipeline}", str(error), exits=1)
    with together():
        write_json(output, report)
        write_text(output.with_suffix(".md"), to_markdown(report))
    msg.good(f"{output}: {report['conflicts']} conflicts in {report['texts']} texts")


if __name__ == "__main__":
    typer.run(guarded(main))
