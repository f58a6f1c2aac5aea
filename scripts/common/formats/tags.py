"""Tags of tokens: where the tokens are in a text, and the spans that the tags make."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from spacy.training import iob_to_biluo, tags_to_entities

# of IOB, IOB2, BILUO, and BIOES, which writes S and E for U and L
TAG = re.compile(r"O|[BILUSE]-.+")


def find_tokens(tokens: Iterable[str], text: str, where: str) -> list[tuple[int, int]]:
    """Find start and end of each token in a text that has nothing else but whitespace.

    RAISES ValueError: it has something else; the message begins with `where`.
    """
    found, at = [], 0
    for token in tokens:
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            raise ValueError(
                f"{where}: the token {token!r} is not what its text goes on with, "
                f"{text[at : at + 20]!r}"
            )
        at = start + len(token)
        found.append((start, at))
    if text[at:].strip():
        raise ValueError(f"{where}: no token spells the end of its text, {text[at:]!r}")
    return found


def spans_of_tags(
    tags: Sequence[str], places: Sequence[tuple[int, int]], where: str
) -> list[dict[str, Any]]:
    """Make the spans of a text of its tags, one a token.

    places: start and end of each token.
    RAISES ValueError: a tag is none of IOB or BILUO; the message begins with `where`.
    """
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise ValueError(
                f"{where}: {tag!r} is no tag; write O for tokens of no entity, and "
                "B-LABEL, I-LABEL (or L, U) for others"
            )
    # spaCy takes S for a start, but does not know E
    renamed = [re.sub("^E-", "L-", tag) for tag in tags]
    return [
        {"start": places[first][0], "end": places[last][1], "label": label}
        for label, first, last in tags_to_entities(iob_to_biluo(renamed))
    ]
