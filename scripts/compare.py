"""Write what `evaluate` measured as a page, and as a table in the README.

python scripts/compare.py metrics/scores.json metrics/comparison.json README.md
"""

from common.running import guarded

import io
from pathlib import Path
from typing import Annotated

import pandas as pd
import srsly
import typer
from jinja2 import Environment
from wasabi import MarkdownRenderer, msg

from common.files import together, write_json, write_text
from common.inputs import named_json, read_text, written_by
from report.advice import advise
from report.charts import CHARTS, Chart
from report.tables import BEST, MAIN, TABLES, Comparison, legend, table

START = "<!-- COMPARISON START: written by `compare`, do not edit -->"
END = "<!-- COMPARISON END -->"
PAGE = Path(__file__).with_name("report") / "page.html"


def compare(scores: Comparison) -> Comparison:
    """Bring together what was measured of each pipeline, and what follows from it.

    scores: what `evaluate` wrote.
    RETURNS: the same with each pipeline's `cost` beside its scores, and the `advice`.
    """
    costs = scores["costs"]
    pipelines = {n: {**p, "cost": costs[n]} for n, p in scores["pipelines"].items()}
    comparison = {**scores, "pipelines": pipelines}
    del comparison["costs"]
    return {**comparison, "advice": advise(comparison)}


def write_markdown(frame: pd.DataFrame) -> str:
    """Write a table in Markdown, the best cells in bold."""
    rows = [
        [f"`{name}`", *(f"**{c}**" if c.endswith(BEST) else c for c in map(str, cells))]
        for name, *cells in frame.itertuples()
    ]
    # names come from other people's pipelines
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return str(MarkdownRenderer().table(cells, ["", *frame.columns])).strip()


def fill_in(readme: str, comparison: Comparison) -> str:
    """Replace what stands between the markers in the README.

    RAISES ValueError: there are no markers, or more: what is yours could stand between.
    """
    head, _, rest = readme.partition(START)
    _, end, tail = rest.partition(END)
    if not end or readme.count(START) > 1 or readme.count(END) > 1:
        raise ValueError(
            f"it needs the lines {START!r} and {END!r}, once, in this order"
        )
    text = [write_markdown(table(comparison)), legend(comparison), comparison["advice"]]
    return "\n\n".join([head + START, *text, end + tail])


def write_report(comparison: Comparison) -> str:
    """Write all tables in Markdown."""
    text = ["# What each combination costs", legend(comparison)]
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


def _draw(chart: Chart) -> str:
    picture = io.StringIO()
    chart.save(picture, format="svg")
    return picture.getvalue()


def main(
    scores: Annotated[Path, typer.Argument(help="What `evaluate` wrote, JSON")],
    output: Annotated[
        Path, typer.Argument(help="JSON; .md, .html beside it", callback=named_json)
    ],
    readme: Annotated[Path, typer.Argument(help="The README that shows the table")],
) -> None:
    """Write what `evaluate` measured as a page, and as a table in the README."""
    if not scores.is_file():
        msg.fail(f"There is no {scores}", "Run the command `evaluate`", exits=1)
    for made in (output, output.with_suffix(".md")):
        if made in (scores, readme):
            msg.fail(f"{made} would be replaced; give another output", exits=1)
    try:
        # an earlier version of `evaluate` wrote something else
        with written_by("evaluate", scores):
            comparison = compare(srsly.read_json(scores))
            report, page = write_report(comparison), write_page(comparison)
    except ValueError as error:
        msg.fail("Nothing was compared", str(error), exits=1)
    try:
        text = fill_in(read_text(readme), comparison)
    except ValueError as error:
        msg.fail(f"{readme} was not changed", str(error), exits=1)
    with together():
        write_json(output, comparison)
        write_text(output.with_suffix(".md"), report)
        write_text(output.with_suffix(".html"), page)
        write_text(readme, text)
    msg.good(f"{output.with_suffix('.html')}: {comparison['advice']}")


if __name__ == "__main__":
    typer.run(guarded(main))
