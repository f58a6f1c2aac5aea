"""A NER that shares a text with others learns from its own group of spans."""

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.tokens import Doc, Span
from spacy.training import Example

from helpers import TEXTS
from training.spans_ner import FACTORY, SpansNER, load_plain

SMALL: dict[str, Any] = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 8,
    "maxout_pieces": 2,
    "use_upper": True,
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 8,
        "depth": 1,
        "embed_size": 20,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
}


def add(nlp: Language, sources: dict[str, str]) -> Doc:
    """Add a NER for each source, named by its letter, initialized on one text."""
    doc = nlp.make_doc(TEXTS[0])
    for source, label in sources.items():
        config = {"model": SMALL, "source": source}
        nlp.add_pipe(FACTORY, name=f"ner_{source}", config=config)
        doc.spans[source] = [Span(doc, 0, 1, label)]
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    return doc


def test_each_learns_only_its_own_labels() -> None:
    nlp = spacy.blank("en")
    add(nlp, {"a": "PERSON", "b": "DRUG"})
    assert nlp.pipe_labels == {"ner_a": ["PERSON"], "ner_b": ["DRUG"]}
    list(nlp.pipe(TEXTS))
    assert nlp.pipe_labels == {"ner_a": ["PERSON"], "ner_b": ["DRUG"]}


def test_text_without_its_spans_teaches_nothing() -> None:
    nlp = spacy.blank("en")
    doc = add(nlp, {"a": "PERSON"})
    model = nlp.get_pipe("ner_a").model

    def learn(gold: Doc) -> bool:
        before = model.to_bytes()
        nlp.update([Example(nlp.make_doc(gold.text), gold)], sgd=nlp.create_optimizer())
        return bool(model.to_bytes() != before)

    other = nlp.make_doc(TEXTS[1])
    other.ents = [Span(other, 0, 1, "DRUG")]
    assert not learn(other)
    # annotated, and empty: that there is nothing is learned
    other.spans["a"] = []
    assert learn(other)
    assert learn(doc)


def test_spans_are_found_and_scored() -> None:
    nlp = spacy.blank("en")
    doc = add(nlp, {"a": "PERSON"})
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(30):
        nlp.update([Example(nlp.make_doc(doc.text), doc)], sgd=optimizer)
    found = nlp(doc.text)
    assert not found.ents
    assert [span.text for span in found.spans["a"]] == ["Anna"]
    assert nlp.evaluate([Example(nlp.make_doc(doc.text), doc)])["ner_a_f"] == 1.0


def test_what_it_has_learned_is_loaded_as_an_ordinary_ner(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    add(nlp, {"a": "PERSON"})
    nlp.to_disk(tmp_path)
    plain = load_plain(tmp_path)
    assert plain.get_pipe_meta("ner_a").factory == "ner"
    ner = plain.get_pipe("ner_a")
    assert isinstance(ner, EntityRecognizer) and not isinstance(ner, SpansNER)
    assert ner.model.to_bytes() == nlp.get_pipe("ner_a").model.to_bytes()
    ents = [[ent.text for ent in doc.ents] for doc in plain.pipe(TEXTS)]
    spans = [[span.text for span in doc.spans["a"]] for doc in nlp.pipe(TEXTS)]
    assert ents == spans and any(ents)
