"""Doubles of pipelines that stand on a transformer: tiny, random, made in code.

To be imported only where spacy-curated-transformers is installed.
"""

import copy
from collections.abc import Iterable
from typing import Any

import spacy
import torch
from curated_tokenizers import WordPieceProcessor
from spacy.language import Language
from thinc.api import fix_random_seed

from helpers import CORE_LABELS, TEXTS, examples_of, transition_model

# for arrays this small, threads take longer to start than to work
torch.set_num_threads(1)
WIDTH = 16
# what a package of such a pipeline requires
REQUIREMENT = "spacy-curated-transformers>=0.2.0,<1.0.0"
LISTENER = {
    "@architectures": "spacy-curated-transformers.LastTransformerLayerListener.v1",
    "width": WIDTH,
    "pooling": {"@layers": "reduce_mean.v1"},
}


def make_core_on_transformer(
    seed: int = 0, pipes: Iterable[str] = ("tagger", "parser")
) -> Language:
    """Make a double of en_core_web_trf: all that has learned in it hears a transformer.

    pipes: what stands between the transformer and the NER.
    """
    fix_random_seed(seed)
    nlp = _on_transformer()
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER}
    parser = transition_model("parser", LISTENER)
    config: dict[str, dict[str, Any]] = {
        "tagger": {"model": tagger},
        "parser": {"model": parser, "min_action_freq": 1},
    }
    for name in pipes:
        nlp.add_pipe(name, config=config[name])
    nlp.add_pipe("ner", config={"model": _ner()})
    _train(nlp, CORE_LABELS, seed)
    nlp.meta.update(name="core_web_trf", version="3.8.0", license="MIT")
    nlp.meta["requirements"] = [REQUIREMENT]
    return nlp


def make_drugs_on_transformer(seed: int = 1) -> Language:
    """Make a double of a drug pipeline: a transformer of its own, and a NER."""
    fix_random_seed(seed)
    nlp = _on_transformer()
    nlp.add_pipe("ner", config={"model": _ner()})
    _train(nlp, ["DRUG"], seed)
    nlp.meta.update(name="ner_drugs", version="0.0.0", license="MIT")
    return nlp


def make_drugs_on_that_of(core: Language, *, alone: bool, seed: int = 1) -> Language:
    """Make a double of a drug pipeline that was trained on the core's transformer.

    alone: whether it has nothing else of the core.
    """
    fix_random_seed(seed)
    nlp = copy.deepcopy(core)
    for name in nlp.pipe_names[1:] if alone else ["ner"]:
        nlp.remove_pipe(name)
    transformer: Any = nlp.get_pipe("transformer")
    transformer.frozen = True
    ner: Any = nlp.add_pipe("ner", config={"model": _ner()})
    ner.initialize(lambda: examples_of(nlp, ["DRUG"], seed), nlp=nlp)
    with nlp.select_pipes(enable=["transformer", "ner"]):
        _train(nlp, ["DRUG"], seed)
    nlp.meta.update(name="ner_drugs", version="0.0.0", license="MIT")
    return nlp


def _on_transformer() -> Language:
    """Make a pipeline of a random transformer, whose pieces are letters."""
    nlp = spacy.blank("en")
    letters = sorted({letter for text in TEXTS for letter in text if letter.strip()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters]
    pieces += [f"##{letter}" for letter in letters]
    architectures = "spacy-curated-transformers"
    model = {
        "@architectures": f"{architectures}.BertTransformer.v1",
        "vocab_size": len(pieces),
        "hidden_width": WIDTH,
        "intermediate_width": WIDTH,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "max_position_embeddings": 64,
        "model_max_length": 64,
        "piece_encoder": {"@architectures": f"{architectures}.BertWordpieceEncoder.v1"},
        # shorter than some texts, so that there are several spans
        "with_spans": {
            "@architectures": f"{architectures}.WithStridedSpans.v1",
            "stride": 24,
            "window": 32,
        },
    }
    config = {"model": model}
    pipe: Any = nlp.add_pipe("curated_transformer", name="transformer", config=config)
    encoder = pipe.model.get_ref("piece_encoder")
    encoder.attrs["wordpiece_processor"] = WordPieceProcessor(pieces)
    return nlp


def _ner() -> dict[str, Any]:
    """Make the settings that spaCy's quickstart writes for a NER on a transformer."""
    settings = {"hidden_width": 64, "maxout_pieces": 2, "use_upper": False}
    return {**transition_model("ner", LISTENER), **settings}


def _train(nlp: Language, labels: Iterable[str], seed: int) -> None:
    examples = examples_of(nlp, [*labels], seed)
    started = "ner" in nlp.pipe_names and nlp.get_pipe("ner").labels
    optimizer = nlp.create_optimizer() if started else nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
