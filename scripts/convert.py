"""Convert annotated text from Prodigy's JSONL format to spaCy's DocBin.

python scripts/convert.py assets/test.jsonl corpus/test.spacy --pipeline sources/core
"""

from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import DocBin
from wasabi import msg

from common.annotation import read_annotated
from common.files import writing
from common.ners import load


def convert(source: Path, target: Path, *, pipeline: Path) -> int:
    """Write one Doc per accepted record, with its spans as `doc.ents`.

    source: JSONL, see `read_annotated`.
    target: the .spacy file; replaced only when the whole of `source` is sound.
    pipeline: has the tokenizer.
    RETURNS: the number of Docs.
    RAISES ValueError: the pipeline does not load, or the text is unsound.
    """
    docs = DocBin(store_user_data=True)
    for doc in read_annotated(source, load(pipeline).make_doc):
        docs.add(doc)
    with writing(target) as unfinished:
        docs.to_disk(unfinished)
    return len(docs)


def main(
    source: Annotated[Path, typer.Argument(help="Annotated text, JSONL")],
    target: Annotated[Path, typer.Argument(help="The .spacy file to write")],
    pipeline: Annotated[Path, typer.Option(help="Whose tokenizer is used")],
) -> None:
    """Convert annotated text from Prodigy's JSONL format to spaCy's DocBin."""
    try:
        count = convert(source, target, pipeline=pipeline)
    except ValueError as error:
        msg.fail("Nothing was converted", str(error), exits=1)
    msg.good(f"{target}: {count} texts from {source}")


if __name__ == "__main__":
    typer.run(main)
