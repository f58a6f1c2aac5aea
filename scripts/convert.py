"""Convert annotated text to spaCy's DocBin, or mend it: to JSONL in Prodigy's shape.

python scripts/convert.py assets/test.jsonl corpus/test.spacy --pipeline sources/core
python scripts/convert.py mine.json mine.jsonl --trim --offsets utf-16
"""

from common.running import guarded

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from wasabi import msg

from common.annotation import ANNOTATED, read_annotated
from common.files import writing
from common.formats.offsets import Unit
from common.language import foreign, stand_ins
from common.mending import mended
from common.ners import load

# what people have looked for is what they have found
FOUND = "found"


def convert(
    source: Path,
    target: Path,
    *,
    pipeline: Path,
    texts: Path | None = None,
    annotated: Sequence[str] | None = None,
) -> int:
    """Write one Doc per accepted record, with its spans as `doc.ents`.

    source: annotated text, see `read_annotated`.
    target: the .spacy file; replaced only when the whole of `source` is sound.
    pipeline: has the tokenizer. If it is of another language than the project's own
        text, that is not converted, and text without annotation stands in.
    texts: what a person has without annotation.
    annotated: the labels that people have looked for in records that do not say so.
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
        if annotated is not None and ANNOTATED not in doc.user_data:
            if more := {ent.label_ for ent in doc.ents} - {*annotated}:
                raise ValueError(
                    f"{source}: it has entities of {', '.join(sorted(more))}, so it is "
                    f"annotated with more than {', '.join(annotated)}"
                )
            doc.user_data[ANNOTATED] = sorted(annotated)
        docs.add(doc)
    with writing(target) as unfinished:
        docs.to_disk(unfinished)
    return len(docs)


def mend(
    source: Path,
    target: Path,
    *,
    trim: bool,
    offsets: Unit,
    widen: Path | None = None,
) -> int:
    """Write the same records in Prodigy's shape, see `mended`.

    target: the .jsonl file; replaced only when the whole of `source` is sound.
    widen: the pipeline to whose tokens spans are widened.
    RETURNS: the number of records.
    RAISES ValueError: the text is unsound.
    """
    make = load(widen).make_doc if widen else None
    records = list(mended(source, trim=trim, offsets=offsets, tokenize=make))
    # a table may have what JSON has not
    lines = [json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in records]
    with writing(target) as unfinished:
        # half of a character stands in JSON as it is escaped here
        unfinished.write_bytes("".join(lines).encode("utf8", "backslashreplace"))
    return len(records)


def main(
    source: Annotated[Path, typer.Argument(help="Annotated text")],
    target: Annotated[Path, typer.Argument(help="The .spacy or .jsonl file to write")],
    pipeline: Annotated[
        Path | None,
        typer.Option(help="Whose tokens: for .spacy and --widen"),
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="Text without annotation, if need be")
    ] = None,
    annotated: Annotated[
        str, typer.Option(help="Labels, A,B, that people looked for; or those `found`")
    ] = FOUND,
    trim: Annotated[
        bool, typer.Option("--trim", help="For .jsonl: leave whitespace out of spans")
    ] = False,
    offsets: Annotated[
        Unit, typer.Option(help="For .jsonl: what the offsets of the text count")
    ] = Unit.characters,
    widen: Annotated[
        bool, typer.Option("--widen", help="For .jsonl: widen spans to whole tokens")
    ] = False,
) -> None:
    """Convert annotated text to spaCy's DocBin, or mend it, to JSONL."""
    try:
        if widen and pipeline is None:
            raise ValueError(f"{target}: --widen needs the tokens of a --pipeline")
        if target.suffix == ".jsonl":
            tokens = pipeline if widen else None
            count = mend(source, target, trim=trim, offsets=offsets, widen=tokens)
        elif target.suffix != ".spacy" or pipeline is None:
            raise ValueError(f"{target}: give a .jsonl file, or .spacy with --pipeline")
        elif trim or widen or offsets is not Unit.characters:
            raise ValueError(f"{target}: --trim, --widen, --offsets write .jsonl")
        else:
            labels = None if annotated == FOUND else annotated.split(",")
            count = convert(
                source, target, pipeline=pipeline, texts=texts, annotated=labels
            )
    except ValueError as error:
        msg.fail("Nothing was converted", str(error), exits=1)
    msg.good(f"{target}: {count} texts")


if __name__ == "__main__":
    typer.run(guarded(main))
