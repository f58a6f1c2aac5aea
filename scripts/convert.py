"""Convert annotated text from Prodigy's JSONL format to spaCy's DocBin.

python scripts/convert.py assets/drugs_dev.jsonl corpus/drugs_dev.spacy
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from wasabi import msg

# the project's own annotated text
ASSETS = Path(__file__).resolve().parent.parent / "assets"


def convert(
    source: Path,
    target: Path,
    *,
    labels_of: Path | None = None,
    outside_of: Path | None = None,
) -> int:
    """Write one Doc per accepted record, with its spans as `doc.ents`.

    Sentence starts are set by spaCy's rule-based sentencizer: the text carries none
    of its own, and the embedded core learns to find them from these.

    source: JSONL, one record a line: `text`, `spans` (each `start` and `end` in
        characters, `label`) and, as Prodigy exports it, `answer`; only accepted
        records are kept. A true `conflict` is kept as `doc.user_data["conflict"]`.
    target: the .spacy file; replaced only when the whole of `source` is sound.
    labels_of: an already converted file; a label that it lacks is an error.
    outside_of: write what `source` tells the NER that learns from this other text:
        every span here is no entity there, and all other tokens are unknown. That holds
        for the project's own text only, so for other text no Doc is written.
    RETURNS: the number of Docs.
    RAISES ValueError: the file is missing or empty, a line is no such record, or a span
        is outside its text, not on token boundaries, overlapping or of unknown label.
    """
    if not source.is_file():
        raise ValueError(f"{source}: there is no such file")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    docs = DocBin(store_user_data=True)
    known = _labels(labels_of, nlp) if labels_of else None
    ours = outside_of is None or ASSETS in outside_of.resolve().parents
    for where, record in records(source.read_bytes(), str(source)) if ours else []:
        doc = nlp(record["text"])
        doc.user_data["conflict"] = bool(record.get("conflict"))
        ents = _ents(doc, record.get("spans") or [], where, known)
        if outside_of and not ents:
            continue
        if outside_of:
            doc.set_ents([], outside=ents, default="missing")
        else:
            doc.ents = ents
        docs.add(doc)
    if ours and not len(docs):
        raise ValueError(
            f"{source}: no accepted record in it, so nothing to learn from"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".tmp")
    docs.to_disk(unfinished)
    unfinished.replace(target)
    return len(docs)


def decode(data: bytes, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark.

    RAISES ValueError: it is no UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: not UTF-8 ({error}); save it as UTF-8") from None


def records(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each accepted record stands (`name, line n`) and the record.

    data: JSONL, one record a line; each has a `text`.
    RAISES ValueError: it is no UTF-8, or a line is no such record.
    """
    for number, line in enumerate(decode(data, name).split("\n"), 1):
        where = f"{name}, line {number}"
        if not line.strip():
            continue
        try:
            record = srsly.json_loads(line)
        except ValueError as error:
            raise ValueError(f"{where}: not JSON ({error})") from None
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise ValueError(f"{where}: not an object with a `text`")
        if not _encodable(record["text"]):
            raise ValueError(f"{where}: the `text` holds half of a surrogate pair")
        if record.get("answer", "accept") == "accept":
            yield where, record


def _encodable(text: str) -> bool:
    """Tell whether a text is free of escapes that stand for no character."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _ents(
    doc: Doc, spans: list[dict[str, Any]], where: str, known: set[str] | None
) -> list[Span]:
    ents: list[Span] = []
    for span in spans:
        try:
            start, end, label = span["start"], span["end"], span["label"]
            surface = doc.text[start:end]
        except (KeyError, TypeError):
            shown = json.dumps(span, ensure_ascii=False)
            raise ValueError(
                f"{where}: the span {shown} needs `start`, `end` and `label`"
            ) from None
        name = f"{where}: the span {start}-{end} {surface!r}"
        if not isinstance(label, str) or not label:
            raise ValueError(f"{name} has no label")
        if known is not None and label not in known:
            raise ValueError(
                f"{name} has the label {label}, which the training text does not have "
                f"(it has {', '.join(sorted(known))})"
            )
        if not 0 <= start < end <= len(doc.text):
            raise ValueError(f"{name} is not inside the text of {len(doc.text)} chars")
        ent = doc.char_span(start, end, label=label)
        if ent is None:
            tokens = [t.text for t in doc if t.idx < end and t.idx + len(t) > start]
            raise ValueError(
                f"{name} does not start and end with a token; the tokens there are "
                f"{tokens}"
            )
        for other in ents:
            if ent.start < other.end and other.start < ent.end:
                raise ValueError(
                    f"{name} overlaps the span {other.start_char}-{other.end_char} "
                    f"{other.text!r}; keep one of the two"
                )
        ents.append(ent)
    return ents


def _labels(path: Path, nlp: Language) -> set[str]:
    docs = DocBin().from_disk(path).get_docs(nlp.vocab)
    return {ent.label_ for doc in docs for ent in doc.ents}


def main(
    source: Annotated[Path, typer.Argument(help="Annotated text, JSONL")],
    target: Annotated[Path, typer.Argument(help="The .spacy file to write")],
    labels_of: Annotated[
        Path | None, typer.Option(help="Allow only the labels in this .spacy file")
    ] = None,
    outside_of: Annotated[
        Path | None, typer.Option(help="Spans are no entities to who learns from this")
    ] = None,
) -> None:
    """Convert annotated text from Prodigy's JSONL format to spaCy's DocBin."""
    try:
        count = convert(source, target, labels_of=labels_of, outside_of=outside_of)
    except ValueError as error:
        msg.fail("Nothing was converted", str(error), exits=1)
    msg.good(f"{target}: {count} texts from {source}")


if __name__ == "__main__":
    typer.run(main)
