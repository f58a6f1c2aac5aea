"""Who has learned from the hands that annotated what is measured on."""

from collections.abc import Mapping
from pathlib import Path

from common.files import sha256
from common.meta import Entry
from common.ners import EXAMPLES, Combination
from common.texts import read_texts


def exposed(
    ways: Mapping[str, Combination], ledger: Mapping[str, Entry], test: Path
) -> dict[str, list[str]]:
    """List for each way the sources whose labels it has learned as no other way has.

    Who was taught a label by those who annotated a text scores higher on that text than
    on any other. That says nothing where all ways were taught so, or none.

    ledger: what is recorded of the sources.
    test: what is measured on.
    RETURNS: by way the sources; none where the ways are alike.
    """
    same = sha256(test) if test.exists() else ""

    def taught(gold: Mapping[str, str]) -> bool:
        ours = EXAMPLES in test.parents
        return any(
            digest == same or (ours and EXAMPLES in Path(path).parents)
            for path, digest in gold.items()
        )

    found: dict[str, list[str]] = {name: [] for name in ways}
    for source, entry in ledger.items():
        by_source = taught(entry.get("gold", {}))
        by_way = {
            name: taught(way.gold.get(source, {})) if way.trained_on else by_source
            for name, way in ways.items()
        }
        if len({*by_way.values()}) > 1:
            for name, own in by_way.items():
                if own:
                    found[name].append(source)
    return found


def seen(ledger: Mapping[str, Entry], test: Path) -> list[str]:
    """Name the texts that a source was trained on here and that hold tested ones."""
    if not test.exists():
        return []
    tested = {*read_texts(test)}
    taught = {
        path: name for name, own in ledger.items() for path in own.get("gold", {})
    }
    found = {
        path: len(tested.intersection(read_texts(Path(path))))
        for path in taught
        if Path(path).exists()
    }
    return [
        f"{path} has {number} of the texts of {test}, so {taught[path]} knows them, "
        "and its figures are too good; take them out, and run `sources` again"
        for path, number in found.items()
        if number
    ]
