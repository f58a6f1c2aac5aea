"""What `annotate` wrote, as Docs again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
from spacy.language import Language
from spacy.tokens import Doc

from ner_components import PROPOSALS, set_provenance


def read_docs(folder: Path, nlp: Language) -> Iterator[tuple[str, Doc]]:
    """Yield the id of each text, and a Doc with its entities.

    `ent._.ner_component` and `ent._.ner_score` are set where they were known.

    nlp: its tokenizer makes the Docs; an entity off its tokens is widened to them.
    RAISES ValueError: the texts were not written.
    """
    table = ds.dataset(folder, format="parquet")
    if "text" not in table.schema.names:
        raise ValueError(f"{folder}: it was written without its texts (--no-text)")
    for batch in table.to_batches(columns=["id", "text", "entities"]):
        for row in batch.to_pylist():
            doc = nlp.make_doc(row["text"])
            spans: Any = [
                doc.char_span(e["start"], e["end"], e["label"], alignment_mode="expand")
                for e in row["entities"]
            ]
            doc.set_ents(spans)
            set_provenance(doc, map(_proposal, row["entities"], spans))
            yield row["id"], doc


def _proposal(entity: dict[str, Any], span: Any) -> list[Any]:
    """Write down who proposed an entity, as the components do."""
    told = {key: entity[key] for key in ("label", "component", "score")}
    proposal = {"text": span.text, "kb_id": "", "id": "", **told}
    return [PROPOSALS, span.start_char, span.end_char, [proposal]]
