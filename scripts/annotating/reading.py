"""What `annotate` wrote, as Docs again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from common.annotated import read_rows
from ner_components import DECISIONS, PROPOSALS, set_provenance

# in a doc's user data what the text is called
ID = "id"


def read_docs(folder: Path, nlp: Language) -> Iterator[tuple[str, Doc]]:
    """Yield the id of each text, and a Doc with its entities and conflicts.

    `ent._.ner_component` and `ent._.ner_score` are set where they were known, and
    `doc._.ner_conflicts` is what it was. With `DocBin(store_user_data=True)` all of it
    goes along, and `doc.user_data["id"]`.

    nlp: its tokenizer makes the Docs; an entity off its tokens is widened to them.
    RAISES ValueError: the texts were not written, or entities that were widened
        overlap.
    """
    for row in read_rows(folder, ["id", "text", "entities", "conflicts"]):
        # not `make_doc`, which refuses a text that is as long as a book
        doc = nlp.tokenizer(row["text"])
        spans: Any = [
            doc.char_span(e["start"], e["end"], e["label"], alignment_mode="expand")
            for e in row["entities"]
        ]
        try:
            doc.set_ents(spans)
        except ValueError as error:
            raise ValueError(
                f"{folder}, text {row['id']}: entities overlap in the tokens of this "
                f"pipeline ({error}); give the one that annotated"
            ) from error
        set_provenance(doc, map(_proposal, row["entities"], spans))
        if row["conflicts"]:
            set_provenance(doc, [_decided(doc, row["conflicts"])])
        doc.user_data[ID] = row["id"]
        yield row["id"], doc


def _proposal(entity: Mapping[str, Any], span: Any) -> list[Any]:
    """Write down who proposed an entity, as the components do."""
    told = {key: entity[key] for key in ("label", "component", "score")}
    proposal = {"text": span.text, "kb_id": "", "id": "", **told}
    return [PROPOSALS, span.start_char, span.end_char, [proposal]]


def _decided(doc: Doc, conflicts: list[dict[str, Any]]) -> list[Any]:
    """Write down what was decided, as the components do, of the whole text at once."""
    text = doc.text
    for one in conflicts:
        for side in (one["winner"], *one["losers"]):
            if side:
                side["text"] = text[side["start"] : side["end"]]
    return [DECISIONS, 0, len(text), [{"text": text, "decisions": conflicts}]]
