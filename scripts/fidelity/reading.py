"""Read texts in a pipeline, once, so that what comes of it can be compared."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc

from common.features import uses_norms
from common.lanes import read_by
from common.ners import BATCH, Entity, View, writers_of_ents
from ner_components import StartlessNER

# what is compared of every token: itself, what a NER's features are made of, ...
TOKENS: list[int | str] = ["ORTH", "SPACY"]
FEATURES: list[int | str] = ["NORM", "PREFIX", "SUFFIX", "SHAPE", "IS_SPACE"]
# ... and what the rest of the pipeline says
ANNOTATIONS: list[int | str] = [
    "TAG",
    "POS",
    "MORPH",
    "LEMMA",
    "DEP",
    "HEAD",
    "SENT_START",
]


@dataclass(frozen=True)
class Reading:
    """What a NER sees of some texts and makes of them, for each text.

    Where it only matters whether two are equal, their digests stand for them.
    """

    tokens: list[bytes]
    features: list[bytes]
    starts: list[bytes]
    tensors: list[bytes]
    entities: list[set[Entity]]


def read(ner: View, texts: Sequence[str]) -> Reading:
    """Run a NER alone over at most BATCH texts."""
    docs = ner.read(texts)
    starts = [doc.to_array("SENT_START") == 1 for doc in docs]
    blind = isinstance(ner.nlp.get_pipe(ner.name), StartlessNER)
    for own in starts:
        # with a first token a sentence starts in any case
        own[:1] = True
        own[1:] &= not blind
    seen = [name for name in FEATURES if name != "NORM" or uses_norms(ner)]
    tokens, features = (
        [_digest(doc, attributes) for doc in docs] for attributes in (TOKENS, seen)
    )
    tensors, entities = ner.run(docs)
    rows = [_sha256(ner.model.ops.to_numpy(tensor).tobytes()) for tensor in tensors]
    return Reading(tokens, features, [own.tobytes() for own in starts], rows, entities)


def count(here: Reading, home: Reading) -> dict[str, int]:
    """Count the texts in which two readings of the same texts differ, by aspect."""
    same = [a == b for a, b in zip(here.tokens, home.tokens, strict=True)]
    counts = {"tokens": same.count(False)}
    for key, ours, theirs in [
        ("features", here.features, home.features),
        ("sentence starts", here.starts, home.starts),
        ("tensors", here.tensors, home.tensors),
    ]:
        # other tokens have other features; and what is computed of a text may differ
        # in the last bit where another text of the batch is longer
        compared = same if key != "tensors" or all(same) else []
        pairs = zip(ours, theirs, compared, strict=False)
        counts[key] = sum(a != b for a, b, equal in pairs if equal)
    pairs_of_entities = zip(here.entities, home.entities, strict=True)
    counts["entities"] = sum(a != b for a, b in pairs_of_entities)
    return counts


def annotate(nlp: Language, texts: Sequence[str]) -> list[bytes]:
    """Run all that neither writes nor reads entities; a digest a text."""
    left_out = {*writers_of_ents(nlp), *readers_of_ents(nlp)}
    kept = [name for name in nlp.pipe_names if name not in left_out]
    with nlp.select_pipes(enable=kept):
        docs = nlp.pipe(texts, batch_size=BATCH)
        return [_digest(doc, [*TOKENS, *ANNOTATIONS]) for doc in docs]


def readers_of_ents(nlp: Language) -> dict[str, str]:
    """List the components that read entities and write none, and how that is known.

    Where there are more entities, what they make of them must differ.
    """
    writers = writers_of_ents(nlp)
    found = {}
    for name in nlp.pipe_names:
        attributes = sorted(read_by(nlp, name))
        read = [a for a in attributes if a.startswith(("doc.ents", "token.ent_"))]
        if read and name not in writers:
            found[name] = f"it reads entities ({', '.join(read)})"
    return found


def _digest(doc: Doc, attributes: list[int | str]) -> bytes:
    return _sha256(doc.to_array(attributes).tobytes())


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
