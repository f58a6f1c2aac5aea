"""Long texts, cut where no entity is."""

import re
from collections.abc import Iterator

# in characters: a pipeline needs about a kilobyte for each
LONGEST = 50_000
# the best place to cut at first: behind a paragraph, a line, a sentence, a word
PLACES = [
    re.compile(pattern)
    for pattern in (
        r"\n\s*\n\s*",
        r"\n\s*",
        r"[.!?\u2026\u3002\uff01\uff1f]\s+",
        r"\s+",
    )
]


def cut(text: str, longest: int = LONGEST) -> Iterator[tuple[int, str]]:
    """Yield the pieces of a text, and where each begins.

    A piece ends behind the last paragraph, or else line, sentence or word, that ends in
    its second half; only where there is none it ends within a word.

    longest: how many characters a piece may have.
    """
    start = 0
    while len(text) - start > longest:
        end = start + longest
        for place in PLACES:
            ends = [m.end() for m in place.finditer(text, start + longest // 2, end)]
            if ends:
                end = ends[-1]
                break
        yield start, text[start:end]
        start = end
    yield start, text[start:]
