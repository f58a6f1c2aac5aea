"""Sentences in columns: a line a token, an empty line after each sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.formats.lines import lines

# as `# text = ...`, but not the token # with its tag
COMMENT = re.compile(r"# ?((?P<key>\w[\w ]*?) ?= ?(?P<value>[^\t]*)|newdoc|newpar)")
# of sentences that are a line each: token|tag token|tag
PIPED = re.compile(r"\S+\|(O|[BILUSE]-[^|\s]+)")


@dataclass
class Sentence:
    """The tokens of a sentence.

    where: where it starts.
    text: what `# text = ...` says, None if nothing does.
    rows: the columns of each token.
    """

    where: str = ""
    text: str | None = None
    rows: list[list[str]] = field(default_factory=list)


def read_sentences(data: bytes, name: str) -> Iterator[Sentence]:
    """Yield the sentences of a file; columns are told apart by tabs, else by spaces.

    Comments and `-DOCSTART-` are left out.

    RAISES ValueError: it is no UTF-8.
    """
    sentence = Sentence()
    for where, line in lines(data, name):
        # not `split()`: a no-break space is part of a token
        row = line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))
        comment = None if sentence.rows else COMMENT.match(line)
        if comment:
            if comment["key"] == "text":
                sentence.text = comment["value"]
        elif not line.strip() or row[0] == "-DOCSTART-":
            if sentence.rows:
                yield sentence
                sentence = Sentence()
        elif all(PIPED.fullmatch(piece) for piece in row):
            yield Sentence(where, rows=[piece.split("|") for piece in row])
        else:
            sentence.where = sentence.where or where
            sentence.rows.append(row)
    if sentence.rows:
        yield sentence
