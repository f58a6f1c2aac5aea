"""Tiny pipelines with seeded random weights, shaped like the real ones."""

from collections.abc import Iterable
from typing import Any

import numpy
import spacy
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import fix_random_seed

TEXTS = [
    "Anna moved to Oslo in May. She likes the colour there.",
    "dope and oxy at $5 each, says Mr. Smith of Acme.",
    "I can't see 😀 it! Where's Benz?",
    "The analyser from Geneva cost two thousand francs on Monday.",
]
CORE_LABELS = ("PERSON", "GPE", "ORG", "DATE", "MONEY")
# a real seven-component core's, see the config of en_core_web_md
CORE_PIPES = ("tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner")


def make_core(
    *,
    seed: int = 0,
    pipes: Iterable[str] = CORE_PIPES,
    labels: Iterable[str] = CORE_LABELS,
    vectors: int = 8,
    norms: bool = True,
) -> Language:
    """Make a double of en_core_web_md: all its components, its NER on static vectors.

    vectors: their width; 0 for none. norms: whether it has a lexeme_norm table.
    """
    fix_random_seed(seed)
    nlp = spacy.blank("en")
    _furnish(nlp, seed, vectors, norms)
    nlp.add_pipe("tok2vec", config={"model": _tok2vec(vectors)})
    listener = {
        "@architectures": "spacy.Tok2VecListener.v1",
        "width": 16,
        "upstream": "tok2vec",
    }
    config: dict[str, dict[str, Any]] = {
        "tagger": {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}},
        "parser": {"model": _parser("parser", listener), "min_action_freq": 1},
        "senter": {
            "model": {"@architectures": "spacy.Tagger.v2", "tok2vec": _tok2vec(vectors)}
        },
        "lemmatizer": {"mode": "rule"},
        "ner": {"model": _parser("ner", _tok2vec(vectors))},
    }
    for pipe in pipes:
        nlp.add_pipe(pipe, config=config.get(pipe, {}))
    _train(nlp, labels, seed)
    if "senter" in nlp.pipe_names:
        nlp.disable_pipe("senter")
    nlp.meta.update(name="core_web_md", version="3.8.0", license="MIT")
    return nlp


def make_drugs(
    vocab_of: Language | None = None,
    *,
    seed: int = 1,
    labels: Iterable[str] = ("DRUG",),
    listener: bool = True,
    vectors: int = 0,
    norms: bool = False,
    embed: str = "spacy.MultiHashEmbed.v2",
) -> Language:
    """Make a double of a drug pipeline: tok2vec and ner, or ner with its own tok2vec.

    vocab_of: trained on the vocab of this pipeline; else on one of its own, with
        vectors of the given width and a lexeme_norm table if asked for.
    """
    fix_random_seed(seed)
    nlp = spacy.blank("en")
    if vocab_of is not None:
        nlp.vocab.from_bytes(vocab_of.vocab.to_bytes())
        nlp.tokenizer.from_bytes(vocab_of.tokenizer.to_bytes(exclude=["vocab"]))
    else:
        _furnish(nlp, seed, vectors, norms)
    own: dict[str, Any] = _tok2vec(vectors, embed)
    if listener:
        nlp.add_pipe("tok2vec", config={"model": own})
        own = {
            "@architectures": "spacy.Tok2VecListener.v1",
            "width": 16,
            "upstream": "tok2vec",
        }
    nlp.add_pipe("ner", config={"model": _parser("ner", own)})
    _train(nlp, labels, seed)
    nlp.meta.update(name="ner_drugs", version="0.0.0", license="MIT")
    return nlp


def make_old_drugs(seed: int = 1) -> Language:
    """Make a double of the published en_ner_drugs: an early spaCy 3's, on its own."""
    nlp = make_drugs(seed=seed, embed="spacy.MultiHashEmbed.v1")
    nlp.meta["spacy_version"] = ">=3.0.0rc2,<3.1.0"
    return nlp


def _furnish(nlp: Language, seed: int, vectors: int, norms: bool) -> None:
    """Give a blank pipeline vectors and norms."""
    words = sorted({token.text for text in TEXTS for token in nlp.make_doc(text)})
    if vectors:
        rows = numpy.random.default_rng(seed).normal(size=(len(words), vectors))
        nlp.vocab.reset_vectors(width=vectors)
        for word, row in zip(words, rows.astype("float32"), strict=True):
            nlp.vocab.set_vector(word, row)
        nlp.vocab.vectors.name = f"vectors_{seed}"
    if norms:
        lookups = Lookups()
        lookups.add_table(
            "lexeme_norm", {"colour": "color", "analyser": "analyzer", "ca": "can"}
        )
        nlp.vocab.lookups = lookups


def _tok2vec(vectors: int, embed: str = "spacy.MultiHashEmbed.v2") -> dict[str, Any]:
    return {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": embed,
            "width": 16,
            "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
            "rows": [50, 50, 50, 50],
            "include_static_vectors": bool(vectors),
        },
        "encode": {
            "@architectures": "spacy.MaxoutWindowEncoder.v2",
            "width": 16,
            "depth": 1,
            "window_size": 1,
            "maxout_pieces": 2,
        },
    }


def _parser(state: str, tok2vec: dict[str, Any]) -> dict[str, Any]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": state,
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": tok2vec,
    }


def _train(nlp: Language, labels: Iterable[str], seed: int) -> None:
    """Teach every second word a label, so that there is something to compare."""
    labels = list(labels)
    examples = []
    for text in TEXTS:
        doc = nlp.make_doc(text)
        size, half = len(doc), len(doc) // 2
        gold = Doc(
            nlp.vocab,
            words=[token.text for token in doc],
            spaces=[bool(token.whitespace_) for token in doc],
            tags=["NN" if i % 2 else "VB" for i in range(size)],
            pos=["NOUN" if i % 2 else "VERB" for i in range(size)],
            # two sentences, each of one head and its dependents
            heads=[0 if i < half else half for i in range(size)],
            deps=["ROOT" if i in (0, half) else "dep" for i in range(size)],
            ents=[
                f"B-{labels[(i + seed) % len(labels)]}" if (i + seed) % 3 == 0 else "O"
                for i in range(size)
            ],
        )
        examples.append(Example(doc, gold))
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(15):
        nlp.update(examples, sgd=optimizer)
