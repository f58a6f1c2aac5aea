"""JSON objects, a line each or in a list: Prodigy's, doccano's, spaCy's, others'."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import srsly

from common.formats.docs import read_paragraphs
from common.formats.lines import decode, lines
from common.formats.tasks import read_task

# where spans are found; what is called `spans` is in Prodigy's shape
NAMES = ("entities", "ents", "labels", "label")
RENAMED = {"start_offset": "start", "end_offset": "end"}
# no annotation is nested deeper, and what looks into it may be recursive
DEEPEST = 50


def read_objects(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a record for each text.

    data: JSONL, a JSON list, or one object.
    RAISES ValueError: it is no UTF-8, no JSON, or something in it is no record.
    """
    for where, value in read_values(data, name):
        if isinstance(value, dict) and "paragraphs" in value:
            for record in read_paragraphs(value, where):
                yield where, record
        elif isinstance(value, dict) and isinstance(value.get("data"), dict):
            yield where, read_task(value, where)
        elif _is_pair(value):
            # as spaCy's `Example.from_dict` takes it
            yield where, read_object({**value[1], "text": value[0]}, where)
        else:
            yield where, read_object(value, where)


def read_values(data: bytes, name: str) -> Iterator[tuple[str, Any]]:
    """Yield what stands in each line, or else in the list that the file is.

    RAISES ValueError: it is no UTF-8, or no JSON.
    """
    found = [(where, line) for where, line in lines(data, name) if line.strip()]
    if not _is_jsonl([line for _, line in found]):
        content = parse(decode(data, name), name, json.loads)
        if _is_wrapped(content):
            content = [one for one in content["annotations"] if one is not None]
        values = content if isinstance(content, list) else [content]
        for number, value in enumerate(values, 1):
            yield f"{name}, record {number}", value
        return
    for where, line in found:
        yield where, parse(line, where, srsly.json_loads)


def parse(text: str, where: str, loads: Callable[[str], Any]) -> Any:
    """Parse JSON.

    loads: how; that of srsly is quicker, that of Python tells lines.
    RAISES ValueError: it is none, or nested deeper than `DEEPEST`.
    """
    try:
        value = loads(text)
    except json.JSONDecodeError as error:
        line = f"{where}, line {error.lineno}"
        raise ValueError(f"{line}: not JSON ({error.msg})") from None
    except ValueError as error:
        raise ValueError(f"{where}: not JSON ({error})") from None
    except RecursionError:
        raise ValueError(f"{where}: not JSON (too deep)") from None
    level, depth = [value], 0
    while level := [inner for one in level for inner in _inside(one)]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"{where}: nested too deep, in over {DEEPEST} levels")
    return value


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def read_object(value: Any, where: str) -> dict[str, Any]:
    """Return a record of an object that has a `text` (or `data`).

    RAISES ValueError: it has no text, or spans in two fields.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{where}: not an object with a `text`")
    text = value.get("text", value.get("data"))
    if not isinstance(text, str):
        raise ValueError(f"{where}: not an object with a `text`")
    fields = [key for key in value if _holds_spans(key, value[key])]
    full = [key for key in fields if value[key]]
    if len(full) > 1:
        names = " and ".join(f"`{key}`" for key in full)
        raise ValueError(f"{where}: there are spans in {names}; keep one of them")
    record = {key: value[key] for key in value if key not in fields}
    record["text"] = text
    for key in full or fields[:1]:
        own = key == "spans" and not _are_of_a_task(value[key])
        record["spans"] = value[key] if own else list(_spans(value[key]))
    return record


def _is_jsonl(found: list[str]) -> bool:
    """Tell whether each line is a value; one line alone may be all of them."""
    try:
        first = srsly.json_loads(found[0]) if found else None
    except ValueError:
        return False
    listed = isinstance(first, list) and all(isinstance(i, list | dict) for i in first)
    return len(found) != 1 or not (listed or _is_wrapped(first))


def _is_wrapped(value: Any) -> bool:
    """Tell whether these are spaCy's pairs as annotation tools for spaCy save them."""
    return isinstance(value, dict) and {"classes", "annotations"} == value.keys()


def _is_pair(value: Any) -> bool:
    kinds = [type(part) for part in value] if isinstance(value, list) else []
    return kinds == [str, dict]


def _holds_spans(key: str, value: Any) -> bool:
    if key == "spans" or _are_of_a_task(value):
        return True
    if key not in NAMES or not isinstance(value, list):
        return False
    return not value or any(isinstance(item, list | dict) for item in value)


def _are_of_a_task(value: Any) -> bool:
    """Tell whether these are spans of Label Studio's JSON-MIN, under whatever name."""
    items = value if isinstance(value, list) else []
    return bool(items) and all(
        isinstance(item, dict) and {"start", "end", "labels"} <= item.keys()
        for item in items
    )


def _spans(items: Iterable[Any]) -> Iterator[Any]:
    """Bring spans into Prodigy's shape; what is none is left for who checks them."""
    for item in items:
        if isinstance(item, list) and len(item) == 3:
            yield dict(zip(("start", "end", "label"), item, strict=True))
        elif isinstance(item, dict):
            span = {RENAMED.get(key, key): item[key] for key in item}
            labels = span.pop("labels", None)
            if isinstance(labels, list):
                # none is an empty one, so that it is missed
                for label in labels or [""]:
                    yield {**span, "label": label}
            else:
                yield span
        else:
            yield item
