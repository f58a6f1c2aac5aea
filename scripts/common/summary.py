"""Say at the end of a workflow what there is now, and what to do next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import srsly
from wasabi import msg

from common.files import sha256
from common.inputs import written_by

NONE = "not measured"


def measured_of(pipeline: Path, metrics: Path) -> dict[str, Any]:
    """Return what `evaluate` wrote of this very build; nothing if of another.

    RAISES ValueError: the file is damaged.
    """
    path = metrics / "scores.json"
    with written_by("evaluate", path):
        scores = _read(path).get("pipelines", {})
        measured: dict[str, Any] = scores.get(pipeline.name, {})
        return measured if measured.get("sha256") == sha256(pipeline) else {}


def summarize(wheels: Mapping[Path, Path], metrics: Path) -> None:
    """Print a table of the combinations: how good, how fast, how faithful, and where.

    wheels: the wheel of each combination, by the combination's folder.
    metrics: the folder of what was measured; what is not there yet, or is of another
        build, is left out.
    RAISES ValueError: a file of it is damaged.
    """
    scores, fidelity = metrics / "scores.json", metrics / "fidelity.json"
    rows = []
    for pipeline, wheel in wheels.items():
        name, build = pipeline.name, sha256(pipeline)
        measured = measured_of(pipeline, metrics)
        with written_by("evaluate", scores):
            cost = _read(scores)["costs"][name] if measured else None
            f = measured["all_texts"]["micro"]["f"] if measured else None
        with written_by("check-fidelity", fidelity):
            checked = _read(fidelity).get(name, {}).values()
            verdicts = {own["verdict"] for own in checked if own["sha256"] == build}
        rows.append(
            (
                name,
                f"{100 * f:.1f}" if f is not None else NONE,
                f"{cost['words_per_second']:,.0f}" if cost else NONE,
                ", ".join(sorted(verdicts)) or "not checked",
                str(wheel),
            )
        )
    msg.divider("done")
    msg.table(rows, header=("combination", "F", "words/s", "NERs", "wheel"))
    msg.good(f"{len(wheels)} wheels; install one: python -m pip install WHEEL")
    msg.text("Look at them:      python scripts/start.py visualize-model")
    msg.text("Other ways, costs: python scripts/start.py tradeoffs")


def _read(path: Path) -> dict[str, Any]:
    return dict(srsly.read_json(path)) if path.is_file() else {}
