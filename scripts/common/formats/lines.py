"""Lines of text files, as editors show them."""

from collections.abc import Iterator


def decode(data: bytes, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark.

    name: what to call the file in an error.
    RAISES ValueError: it is no UTF-8, or no text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: not UTF-8 ({error}); save it as UTF-8") from None
    if "\0" in text:
        # what is UTF-16 looks like UTF-8 to the decoder
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"{name}, line {line}: null bytes, so it is no text, or not UTF-8 (perhaps "
            "UTF-16); save it as UTF-8"
        )
    return text


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
