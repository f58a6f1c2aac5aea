"""Columns with tags (CoNLL-2003, IOB, IOB2, BILUO), and CoNLL-U."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from common.formats.conllu import is_conllu, read_conllu
from common.formats.sentences import Sentence, read_sentences
from common.formats.tags import TAG, find_tokens, spans_of_tags

# of the phrases that CoNLL-2003 has tags for, too
PHRASES = {"ADJP", "ADVP", "CONJP", "INTJ", "LST", "NP", "PP", "PRT", "SBAR", "VP"}
# so many bytes tell what a file holds
SNIFFED = 2**16


def read_columns(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a record for each sentence.

    Its text is what `# text = ...` says, else its tokens, a space between.

    RAISES ValueError: it is no UTF-8, the rows have not as many columns each, no column
        or more than one holds tags, or tokens do not spell their text.
    """
    sentences = list(read_sentences(data, name))
    if sentences and is_conllu(sentences):
        yield from read_conllu(sentences)
        return
    _check_widths(sentences)
    rows = [row for sentence in sentences for row in sentence.rows]
    # the column of the tokens
    first = int(_are_numbered(sentences))
    column = _tag_column(rows, name) if rows else 0
    for sentence in sentences:
        tokens = [row[first] for row in sentence.rows]
        text = " ".join(tokens) if sentence.text is None else sentence.text
        places = find_tokens(tokens, text, sentence.where)
        tags = [row[column] for row in sentence.rows]
        spans = spans_of_tags(tags, places, sentence.where)
        yield sentence.where, {"text": text, "spans": spans}


def are_columns(data: bytes, name: str) -> bool:
    """Tell whether most lines that a file begins with have a tag in one column.

    RAISES ValueError: it is no UTF-8.
    """
    head = data[:SNIFFED]
    if len(data) > SNIFFED:
        head = head[: head.rfind(b"\n") + 1] or data
    sentences = list(read_sentences(head, name))
    if sentences and is_conllu(sentences):
        return True
    rows = [row for sentence in sentences for row in sentence.rows]
    widths = Counter(map(len, rows))
    width = max(widths, key=widths.__getitem__, default=0)
    for column in range(1, width):
        values = [row[column] for row in rows if len(row) == width]
        tags = [value for value in values if TAG.fullmatch(value)]
        # a text may well begin with an E-mail, and go on with vitamin B-12
        if 2 * len(tags) > len(rows) and {"O"} < {*tags}:
            return True
    return False


def _check_widths(sentences: Sequence[Sentence]) -> None:
    for sentence in sentences:
        for row in sentence.rows:
            if len(row) != len(sentences[0].rows[0]):
                raise ValueError(
                    f"{sentence.where}: the token {' '.join(row)!r} has {len(row)} "
                    f"columns, but the first one {len(sentences[0].rows[0])}"
                )


def _are_numbered(sentences: Sequence[Sentence]) -> bool:
    """Tell whether the first column counts tokens, so that the next one has them."""
    numbers = [[row[0] for row in sentence.rows] for sentence in sentences]
    wide = all(len(row) > 2 for sentence in sentences for row in sentence.rows)
    return wide and all(own == [*map(str, range(1, len(own) + 1))] for own in numbers)


def _tag_column(rows: Sequence[Sequence[str]], name: str) -> int:
    """Find the column that holds nothing but tags."""
    columns = {n: Counter(row[n] for row in rows) for n in range(1, len(rows[0]))}
    tags = {
        n: sum(count for value, count in values.items() if TAG.fullmatch(value))
        for n, values in columns.items()
    }
    found = [n for n, count in tags.items() if count == len(rows)]
    labels = {n: {value[2:] for value in columns[n] if value != "O"} for n in found}
    entities = [n for n in found if labels[n] and not labels[n] <= PHRASES]
    if len(entities) > 1:
        numbers = " and ".join(str(n + 1) for n in entities)
        raise ValueError(f"{name}: the columns {numbers} hold tags; keep one of them")
    # where all columns have something else, the best one shows what it is
    return max(entities or found or [max(tags, key=tags.__getitem__, default=0)])
