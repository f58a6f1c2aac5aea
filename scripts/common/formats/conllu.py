"""CoNLL-U with named entities in MISC: `NER=B-PER`, `name=PER`, `B-PER`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from common.formats.sentences import Sentence
from common.formats.tags import TAG, find_tokens, spans_of_tags

ID, FORM, HEAD, MISC, WIDTH = 0, 1, 6, 9, 10
ENTITY = re.compile(r"(?i:ner|ne|name)[=:](?P<value>.+)|(?P<tag>[BILUSE]-.+)")


def is_conllu(sentences: Sequence[Sentence]) -> bool:
    """Tell whether sentences are CoNLL-U, by the first token."""
    row = sentences[0].rows[0]
    return (
        len(row) == WIDTH
        and re.fullmatch(r"1(-\d+)?|0\.1", row[ID]) is not None
        and re.fullmatch(r"\d+|_", row[HEAD]) is not None
    )


def read_conllu(sentences: Sequence[Sentence]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a record for each sentence; without `spans` where no MISC has an entity.

    RAISES ValueError: a row has not its ten columns or no ID, or tokens do not spell
        their text.
    """
    for sentence in sentences:
        for row in sentence.rows:
            if len(row) != WIDTH or not re.fullmatch(r"\d+([-.]\d+)?", row[ID]):
                raise ValueError(
                    f"{sentence.where}: {' '.join(row)!r} is no token of CoNLL-U, "
                    f"which has {WIDTH} columns and an ID"
                )
    rows = [row for sentence in sentences for row in sentence.rows]
    annotated = any(_tag(row[MISC]) for row in rows)
    for sentence in sentences:
        text, words, places = _text(sentence)
        record: dict[str, Any] = {"text": text}
        if annotated:
            tags = [_tag(row[MISC]) or "O" for row in words]
            record["spans"] = spans_of_tags(tags, places, sentence.where)
        yield sentence.where, record


def _tag(misc: str) -> str | None:
    """Find what MISC says of an entity; a label alone is inside."""
    for part in misc.split("|"):
        if match := ENTITY.fullmatch(part):
            value = match["tag"] or match["value"]
            return value if TAG.fullmatch(value) else f"I-{value}"
    return None


def _text(
    sentence: Sentence,
) -> tuple[str, list[list[str]], list[tuple[int, int]]]:
    """Put the text together, and find its words.

    Several words may be one token of the text. One that is not spelled in it, as `le`
    in `du`, stands for the whole token.

    RETURNS: the text, the rows of the words, and where each is.
    """
    tokens: list[list[str]] = []
    words: list[tuple[int, list[str]]] = []
    last = 0
    for row in sentence.rows:
        first, _, until = row[ID].partition("-")
        if "." in first:
            # it is not in the text
            continue
        if until or int(first) > last:
            tokens.append(row)
            last = int(until or first)
        if not until:
            words.append((len(tokens) - 1, row))
    spaced = [
        row[FORM] + " " * ("SpaceAfter=No" not in row[MISC].split("|"))
        for row in tokens
    ]
    text = "".join(spaced).rstrip(" ") if sentence.text is None else sentence.text
    found = find_tokens([row[FORM] for row in tokens], text, sentence.where)
    places: list[tuple[int, int]] = []
    at = 0
    for number, row in words:
        start, end = found[number]
        own = text.find(row[FORM], max(at, start), end)
        if own >= 0:
            start, end = own, own + len(row[FORM])
            at = end
        places.append((start, end))
    return text, [row for _, row in words], places
