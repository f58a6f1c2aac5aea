"""Convert annotated text to spaCy's DocBin, or mend it: to JSONL in Prodigy's shape.

python scripts/convert.py assets/test.jsonl corpus/test.spacy --pipeline sources/core
python scripts/convert.py mine.json mine.jsonl --trim --offsets utf-16
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.tokens import DocBin
from wasabi import msg

from common.annotation import read_annotated
from common.files import writing
from common.formats.offsets import Unit
from common.mending import mended
from common.ners import load


def convert(source: Path, target: Path, *, pipeline: Path) -> int:
    """Write one Doc per accepted record, with its spans as `doc.ents`.

    source: annotated text, see `read_annotated`.
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


def mend(source: Path, target: Path, *, trim: bool, offsets: Unit) -> int:
    """Write the same records in Prodigy's shape, see `mended`.

    target: the .jsonl file; replaced only when the whole of `source` is sound.
    RETURNS: the number of records.
    RAISES ValueError: the text is unsound.
    """
    records = list(mended(source, trim=trim, offsets=offsets))
    with writing(target) as unfinished:
        srsly.write_jsonl(unfinished, records)
    return len(records)


def main(
    source: Annotated[Path, typer.Argument(help="Annotated text")],
    target: Annotated[Path, typer.Argument(help="The .spacy or .jsonl file to write")],
    pipeline: Annotated[
        Path | None, typer.Option(help="Whose tokenizer is used, for .spacy")
    ] = None,
    trim: Annotated[
        bool, typer.Option("--trim", help="For .jsonl: leave whitespace out of spans")
    ] = False,
    offsets: Annotated[
        Unit, typer.Option(help="For .jsonl: what the offsets of the text count")
    ] = Unit.characters,
) -> None:
    """Convert annotated text to spaCy's DocBin, or mend it, to JSONL."""
    try:
        if target.suffix == ".jsonl":
            count = mend(source, target, trim=trim, offsets=offsets)
        elif target.suffix != ".spacy" or pipeline is None:
            raise ValueError(f"{target}: give a .jsonl file, or .spacy with --pipeline")
        elif trim or offsets is not Unit.characters:
            raise ValueError(f"{target}: --trim and --offsets write a .jsonl file")
        else:
            count = convert(source, target, pipeline=pipeline)
    except ValueError as error:
        msg.fail("Nothing was converted", str(error), exits=1)
    msg.good(f"{target}: {count} texts from {source}")


if __name__ == "__main__":
    typer.run(main)
