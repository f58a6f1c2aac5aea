"""Text for pipelines of other languages than that of the project's own text."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from spacy.util import get_lang_class

from common.ners import EXAMPLES
from common.texts import measured_on, read_texts

# the project's own text
LANGUAGE = "en"
# of texts that nobody has annotated so many stand in for annotated ones
TEXTS = 1_000
# what has so many of a language's stop words is of that language: English text has
# twice as many, text of other languages at most half as many
SHARE = 0.2


def foreign(path: Path, lang: str) -> bool:
    """Tell whether a text is the project's own, and so of no use to this language.

    What a person has put in its place is of use: it is told by its stop words.

    lang: a code, as spaCy uses them; `xx` is any language.
    """
    if lang in (LANGUAGE, "xx") or EXAMPLES not in path.parents:
        return False
    words = [word.lower() for text in read_texts(path) for word in text.split()]
    return SHARE * len(words) < _stop_words(words, LANGUAGE) > _stop_words(words, lang)


def _stop_words(words: Iterable[str], lang: str) -> int:
    known = get_lang_class(lang).Defaults.stop_words
    return sum(word in known for word in words)


def of_use(paths: Iterable[Path], lang: str) -> list[Path]:
    """Leave out the texts that are of no use to this language."""
    return [path for path in paths if not foreign(path, lang)]


def stand_ins(lang: str, texts: Path | None = None) -> tuple[list[str], str]:
    """Return texts to run where there are no annotated ones, and say what they are.

    texts: what a person has given without annotation; that part of it is taken that
        nothing is learned from.
    RAISES ValueError: there is none, and spaCy has no sentences of this language.
    """
    if texts and not foreign(texts, lang):
        return measured_on(read_texts(texts))[:TEXTS], str(texts)
    try:
        found = list(import_module(f"spacy.lang.{lang}.examples").sentences)
    except ImportError:
        raise ValueError(
            f"there is no text in the language {lang!r}; give some with --vars.test "
            "(annotated) or --vars.texts"
        ) from None
    return found, f"spaCy's {len(found)} example sentences"
