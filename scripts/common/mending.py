"""Annotated text rewritten in Prodigy's shape: recounted, trimmed, widened."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from wasabi import msg

from common.formats.files import beside, read_records
from common.formats.offsets import CALLED, Unit
from common.formats.spans import (
    Marked,
    elsewhere,
    is_of_words,
    miscounted,
    misfit,
    recount,
    spans_of,
)

# what is kept of a record besides its spans; other fields may have offsets in them
KEPT = ("text", "answer", "conflict", "annotated", "meta")


def mended(
    path: Path,
    *,
    trim: bool,
    offsets: Unit,
    tokenize: Callable[[str], Doc] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield each record of an annotated text, those not accepted too.

    path: see `read_records`.
    trim: leave out whitespace at both ends of spans, and spans that are nothing else.
    offsets: what the offsets of the file count.
    tokenize: widen spans to the tokens that it makes.
    RAISES ValueError: there is no such file, or something in it is unsound.
    """
    checked: set[str] = set()
    for where, record in read_records(path):
        text, doc = record["text"], None
        kept = {key: record[key] for key in KEPT if key in record}
        if record.get("spans") is not None:
            kept["spans"] = []
        for listed in spans_of(record, where):
            name, file = f"{where}: {listed.shown(text)}", where.rpartition(", ")[0]
            span, why = recount(listed, text, offsets), ""
            if not is_of_words(span, text) and file not in checked:
                checked.add(file)
                why = miscounted(beside(path, where), offsets)
            if span is None:
                raise ValueError(
                    f"{name} does not begin and end between characters of the text, "
                    f"if offsets count in {CALLED[offsets]}{why}"
                )
            wrong = elsewhere(span, text) or (why and "is not of whole words")
            if wrong:
                raise ValueError(f"{name} {wrong}{why}")
            if trim:
                span = _trimmed(span, text)
            if span is None:
                msg.info(f"{name} is only whitespace, and left out")
                continue
            if spaced := misfit(span, text):
                raise ValueError(f"{name} {spaced}")
            if tokenize:
                doc = doc or tokenize(text)
                span = _widened(span, doc, name)
            kept["spans"].append(
                {"start": span.start, "end": span.end, "label": span.label}
            )
        yield kept


def _widened(span: Marked, doc: Doc, name: str) -> Marked:
    """Widen a span to whole tokens, and name what comes along."""
    found: Any = doc.char_span(span.start, span.end, alignment_mode="expand")
    wide = replace(span, start=found.start_char, end=found.end_char)
    if wide != span:
        msg.info(f"{name} becomes {wide.shown(doc.text)}")
    return wide


def _trimmed(span: Marked, text: str) -> Marked | None:
    """Leave out whitespace at both ends; None: there is nothing else."""
    found = text[span.start : span.end]
    if found.isspace():
        return None
    start = span.start + len(found) - len(found.lstrip())
    return replace(span, start=start, end=start + len(found.strip()))
