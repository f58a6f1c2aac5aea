"""Write what `evaluate` measured as a page, and as a table in the README.

python scripts/compare.py metrics/scores.json metrics/comparison.json README.md
"""

import io
from pathlib import Path
from typing import Annotated

import altair as alt
import pandas as pd
import srsly
import typer
from jinja2 import Environment
from wasabi import MarkdownRenderer, msg

from charts import (
    BEST,
    CHARTS,
    MAIN,
    TABLES,
    Comparison,
    combinations,
    is_tie,
    legend,
    table,
)
from cost import SEPARATELY
from folders import write_json

START = "<!-- COMPARISON START: written by `compare`, do not edit -->"
END = "<!-- COMPARISON END -->"
PAGE = Path(__file__).with_name("comparison.html")
# below this, a difference in speed is no reason to choose
FASTER = 1.05


def compare(scores: Comparison) -> Comparison:
    """Bring together what was measured of each pipeline, and what follows from it.

    scores: what `evaluate` wrote.
    RETURNS: the same with each pipeline's `cost` beside its scores, and the `advice`.
    """
    costs = scores["costs"]
    pipelines = {n: {**p, "cost": costs[n]} for n, p in scores["pipelines"].items()}
    comparison = {**scores, "pipelines": pipelines, "separately": costs[SEPARATELY]}
    del comparison["costs"]
    return {**comparison, "advice": advise(comparison)}


def advise(comparison: Comparison) -> str:
    """Say in one sentence which combination to take: the fastest of the best."""
    ways, best = combinations(comparison), comparison["best"]
    if not best or ways[best]["whole"]["parts"]["all"]["f"] is None:
        return "There is nothing to advise, as no combination has an F on this text."
    score = {name: way["whole"]["parts"]["all"] for name, way in ways.items()}
    f = {name: f"{100 * (own['f'] or 0):.1f}" for name, own in score.items()}
    speed = {name: way["cost"]["speed"] for name, way in ways.items()}
    tied = [name for name in ways if name == best or is_tie(score[name])]
    fastest = max(tied, key=speed.__getitem__)
    ratio = speed[fastest] / speed[best]
    if len(tied) == 1:
        return (
            f"Take `{best}`: its F of {f[best]} is above that of every other "
            "combination by more than chance."
        )
    if fastest == best or ratio < FASTER:
        return (
            f"Take `{best}`: no combination has a higher F than its {f[best]}, and "
            "none that ties with it is faster."
        )
    return (
        f"Take `{fastest}`: its F of {f[fastest]} ties with the {f[best]} of `{best}`, "
        f"the best, at {ratio:.1f} times its speed."
    )


def write_markdown(frame: pd.DataFrame) -> str:
    """Write a table in Markdown, the best cells in bold."""
    renderer = MarkdownRenderer()
    rows = [
        [f"`{name}`", *(f"**{c}**" if c.endswith(BEST) else c for c in map(str, cells))]
        for name, *cells in frame.itertuples()
    ]
    return str(renderer.table(rows, ["", *frame.columns])).strip()


def fill_in(readme: str, comparison: Comparison) -> str:
    """Replace what stands between the markers in the README.

    RAISES ValueError: there are no markers.
    """
    head, start, rest = readme.partition(START)
    _, end, tail = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the README needs the lines {START!r} and {END!r}")
    text = [write_markdown(table(comparison)), legend(comparison), comparison["advice"]]
    return "\n\n".join([head + start, *text, end + tail])


def write_report(comparison: Comparison) -> str:
    """Write all tables in Markdown."""
    text = ["# What each way costs", legend(comparison)]
    for title, make in {MAIN: table, **TABLES}.items():
        text += [f"## {title}", write_markdown(make(comparison))]
    return "\n\n".join([*text, comparison["advice"]]) + "\n"


def write_page(comparison: Comparison) -> str:
    """Write a page of HTML that needs no other file."""
    sections = {MAIN: table(comparison).to_html(border=0)}
    sections |= {name: _draw(make(comparison)) for name, make in CHARTS.items()}
    sections |= {n: make(comparison).to_html(border=0) for n, make in TABLES.items()}
    page = Environment(autoescape=True).from_string(PAGE.read_text(encoding="utf8"))
    return page.render(
        advice=comparison["advice"].replace("`", ""),
        legend=legend(comparison).replace("`", ""),
        sections=sections,
    )


def _draw(chart: alt.LayerChart | alt.Chart) -> str:
    picture = io.StringIO()
    chart.save(picture, format="svg")
    return picture.getvalue()


def main(
    scores: Annotated[Path, typer.Argument(help="What `evaluate` wrote, JSON")],
    output: Annotated[Path, typer.Argument(help="The comparison, JSON; .md and .html")],
    readme: Annotated[Path, typer.Argument(help="The README that shows the table")],
) -> None:
    """Write what `evaluate` measured as a page, and as a table in the README."""
    comparison = compare(srsly.read_json(scores))
    try:
        text = fill_in(readme.read_text(encoding="utf8"), comparison)
    except ValueError as error:
        msg.fail(f"{readme} was not changed", str(error), exits=1)
    write_json(output, comparison)
    output.with_suffix(".md").write_text(write_report(comparison), encoding="utf8")
    output.with_suffix(".html").write_text(write_page(comparison), encoding="utf8")
    readme.write_text(text, encoding="utf8")
    msg.good(f"{output.with_suffix('.html')}: {comparison['advice']}")


if __name__ == "__main__":
    typer.run(main)
