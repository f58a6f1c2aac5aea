"""Spans of a record: what they say, and whether they fit the text."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from common.formats.offsets import CALLED, Unit, in_characters
from common.formats.tags import TAG

UNDERSTOOD = (
    "`spans` with `start`, `end` and `label` (Prodigy); `entities`, `label` or "
    "`labels` with [start, end, label] (doccano, spaCy); tasks of Label Studio"
)
# what may have offsets, but of tokens, sentences or between spans
OTHERS = {"text", "data", "tokens", "sents", "relations"}
# a list of lists or objects that was saved as a string
WRITTEN = re.compile(r"\[\s*[\[({].*\d\D.*\d", flags=re.DOTALL)


@dataclass(frozen=True)
class Marked:
    """A span as a record has it.

    start, end: in characters, unless the file counts something else.
    text: what the record says is there; None if it says nothing.
    """

    start: int
    end: int
    label: str
    text: str | None = None

    def shown(self, text: str) -> str:
        """Name it in an error."""
        return f"the span {self.start}-{self.end} {text[self.start : self.end]!r}"


def spans_of(record: dict[str, Any], where: str) -> list[Marked]:
    """Return the spans of a record; none where it has no annotation.

    RAISES ValueError: a span has no whole numbers as `start` and `end`, or a label that
        is none, or none of those that the record was `annotated` with; or another field
        looks like annotation.
    """
    if "spans" not in record:
        for key, value in record.items():
            if key not in OTHERS and _looks_like_spans(value):
                raise ValueError(
                    f"{where}: the field `{key}` looks like annotation, but is none "
                    f"that is understood: {UNDERSTOOD}"
                )
    known = annotated_with(record, where)
    listed = record.get("spans")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise ValueError(
            f"{where}: the `spans` are {_shown(listed)}, which is no list of spans"
        )
    spans = [_span(span, record["text"], where) for span in listed]
    for span in spans:
        if known is not None and span.label not in known:
            raise ValueError(
                f"{where}: {span.shown(record['text'])} has the label {span.label}, "
                f"but the text is `annotated` with {', '.join(known) or 'none'}"
            )
    return spans


def annotated_with(record: dict[str, Any], where: str) -> list[str] | None:
    """Return the labels that a record says it was annotated with; None: it is silent.

    RAISES ValueError: they are no list of labels.
    """
    labels = record.get("annotated")
    if labels is None:
        return None
    if not isinstance(labels, list) or not all(map(_is_label, labels)):
        raise ValueError(
            f"{where}: `annotated` is {_shown(labels)}, which is no list of labels"
        )
    return sorted({*labels})


def elsewhere(span: Marked, text: str) -> str | None:
    """Tell why a span cannot be of this text."""
    if not 0 <= span.start < span.end <= len(text):
        return f"is not inside the text of {len(text)} chars"
    if span.text is None or _bare(span.text) == _bare(text[span.start : span.end]):
        return None
    return f"should be {span.text!r}, as the record says"


def misfit(span: Marked, text: str) -> str | None:
    """Tell why a span cannot be an entity of a text, whatever the tokens are."""
    found = text[span.start : span.end]
    if wrong := elsewhere(span, text):
        return wrong
    if found != found.strip():
        return (
            "starts or ends in whitespace, which no NER learns; mend the file with "
            "`python scripts/convert.py FILE MENDED.jsonl --trim`"
        )
    return None


def recount(span: Marked, text: str, unit: Unit) -> Marked | None:
    """Count a span's offsets in characters; None: they are not between characters."""
    if unit is Unit.characters:
        return span
    places = in_characters(text, unit)
    if span.start in places and span.end in places:
        return replace(span, start=places[span.start], end=places[span.end])
    return None


def is_of_words(span: Marked | None, text: str) -> bool:
    """Tell whether a span is in its text, and begins and ends where words do."""
    if span is None or elsewhere(span, text):
        return False
    return not any(
        text[at - 1 : at].isalnum() and text[at : at + 1].isalnum()
        for at in (span.start, span.end)
        if at
    )


def miscounted(
    records: Iterable[tuple[str, dict[str, Any]]], taken: Unit = Unit.characters
) -> str:
    """Tell what the offsets of a file count, if it is not what they are taken for.

    RETURNS: what to add to an error: in what all its spans begin and end where words
        do, and the fix. Empty if there is nothing of the kind, or `taken` is it.
    RAISES ValueError: a record is unsound.
    """
    texts = [(record["text"], spans_of(record, where)) for where, record in records]
    counted = {
        unit: [(recount(s, text, unit), text) for text, own in texts for s in own]
        for unit in Unit
    }
    words = [u for u, own in counted.items() if all(is_of_words(*one) for one in own)]
    sound = [
        u for u in words if not any(s and misfit(s, text) for s, text in counted[u])
    ]
    fitting = sound or words
    if taken in fitting or not fitting:
        return ""
    return (
        "; all spans of the file fit if it counts in "
        f"{' or in '.join(CALLED[unit] for unit in fitting)}: mend it with "
        "`python scripts/convert.py FILE MENDED.jsonl --offsets "
        f"{' or '.join(fitting)}`"
    )


def _span(span: Any, text: str, where: str) -> Marked:
    values = span if isinstance(span, dict) else {}
    start, end, label = (values.get(key) for key in ("start", "end", "label"))
    # True and False count as integers in Python, but are no offsets
    if type(start) is not int or type(end) is not int or "label" not in values:
        raise ValueError(
            f"{where}: the span {_shown(span)} needs `start` and `end`, which are "
            "whole numbers, and `label`"
        )
    if not _is_label(label):
        wrong = f"the label {_shown(label)}, which is no name"
        raise ValueError(
            f"{where}: {Marked(start, end, '').shown(text)} has "
            f"{'no label' if label == '' else wrong}"
        )
    own = values.get("text")
    return Marked(start, end, label, own if isinstance(own, str) else None)


def _is_label(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.strip() != "" and value.isprintable()


def _looks_like_spans(value: Any, *, listed: bool = False) -> bool:
    """Tell whether things with two whole numbers are listed, or tags of tokens."""
    if not isinstance(value, dict | list):
        return isinstance(value, str) and WRITTEN.match(value) is not None
    parts = [*value.values()] if isinstance(value, dict) else value
    kinds = [type(part) for part in parts]
    if {*kinds} == {str} and {"O"} < {*parts}:
        return all(map(TAG.fullmatch, parts))
    if listed and kinds.count(int) > 1:
        return True
    listed = listed or isinstance(value, list)
    return any(_looks_like_spans(part, listed=listed) for part in parts)


def _bare(text: str) -> str:
    """Leave out whitespace, which Label Studio writes otherwise than it stands."""
    return "".join(text.replace("\\n", "").split())


def _shown(value: Any) -> str:
    # a table may have what JSON has not, and JSON what no terminal can show
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown.encode("utf8", "backslashreplace").decode("utf8")
