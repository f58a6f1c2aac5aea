"""Say at the end of a workflow what there is now, and what to do next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import srsly
from wasabi import msg

NONE = "not measured"


def summarize(wheels: Mapping[str, Path], metrics: Path) -> None:
    """Print a table of the combinations: how good, how fast, how faithful, and where.

    wheels: the wheel of each combination.
    metrics: the folder of what was measured; what is not there yet is left out.
    """
    scores, fidelity = _read(metrics / "scores.json"), _read(metrics / "fidelity.json")
    rows = []
    for name, wheel in wheels.items():
        measured = scores.get("pipelines", {}).get(name)
        cost = scores.get("costs", {}).get(name)
        f = measured and measured["all_texts"]["micro"]["f"]
        verdicts = {part["verdict"] for part in fidelity.get(name, {}).values()}
        rows.append(
            (
                name,
                f"{100 * f:.1f}" if f else NONE,
                f"{cost['words_per_second']:,.0f}" if cost else NONE,
                ", ".join(sorted(verdicts)) or "not checked",
                str(wheel),
            )
        )
    msg.divider("done")
    msg.table(rows, header=("combination", "F", "words/s", "NERs", "wheel"))
    msg.good(f"{len(wheels)} wheels; install one: python -m pip install WHEEL")
    msg.text("Look at them:      python -m spacy project run visualize-model")
    msg.text("Other ways, costs: python -m spacy project run tradeoffs")


def _read(path: Path) -> dict[str, Any]:
    return dict(srsly.read_json(path)) if path.is_file() else {}
