"""Annotated text as Docs: records of texts and spans, in a pipeline's tokens."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from common.texts import accepted, records
from ner_components import overlap


def read_annotated(
    path: Path, tokenize: Callable[[str], Doc], *, labels_of: Path | None = None
) -> Iterator[Doc]:
    """Yield a Doc for each accepted record, with its spans as `doc.ents`.

    path: JSONL, one record a line: `text`, `spans` (each `start` and `end` in
        characters, `label`) and, as Prodigy exports it, `answer`. A true `conflict` is
        kept as `doc.user_data["conflict"]`.
    tokenize: makes the Doc, as a pipeline's `make_doc` does.
    labels_of: a text of the same kind; a label that it lacks is an error.
    RAISES ValueError: the file is missing or has no accepted record, a line is no such
        record, a text is too long, or a span is outside its text, not on token
        boundaries, overlapping or of unknown label.
    """
    known = labels_in(labels_of) if labels_of else None
    for where, record in _accepted(path):
        try:
            doc = tokenize(record["text"])
        except ValueError as error:
            # longer than the pipeline takes
            raise ValueError(f"{where}: {error}") from None
        doc.user_data["conflict"] = bool(record.get("conflict"))
        ents: list[Span] = []
        for start, end, label in _spans(record, where):
            name = f"{where}: the span {start}-{end} {doc.text[start:end]!r}"
            if known is not None and label not in known:
                raise ValueError(
                    f"{name} has the label {label}, which {labels_of} does not have "
                    f"(it has {', '.join(sorted(known)) or 'none'})"
                )
            ents.append(_ent(doc, start, end, label, name))
            for other in ents[:-1]:
                if overlap(ents[-1], other):
                    raise ValueError(
                        f"{name} overlaps the span {other.start_char}-{other.end_char} "
                        f"{other.text!r}; keep one of the two"
                    )
        doc.ents = ents
        yield doc


def read_gold(path: Path) -> list[Doc]:
    """Read annotated docs that `convert` has written.

    RETURNS: docs with `ents`, and in `user_data["conflict"]` whether they hold one.
    RAISES ValueError: there is no such file, it is of another kind, or empty.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; run the command `convert`")
    try:
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    except Exception as error:
        raise ValueError(f"{path}: no .spacy file ({error})") from None
    if not docs:
        raise ValueError(f"{path}: there is no text in it")
    return docs


def labels_in(path: Path) -> set[str]:
    """Collect the labels of an annotated text.

    RAISES ValueError: the file is missing or has no accepted record, or a line is none.
    """
    found = (_spans(record, where) for where, record in _accepted(path))
    return {label for spans in found for _, _, label in spans}


def _accepted(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the accepted records, and where they stand."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    found = False
    for where, record in records(path.read_bytes(), str(path)):
        if accepted(record):
            found = True
            yield where, record
    if not found:
        raise ValueError(f"{path}: no accepted record in it, so nothing to learn from")


def _spans(record: dict[str, Any], where: str) -> list[tuple[int, int, str]]:
    """Take start, end and label from the spans of a record."""
    listed = record.get("spans")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise ValueError(
            f"{where}: the `spans` are {_shown(listed)}, which is no list of spans"
        )
    spans = []
    for span in listed:
        values = span if isinstance(span, dict) else {}
        start, end, label = (values.get(key) for key in ("start", "end", "label"))
        # True and False count as integers in Python, but are no offsets
        if type(start) is not int or type(end) is not int or "label" not in values:
            raise ValueError(
                f"{where}: the span {_shown(span)} needs `start` and `end`, which are "
                "whole numbers, and `label`"
            )
        if not isinstance(label, str) or not label:
            wrong = f"the label {_shown(label)}, which is no string"
            raise ValueError(
                f"{where}: the span {start}-{end} {record['text'][start:end]!r} has "
                f"{'no label' if label == '' else wrong}"
            )
        spans.append((start, end, label))
    return spans


def _ent(doc: Doc, start: int, end: int, label: str, name: str) -> Span:
    """Find the tokens of a span that is called `name` in an error."""
    if not 0 <= start < end <= len(doc.text):
        raise ValueError(f"{name} is not inside the text of {len(doc.text)} chars")
    ent = doc.char_span(start, end, label=label)
    if ent is None:
        tokens = [t.text for t in doc if t.idx < end and t.idx + len(t) > start]
        raise ValueError(
            f"{name} does not start and end with a token; the tokens there are {tokens}"
        )
    return ent


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
