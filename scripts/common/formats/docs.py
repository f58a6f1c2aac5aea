"""Docs that spaCy saved: a .spacy file, or the JSON that spaCy 2 was trained on."""

from collections.abc import Iterator
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from common.formats.tags import find_tokens, spans_of_tags

# what is kept of a doc's user data
KEPT = ("conflict", "annotated")


def read_docs(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a record for each Doc; without `spans` where its entities were never set.

    RAISES ValueError: it is no .spacy file, or some tokens of a Doc are not annotated.
    """
    try:
        docs = list(DocBin().from_bytes(data).get_docs(Vocab()))
    except Exception as error:
        raise ValueError(f"{name}: no .spacy file ({error})") from None
    for number, doc in enumerate(docs, 1):
        yield f"{name}, record {number}", _record(doc, f"{name}, record {number}")


def read_paragraphs(value: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Yield a record for each paragraph of a document as spaCy 2 was trained on.

    RAISES ValueError: it is no such document, a tag is none, or tokens do not spell
        the raw text.
    """
    # not spaCy's `json_to_docs`, which loses the raw text, and entities without L or U
    try:
        for paragraph in value["paragraphs"]:
            tokens = [t for part in paragraph["sentences"] for t in part["tokens"]]
            words = [token["orth"] for token in tokens]
            text = paragraph.get("raw")
            if text is None:
                text = "".join(t["orth"] + t.get("space", " ") for t in tokens).rstrip()
            places = find_tokens(words, text, where)
            tags = [token.get("ner") for token in tokens]
            record = {"text": text}
            if any(tags):
                record["spans"] = spans_of_tags([t or "-" for t in tags], places, where)
            yield record
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{where}: its paragraphs are not as spaCy 2 has them ({error!r})"
        ) from None


def _record(doc: Doc, where: str) -> dict[str, Any]:
    record: dict[str, Any] = {"text": doc.text}
    record |= {key: doc.user_data[key] for key in KEPT if key in doc.user_data}
    if doc.has_annotation("ENT_IOB"):
        if not doc.has_annotation("ENT_IOB", require_complete=True):
            raise ValueError(
                f"{where}: some of its tokens are neither entities nor none; set what "
                "they are, as in `doc.ents = doc.ents`"
            )
        record["spans"] = [
            {"start": ent.start_char, "end": ent.end_char, "label": ent.label_}
            for ent in doc.ents
        ]
    return record
