"""Change settings in the text of a config; its comments stay."""

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from typing import Any

import srsly

# a line, the section that it is of, and the option: "" for the section's header, None
# for comments and gaps
Line = tuple[str, str, str | None]


def write(text: str, section: str, settings: Mapping[str, Any], *, alone: bool) -> str:
    """Write settings into a section, in place of those that they replace.

    alone: drop the section's other settings, and its sub-blocks.
    """
    parent, _, name = section.rpartition(".")
    kept: list[Line] = []
    at = None
    for line in _scan(text):
        content, own, option = line
        if own == section and option:
            dropped = alone or option in settings
            at = len(kept) if dropped and at is None else at
        elif own.startswith(f"{section}."):
            # its comments stay, but no gap behind a gap
            gap = not content.strip() and not (kept and kept[-1][0].strip())
            dropped = alone and (option is not None or gap)
        else:
            # the section as one value: name = {...}, or name = ${...}
            dropped = alone and own == parent and option == name
        if not dropped:
            kept.append(line)
    new = [f"{key} = {srsly.json_dumps(value)}" for key, value in settings.items()]
    at = at or _end(kept, section)
    if not at:
        at = _end(kept, parent) or len(kept)
        new = ["", f"[{section}]", *new]
    lines = [content for content, *_ in kept]
    return "\n".join([*lines[:at], *new, *lines[at:]]) + "\n"


def _scan(text: str) -> Iterator[Line]:
    """Tell what each line is, as the parser of configs does."""
    section, option, indent = "", "", 0
    for line in text.rstrip().split("\n"):
        content = line.strip()
        if not content or content.startswith(("#", ";")):
            yield line, section, None
            continue
        depth = len(line) - len(line.lstrip())
        # deeper than its option, a line goes on with the option's value
        if not option or depth <= indent:
            indent = depth
            if header := ConfigParser.SECTCRE.match(content):
                section, option = header["header"], ""
            else:
                option = re.split("[=:]", content, maxsplit=1)[0].strip()
        yield line, section, option


def _end(lines: list[Line], section: str) -> int:
    """Find where a section ends, comments on the next one left out; 0 if nowhere."""
    ends = [
        at
        for at, (_, own, option) in enumerate(lines, 1)
        if own == section and option is not None
    ]
    return ends[-1] if ends else 0
