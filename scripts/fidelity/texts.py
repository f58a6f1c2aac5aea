"""The texts that pipelines are compared on."""

from collections.abc import Iterable

from spacy.language import Language
from spacy.util import load_language_data, minibatch, registry

# texts no feature of which should depend on the pipeline, and some where one might
HARD = [
    "",
    " ",
    "Anna",
    "😀",
    "I can't, won't and shouldn't've; y'all didn't. She'll go w/o him, y'know?",
    "The colour of the aluminium analyser was grey. He realised it. New York City!",
    "U.S. troops left St. Petersburg at 5 p.m. Dr. A. B. Smith stayed.\n\nWhy? 😀😀",
    "i was on 30mg/day of oxy... dont ask 💊 #sober :-) http://example.com/a?b=c",
]


def hard_texts(pipelines: Iterable[Language]) -> list[str]:
    """Collect what is likely to differ: every word with a norm or a token rule."""
    words: set[str] = set()
    for nlp in pipelines:
        table = nlp.vocab.lookups.get_table("lexeme_norm", {})
        words |= {
            word
            for word in [*nlp.vocab.strings, *_normed(str(nlp.lang))]
            if word in table
        }
        words |= {str(rule) for rule in getattr(nlp.tokenizer, "rules", None) or {}}
    return HARD + [" ".join(batch) for batch in minibatch(sorted(words), 12)]


def _normed(lang: str) -> list[str]:
    """List the words with a norm in spacy-lookups-data; a table knows only hashes."""
    if lang not in registry.lookups:
        return []
    path = registry.lookups.get(lang).get("lexeme_norm")
    return list(load_language_data(path)) if path else []
