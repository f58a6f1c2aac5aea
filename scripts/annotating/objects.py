"""JSON objects, a line each."""

import json
from collections.abc import Iterator
from typing import IO, Any

import srsly

from annotating.lines import lines
from annotating.tables import Pair, check_columns
from common.formats.lines import is_whole


def read_objects(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield the text of JSON objects, a line each; their other fields are no matter.

    RAISES ValueError: a line is no such object, or the first one lacks a field.
    """
    # not pyarrow's reader: it holds blocks as long as the longest line may be, wants
    # one type of all ids, and names no line
    first = True
    for number, line in enumerate(lines(stream, name), 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        value = _parse(line, where)
        if not isinstance(value, dict):
            raise ValueError(
                f"{where}: {line.strip()[:50]!r} is no JSON object; write one a line"
            )
        if first:
            check_columns([*value], name, text, id_)
            first = False
        for column in filter(None, (text, id_)):
            if line.count(f'"{column}"') > 1:
                _refuse_two(line, column, where)
        own, called = value.get(text), value.get(id_) if id_ else None
        if not isinstance(own, str | None):
            raise ValueError(f"{where}: the field `{text}` is {own!r:.50}, no text")
        if isinstance(called, dict | list):
            raise ValueError(f"{where}: the field `{id_}` is {called!r:.50}, no id")
        if called is not None and not isinstance(called, str):
            called = json.dumps(called)
        if called and not is_whole(called):
            raise ValueError(f"{where}: the field `{id_}` has half of a character")
        yield called, own


def _parse(line: str, where: str) -> Any:
    try:
        return srsly.json_loads(line)
    except ValueError:
        # it knows no numbers of any size, and does not say where it stopped
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where}: not JSON ({error})") from None


def _refuse_two(line: str, column: str, where: str) -> None:
    """Refuse an object with two fields of a name, the last of which would count."""
    fields = [name for name, _ in json.loads(line, object_pairs_hook=list)]
    if fields.count(column) > 1:
        raise ValueError(f"{where}: the field `{column}` stands twice; keep one")
