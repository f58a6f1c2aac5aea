"""Lines of text files, as editors show them."""

from collections.abc import Iterator

# what is UTF-16 looks like UTF-8 to the decoder
NULLS = "null bytes, so it is no text, or not UTF-8 (perhaps UTF-16); save it as UTF-8"


def decode(data: bytes, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark.

    name: what to call the file in an error.
    RAISES ValueError: it is no UTF-8, or no text.
    """
    text = utf8(data, name, "utf-8-sig")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(f"{name}, line {line}: {NULLS}")
    return text


def utf8(data: bytes, where: str, encoding: str) -> str:
    """Decode one of the encodings that are called UTF-8.

    where: what to call the place in an error.
    RAISES ValueError: it is no UTF-8.
    """
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: not UTF-8 ({error}); save it as UTF-8") from None


def is_whole(text: str) -> bool:
    """Tell whether a string holds no half of a character, which only JSON can hold."""
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)


def lines(data: bytes, name: str) -> Iterator[tuple[str, str]]:
    """Yield where each line stands (`name, line n`) and the line; empty ones too.

    Lines end where an editor ends them: at a line feed, with or without a carriage
    return. Other characters that end a line in Unicode are part of a text.

    RAISES ValueError: it is no UTF-8.
    """
    for number, line in enumerate(decode(data, name).split("\n"), 1):
        yield f"{name}, line {number}", line.removesuffix("\r")
