"""The results in the README have the form that `compare` writes."""

import re

from compare import END, START, compare
from helpers import ROOT, scores_of
from report.tables import BEST, table

F = r"\d+\.\d \(\d+\.\d-\d+\.\d\)"
# an F with its interval, plain, tied or best; a number; nothing
CELL = re.compile(rf"{F}(?: ≈)?|\*\*{F} ★\*\*|[\d.,]+|")


def test_readme_table_has_the_form_that_compare_writes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    block = readme.partition(START)[2].partition(END)[0].strip().split("\n\n")
    shown, legend, advice = block
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in shown.splitlines()
    ]
    columns = [*table(compare(scores_of(a=(0.8, 1.0)))).columns]
    of_sources = ("F of ", "keeps of ")
    plain = [name for name in header if not name.startswith(of_sources)]
    assert plain == ["", *(name for name in columns if not name.startswith(of_sources))]
    assert len(rows) >= 3
    for row in rows:
        assert re.fullmatch(r"`\w+`", row[0])
        assert all(CELL.fullmatch(cell) for cell in row[1:]), row
    assert sum(BEST in row[1] for row in rows) == 1
    assert re.match(r"F in percent on \d+ texts, \d+ of them with a conflict", legend)
    assert re.match(r"Take `\w+`: ", advice)
