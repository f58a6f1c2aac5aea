"""Who learned from those who annotated the test is told, where others did not."""

from pathlib import Path
from typing import Any

import pytest

from common.files import sha256
from common.ners import Combination, Origin
from measuring.exposure import exposed, seen

OWN = {"assets/core_train.jsonl": "1"}
MINE = {"mine.jsonl": "2"}
ASSEMBLED = Combination("core", {"ner": Origin("core", "ner")})


def trained(**gold: dict[str, str]) -> Combination:
    """Make what says of a combination that its labels were learned from such texts."""
    return Combination("core", {}, trained_on={"ner": OWN}, gold=gold)


@pytest.mark.parametrize(
    ("way", "ledger", "test", "expected"),
    [
        # the project's text teaches it, and its hands annotated the test
        (trained(core=OWN), {"core": {}}, "assets/test.jsonl", ["core"]),
        # the test is one's own
        (trained(core=OWN), {"core": {}}, "mine.jsonl", []),
        # its teacher was the core
        (trained(core={}), {"core": {}}, "assets/test.jsonl", []),
        # the core learned from the same text: no difference
        (trained(core=OWN), {"core": {"gold": OWN}}, "assets/test.jsonl", []),
        (trained(drugs=MINE), {"drugs": {}}, "assets/test.jsonl", []),
    ],
    ids=["exposed", "own test", "taught", "both", "own text"],
)
def test_only_a_difference_counts(
    way: Combination, ledger: dict[str, Any], test: str, expected: list[str]
) -> None:
    found = exposed({"drug_first": ASSEMBLED, "trained": way}, ledger, Path(test))
    assert found == {"drug_first": [], "trained": expected}


def test_sources_may_be_the_exposed_ones() -> None:
    ways = {"drug_first": ASSEMBLED, "trained": trained(core=MINE)}
    found = exposed(ways, {"core": {"gold": OWN}}, Path("assets/test.jsonl"))
    assert found == {"drug_first": ["core"], "trained": []}


def test_the_test_itself_is_no_text_to_learn_from(tmp_path: Path) -> None:
    test = tmp_path / "mine.jsonl"
    test.write_text("{}", encoding="utf8")
    way = trained(drugs={"mine.jsonl": sha256(test)})
    assert exposed({"a": ASSEMBLED, "b": way}, {"drugs": {}}, test)["b"] == ["drugs"]


def test_tested_texts_that_a_source_was_trained_on_are_told(tmp_path: Path) -> None:
    train, test, other = (tmp_path / f"{n}.jsonl" for n in ("train", "test", "other"))
    for path, texts in [(train, "abc"), (test, "bcd"), (other, "x")]:
        lines = [f'{{"text": "{text}"}}\n' for text in texts]
        path.write_text("".join(lines), encoding="utf8")
    gold = {str(train): "", str(other): "", "gone.jsonl": ""}
    [told] = seen({"core": {}, "drugs": {"gold": gold}}, test)
    assert told.startswith(f"{train} has 2 of the texts of {test}, so drugs knows them")
    assert seen({"drugs": {"gold": {str(tmp_path): ""}}}, tmp_path)
    assert not seen({"drugs": {"gold": {str(other): ""}}}, test)
    assert not seen({"drugs": {"gold": gold}}, tmp_path / "none.jsonl")
