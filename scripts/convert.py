"""Convert annotated text from Prodigy's JSONL format to spaCy's DocBin.

python scripts/convert.py assets/test.jsonl corpus/test.spacy --pipeline sources/core
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from wasabi import msg

from common.annotation import read_annotated
from common.files import writing
from common.language import foreign, stand_ins
from common.ners import load


def convert(
    source: Path, target: Path, *, pipeline: Path, texts: Path | None = None
) -> int:
    """Write one Doc per accepted record, with its spans as `doc.ents`.

    source: JSONL, see `read_annotated`.
    target: the .spacy file; replaced only when the whole of `source` is sound.
    pipeline: has the tokenizer. If it is of another language than the project's own
        text, that is not converted, and text without annotation stands in.
    texts: what a person has without annotation.
    RETURNS: the number of Docs.
    RAISES ValueError: the pipeline does not load, or the text is unsound.
    """
    nlp, docs = load(pipeline), DocBin(store_user_data=True)
    if foreign(source, str(nlp.lang)):
        found, what = stand_ins(str(nlp.lang), texts)
        msg.warn(
            f"{source} is no text for {pipeline}, whose language is {nlp.lang}; {what} "
            f"stand in for it in {target}, without annotation",
            "So there is no F, and no policy to choose. For these give annotated text "
            "of your own: --vars.test, --vars.dev.",
        )
        converted: Iterable[Doc] = map(nlp.make_doc, found)
    else:
        converted = read_annotated(source, nlp.make_doc)
    for doc in converted:
        docs.add(doc)
    with writing(target) as unfinished:
        docs.to_disk(unfinished)
    return len(docs)


def main(
    source: Annotated[Path, typer.Argument(help="Annotated text, JSONL")],
    target: Annotated[Path, typer.Argument(help="The .spacy file to write")],
    pipeline: Annotated[Path, typer.Option(help="Whose tokenizer is used")],
    texts: Annotated[
        Path | None, typer.Option(help="Text without annotation, if need be")
    ] = None,
) -> None:
    """Convert annotated text from Prodigy's JSONL format to spaCy's DocBin."""
    try:
        count = convert(source, target, pipeline=pipeline, texts=texts)
    except ValueError as error:
        msg.fail("Nothing was converted", str(error), exits=1)
    msg.good(f"{target}: {count} texts")


if __name__ == "__main__":
    typer.run(main)
