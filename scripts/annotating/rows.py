"""What is written of a text: its entities and conflicts, in columns."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from spacy.tokens import Doc

ENTITY = pa.struct(
    [
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("label", pa.string()),
        # null where the pipeline cannot tell
        ("component", pa.string()),
        ("score", pa.float64()),
    ]
)
CONFLICT = pa.struct(
    [
        # null where it lost to nothing
        ("winner", ENTITY),
        ("losers", pa.list_(ENTITY)),
        ("policy", pa.string()),
        ("reason", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        ("text", pa.large_string()),
        ("entities", pa.list_(ENTITY)),
        ("conflicts", pa.list_(CONFLICT)),
    ]
)
Columns = dict[str, list[Any]]


def schema(*, text: bool) -> pa.Schema:
    """Return the columns that are written, with the texts or without."""
    return SCHEMA if text else SCHEMA.remove(SCHEMA.get_field_index("text"))


def entities(
    doc: Doc, start: int, owners: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield the entities of a doc.

    start: where the doc begins in the text that it is a piece of.
    owners: the component that proposes a label, to tell it where the doc does not.
    """
    for ent in doc.ents:
        component, score = owners.get(ent.label_), None
        if ent.has_extension("ner_component"):
            component = ent._.ner_component or component
            score = ent._.ner_score
        yield {
            "start": start + ent.start_char,
            "end": start + ent.end_char,
            "label": ent.label_,
            "component": component,
            "score": score,
        }


def conflicts(doc: Doc, start: int) -> Iterator[dict[str, Any]]:
    """Yield the conflicts that were decided in a doc, offsets in characters.

    start: see `entities`.
    """
    for decision in doc._.ner_conflicts if doc.has_extension("ner_conflicts") else ():
        winner = decision["winner"]
        yield {
            "winner": winner and _side(doc, winner, start),
            "losers": [_side(doc, loser, start) for loser in decision["losers"]],
            "policy": decision["policy"],
            "reason": decision["reason"],
        }


def _side(doc: Doc, side: Mapping[str, Any], start: int) -> dict[str, Any]:
    span = doc[side["start"] : side["end"]]
    place = {"start": start + span.start_char, "end": start + span.end_char}
    return {**{key: side[key] for key in ("label", "component", "score")}, **place}
