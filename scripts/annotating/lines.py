"""The lines of a stream of text, each as it is needed."""

from collections.abc import Iterator
from itertools import count
from typing import IO

from common.formats.lines import NULLS, utf8

# what a line or a cell may have, in bytes
LONGEST = 64 * 2**20


def lines(stream: IO[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text file, each with what ends it: a line feed, or nothing.

    name: what to call the file in an error.
    RAISES ValueError: a line is no UTF-8, has null bytes, or is longer than LONGEST.
    """
    encoding = "utf-8-sig"
    for number in count(1):
        where = f"{name}, line {number}"
        data = stream.readline(LONGEST + 1)
        if len(data) > LONGEST:
            raise ValueError(
                f"{where}: longer than {LONGEST:,} bytes; is it one "
                "text? Break it into several, or into lines"
            )
        line = utf8(data, where, encoding)
        if "\0" in line:
            raise ValueError(f"{where}: {NULLS}")
        if not data:
            return
        yield line
        encoding = "utf8"
