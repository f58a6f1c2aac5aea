"""Annotated text as Docs: records of texts and spans, in a pipeline's tokens."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from common.formats.files import accepted, beside, read_records
from common.formats.spans import (
    UNDERSTOOD,
    Marked,
    annotated_with,
    miscounted,
    misfit,
    spans_of,
)
from ner_components import overlap

# in a doc's user data the labels that people have looked for in it, where that is known
ANNOTATED = "annotated"


def read_annotated(
    path: Path, tokenize: Callable[[str], Doc], *, labels_of: Path | None = None
) -> Iterator[Doc]:
    """Yield a Doc for each accepted record, with its spans as `doc.ents`.

    path: annotated text, see `read_records`. A true `conflict` of a record is kept as
        `doc.user_data["conflict"]`, and the labels that it says it was `annotated`
        with, sorted, as `doc.user_data["annotated"]`.
    tokenize: makes the Doc, as a pipeline's `make_doc` does.
    labels_of: a text of the same kind; a label that it lacks is an error.
    RAISES ValueError: the file is missing or has no accepted record, something in it is
        no record, a text is too long, or a span is outside its text, not on token
        boundaries, in whitespace, overlapping or of unknown label.
    """
    known = labels_in(labels_of) if labels_of else None
    for where, record in _accepted(path):
        try:
            doc = tokenize(record["text"])
        except ValueError as error:
            # longer than the pipeline takes
            raise ValueError(f"{where}: {error}") from None
        doc.user_data["conflict"] = bool(record.get("conflict"))
        annotated = annotated_with(record, where)
        if annotated is not None:
            doc.user_data[ANNOTATED] = annotated
        ents: list[Span] = []
        for span in spans_of(record, where):
            name = f"{where}: {span.shown(doc.text)}"
            if known is not None and span.label not in known:
                raise ValueError(
                    f"{name} has the label {span.label}, which {labels_of} does not "
                    f"have (it has {', '.join(sorted(known))})"
                )
            ents.append(_ent(doc, span, where, path))
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

    RAISES ValueError: the file is missing or has no accepted record, something in it is
        no record, or there is no span in it.
    """
    labels: set[str] = set()
    fields: dict[str, None] = {}
    for where, record in _accepted(path):
        labels |= {span.label for span in spans_of(record, where)}
        fields |= dict.fromkeys(record)
    if not labels:
        raise ValueError(
            f"{path}: there is no span in it, so nothing to learn from; its records "
            f"have: {', '.join(fields)}. What is understood: {UNDERSTOOD}"
        )
    return labels


def _accepted(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the accepted records, and where they stand."""
    found = False
    for where, record in read_records(path):
        if accepted(record):
            found = True
            yield where, record
    if not found:
        raise ValueError(f"{path}: no accepted record in it, so nothing to learn from")


def _ent(doc: Doc, span: Marked, where: str, path: Path) -> Span:
    wrong = misfit(span, doc.text)
    ent = None if wrong else doc.char_span(span.start, span.end, label=span.label)
    if ent is not None:
        return ent
    fix = miscounted(beside(path, where))
    if not wrong:
        tokens = [
            token.text
            for token in doc
            if token.idx < span.end and token.idx + len(token) > span.start
        ]
        wrong = f"does not start and end with a token; the tokens there are {tokens}"
        fix = fix or (
            "; mend the file with `python scripts/convert.py FILE MENDED.jsonl --widen "
            "--pipeline sources/core`"
        )
    raise ValueError(f"{where}: {span.shown(doc.text)} {wrong}{fix}")
