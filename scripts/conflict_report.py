"""Report how often the NERs collide, over what, and who wins under each policy.

    python scripts/conflict_report.py pipelines/resolved corpus/test.spacy \
        metrics/conflicts.json
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.tokens import DocBin
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)
from components import clusters
from folders import write_json
from policies import Policy, longest, priority, score

EXAMPLES = 10


def report_conflicts(nlp: Language, texts: Iterable[str]) -> dict[str, Any]:
    """Collect the conflicts in texts by the pair of labels that collide.

    nlp: a pipeline with a component `resolve`.
    RETURNS: `texts`, `conflicts`, and by pair of labels (sorted, joined by " / ") how
        often they collide, the winner's label under each policy, and ten examples.
    """
    resolve: Any = nlp.get_pipe("resolve")
    policies: dict[str, Policy] = {
        f"{name} first": priority([name]) for name in resolve.components
    }
    policies |= {"longest": longest(), "score": score(), "resolved": resolve.policy}
    pairs: dict[str, dict[str, Any]] = {}
    count = 0
    for doc in nlp.pipe(texts):
        count += 1
        for cluster in clusters(resolve.candidates(doc)):
            if len(cluster) > 1:
                name = " / ".join(sorted({span.label_ for span in cluster}))
                pair = pairs.setdefault(
                    name,
                    {"count": 0, "winners": _table(policies), "examples": []},
                )
                pair["count"] += 1
                won = {}
                for policy, choose in policies.items():
                    kept = sorted(choose(cluster))
                    won[policy] = [f"{span.text} {span.label_}" for span in kept]
                    for label in {span.label_ for span in kept}:
                        pair["winners"][policy][label] += 1
                if len(pair["examples"]) < EXAMPLES:
                    pair["examples"].append({"text": doc.text, "winners": won})
    ranked = sorted(pairs.items(), key=lambda item: (-item[1]["count"], item[0]))
    total = sum(pair["count"] for pair in pairs.values())
    return {"texts": count, "conflicts": total, "pairs": dict(ranked)}


def _table(policies: Iterable[str]) -> dict[str, dict[str, int]]:
    return {name: defaultdict(int) for name in policies}


def to_markdown(report: dict[str, Any]) -> str:
    """Write the report for people: a table, then the examples."""
    lines = [
        f"{report['conflicts']} conflicts in {report['texts']} texts.",
        "",
        "| labels | conflicts | winners under each policy |",
        "| --- | ---: | --- |",
    ]
    for name, pair in report["pairs"].items():
        told = "; ".join(
            f"{policy}: "
            + ", ".join(f"{label} {n}" for label, n in sorted(won.items()))
            for policy, won in pair["winners"].items()
        )
        lines.append(f"| {name} | {pair['count']} | {told} |")
    for name, pair in report["pairs"].items():
        lines += ["", f"## {name}", ""]
        for example in pair["examples"]:
            lines.append(f"- {' '.join(example['text'].split())}")
            lines += [
                f"  - {policy}: {', '.join(won)}"
                for policy, won in example["winners"].items()
            ]
    return "\n".join(lines) + "\n"


def main(
    pipeline: Annotated[str, typer.Argument(help="Folder or package with `resolve`")],
    texts: Annotated[Path, typer.Argument(help="Texts: .spacy, or one a line")],
    output: Annotated[Path, typer.Argument(help="Report, JSON; .md goes beside it")],
) -> None:
    """Report how often the NERs collide, over what, and who wins."""
    nlp = spacy.load(pipeline)
    if texts.suffix == ".spacy":
        read = [doc.text for doc in DocBin().from_disk(texts).get_docs(nlp.vocab)]
    else:
        read = texts.read_text(encoding="utf8").splitlines()
    report = report_conflicts(nlp, read)
    write_json(output, report)
    output.with_suffix(".md").write_text(to_markdown(report), encoding="utf8")
    msg.good(f"{output}: {report['conflicts']} conflicts in {report['texts']} texts")


if __name__ == "__main__":
    typer.run(main)
