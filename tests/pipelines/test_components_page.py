"""The code on the page about the components runs."""

import re

import pytest

from helpers import ROOT, Case

PAGE = (ROOT / "docs" / "components.md").read_text(encoding="utf8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_block(
    block: str, cases: dict[str, Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cases["resolved-isolated"].folder)
    exec(compile(block, "docs/components.md", "exec"), {"__name__": "__main__"})  # noqa: S102
