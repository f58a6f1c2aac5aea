"""The lines of a stream of text, each as it is needed."""

from collections.abc import Iterator
from itertools import count
from typing import IO

# what a line or a cell may have, in bytes
LONGEST = 64 * 2**20


def lines(stream: IO[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text file, each with what ends it: a line feed, or nothing.

    name: what to call the file in an error.
    RAISES ValueError: a line is no UTF-8, has null bytes, or is longer than LONGEST.
    """
    encoding = "utf-8-sig"
    for number in count(1):
        data = stream.readline(LONGEST + 1)
        if len(data) > LONGEST:
            raise ValueError(
                f"{name}, line {number}: longer than {LONGEST:,} bytes; is it one "
                "text? Break it into several, or into lines"
            )
        try:
            line = data.decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name}, line {number}: not UTF-8 ({error}); save it as UTF-8"
            ) from None
        if "\0" in line:
            # what is UTF-16 looks like UTF-8 to the decoder
            raise ValueError(
                f"{name}, line {number}: null bytes, so it is no text, or not UTF-8 "
                "(perhaps UTF-16); save it as UTF-8"
            )
        if not data:
            return
        yield line
        encoding = "utf8"
