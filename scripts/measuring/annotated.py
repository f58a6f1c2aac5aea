"""The conflicts that `annotate` has written, and the texts of it worth annotating."""

import heapq
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.annotated import count_rows, read_rows
from measuring.disagreements import TEXTS
from measuring.tally import Tally

BUILT = "as built"
# characters shown before and behind what collides: a text may be a book
CONTEXT = 100
# in characters: a longer text takes a person too long
LONGEST = 2_000


def report_annotated(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Collect the conflicts of annotated texts, in one pass over them.

    folder: what `annotate` wrote.
    RETURNS: the report as `report_conflicts` gives it, but of policies only what was
        decided, `as built`; and TEXTS records in Prodigy's format, those with the most
        conflicts first. A record's `spans` are the entities that collide with nothing,
        its `candidates` all others. Its `answer` is `ignore` until a person accepts it.
    RAISES ValueError: the folder holds something else, or no texts.
    """
    tally = Tally()
    most: list[tuple[int, int, dict[str, Any]]] = []
    columns = ["id", "text", "entities", "conflicts"]
    for number, row in enumerate(read_rows(folder, columns, conflicts=True)):
        disputed = 0
        for decision in row["conflicts"]:
            if decision["winner"]:
                disputed += 1
                _add(tally, row, decision)
            else:
                tally.dropped.update(loser["label"] for loser in decision["losers"])
        if disputed and len(row["text"]) <= LONGEST:
            # of equals the first one stays
            heapq.heappush(most, (disputed, -number, row))
            if len(most) > TEXTS:
                heapq.heappop(most)
    records = [_record(row) for *_, row in sorted(most, key=_rank, reverse=True)]
    return tally.report(count_rows(folder)), records


def _add(tally: Tally, row: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
    text, winner, losers = row["text"], decision["winner"], decision["losers"]
    sides = [winner, *losers]
    start = max(0, min(side["start"] for side in sides) - CONTEXT)
    end = max(side["end"] for side in sides) + CONTEXT
    tally.add(
        [side["label"] for side in sides],
        {BUILT: [_shown(text, winner)]},
        id=row["id"],
        text=text[start:end],
        lost=[" ".join(_shown(text, loser)) for loser in losers],
    )


def _shown(text: str, side: Mapping[str, Any]) -> tuple[str, str]:
    return text[side["start"] : side["end"]], side["label"]


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    decided = [one for one in row["conflicts"] if one["winner"]]
    sides = [side for one in decided for side in (one["winner"], *one["losers"])]
    # one may win or lose several times
    candidates = {_key(side): side for side in sides}
    return {
        "id": row["id"],
        "text": row["text"],
        "spans": [e for e in row["entities"] if _key(e) not in candidates],
        "candidates": [candidates[key] for key in sorted(candidates)],
        "answer": "ignore",
    }


def _key(side: Mapping[str, Any]) -> tuple[int, int, str]:
    return side["start"], side["end"], side["label"]


def _rank(found: Sequence[Any]) -> tuple[int, int]:
    return found[0], found[1]
