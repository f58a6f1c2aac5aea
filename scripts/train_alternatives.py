"""Train NERs that stand in for those of the core, and put them where those stood.

python scripts/train_alternatives.py pipelines configs/single_ner.cfg --sources sources
    --texts ONE.jsonl --texts OTHER.jsonl --dev assets/joint_dev.jsonl --corpus corpus
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from spacy.util import load_config
from thinc.api import Config
from wasabi import msg

from common.files import replacing, sha256
from common.meta import describe, keep_strings
from common.ners import (
    Combination,
    Origin,
    load,
    load_sources,
    proposers,
    read_ledger,
)
from training.merging import Fill, merge_texts
from training.placing import replaced, train_in
from training.spans_ner import FACTORY

# for each text, by path, the sources whose entities are marked in it
Marked = Mapping[str, Sequence[str]]


class Size(StrEnum):
    """How large the architecture is."""

    small = "small"
    large = "large"


def prepare(
    configs: Sequence[Path],
    sources: Path,
    texts: Sequence[Path],
    dev: Path,
    corpus: Path,
    fill: Fill,
    size: Size = Size.small,
) -> Marked:
    """Check the configs and merge the texts.

    RETURNS: for each text, by path, the sources whose entities are marked in it now.
    RAISES ValueError: a source is missing, a text or a config is unsound, or a config
        has no component of the core's, or one that learns from what is no source.
    """
    pipelines = load_sources(sources)
    core = next(iter(pipelines.values()))
    for path in configs:
        config = read_config(path, size)
        replaced(core, config, str(path))
        learned = _learned(config)
        for name, source in learned.items():
            if source not in pipelines:
                raise ValueError(
                    f"{path}: {name} learns from {source}, which is none of the "
                    f"sources ({', '.join(pipelines)})"
                )
        if learned and (others := pipelines.keys() - {*learned.values()}):
            msg.warn(
                f"{path}: no component learns the labels of "
                f"{', '.join(sorted(others))}; add one with that `source`"
            )
    merge_texts([dev], pipelines, _merged(corpus, "dev"), fill)
    return merge_texts(texts, pipelines, _merged(corpus, "train"), fill)


def read_config(path: Path, size: Size) -> Config:
    """Read a training config.

    RAISES ValueError: it is missing, is no config, or lacks what is needed of it.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        config = load_config(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    for section in ("nlp", "components", "training", size.value):
        if section not in config:
            raise ValueError(f"{path} has no section [{section}]")
    if not config["nlp"].get("pipeline"):
        raise ValueError(f"{path} has no `pipeline` in [nlp]")
    return config


def _learned(config: Config) -> dict[str, str]:
    """Name the one source that a component learns from, by the component."""
    components = config["components"].items()
    return {name: c["source"] for name, c in components if c.get("factory") == FACTORY}


def _merged(corpus: Path, part: str) -> Path:
    return corpus / f"merged_{part}.spacy"


def train_alternative(
    config_path: Path,
    output: Path,
    *,
    sources: Path,
    corpus: Path,
    texts: Marked,
    size: Size,
    row: int = 0,
) -> list[str]:
    """Train the components of a config, then put them into the core.

    All other components of the core, its tokenizer, vectors and lookups are kept.

    config_path: a training config; its section `size` gives way to that of the name of
        `size`, and the core's vectors are features where it has some.
    output: the combination's folder; left as it was if anything fails.
    corpus: where the merged text lies.
    texts: what `prepare` returned.
    row: the row of the terminal, from the cursor, for the progress bar.
    RETURNS: the names of the combination's components, in order.
    RAISES ValueError: there is no core, no place in it, nothing to learn from, or the
        config is unsound.
    """
    ledger = read_ledger(sources)
    base = next(iter(ledger))
    core, config = load(sources / base), read_config(config_path, size)
    strings = [*core.vocab.strings]
    overrides = {f"size.{key}": value for key, value in config[size].items()}
    for part in ("train", "dev"):
        overrides[f"paths.{part}"] = str(_merged(corpus, part))
    with replacing(output) as folder:
        name = config_path.stem
        nlp = train_in(core, config_path, overrides, name=name, row=row)
        trained = [ner for ner in proposers(nlp) if ner in config["nlp"]["pipeline"]]
        made = "NERs trained anew, on its labels and those of {others}"
        nlp.meta.update(describe(config_path.stem, nlp.pipe_names, ledger, made=made))
        nlp.meta.update(
            Combination(
                base=base,
                components={ner: Origin() for ner in trained},
                made_from={name: entry["sha256"] for name, entry in ledger.items()},
                trained_on={
                    ner: _hashes(texts, _learned(config).get(ner)) for ner in trained
                },
            ).write()
        )
        nlp.to_disk(folder)
        keep_strings(folder, nlp, strings)
        return list(load(folder).pipe_names)


def _hashes(texts: Marked, source: str | None) -> dict[str, str]:
    """Hash the texts that a source's entities are marked in; all if it is None.

    A path of the person's machine is none of others' business: its name stays.
    """
    return {
        Path(path).name if Path(path).is_absolute() else path: sha256(Path(path))
        for path, marked in texts.items()
        if source is None or source in marked
    }


def main(
    pipelines: Annotated[Path, typer.Argument(help="Where the combinations go")],
    configs: Annotated[list[Path], typer.Argument(help="What to train")],
    sources: Annotated[Path, typer.Option(help="The source pipelines")],
    texts: Annotated[list[Path], typer.Option(help="Annotated text to learn from")],
    dev: Annotated[Path, typer.Option(help="Annotated text to score on")],
    corpus: Annotated[Path, typer.Option(help="Where the merged text goes")],
    size: Annotated[Size, typer.Option(help="A section of the configs")] = Size.small,
    fill: Annotated[
        Fill, typer.Option(help="What stands for the annotation that a text lacks")
    ] = Fill.predictions,
) -> None:
    """Train alternatives at the same time, each into the folder named as its config."""
    try:
        prepared = prepare(configs, sources, texts, dev, corpus, fill, size)
    except ValueError as error:
        msg.fail("Nothing was trained", str(error), exits=1)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        trained = {
            config: processes.submit(
                train_alternative,
                config,
                pipelines / config.stem,
                sources=sources,
                corpus=corpus,
                texts=prepared,
                size=size,
                row=row,
            )
            for row, config in enumerate(configs)
        }
    for config, future in trained.items():
        try:
            names = future.result()
        except (ValueError, BrokenProcessPool) as error:
            msg.fail(f"{config} was not trained", str(error), exits=1)
        msg.good(f"{pipelines / config.stem}: {' -> '.join(names)}")


if __name__ == "__main__":
    typer.run(main)
