"""Train NERs that stand in for those of the core, and put them where those stood.

python scripts/train_alternatives.py pipelines configs/single_ner.cfg --sources sources
    --texts ONE.jsonl --texts OTHER.jsonl --dev assets/joint_dev.jsonl --corpus corpus
"""

from common.running import end_with_parent, guarded

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from thinc.api import Config
from wasabi import msg

import common.configs
from common.code import bring_code
from common.files import replacing, sha256, together
from common.lanes import Keep, lane, left_out
from common.language import foreign, of_use
from common.meta import describe, keep_strings
from common.ners import (
    Combination,
    Origin,
    load,
    load_sources,
    read_ledger,
)
from ner_components import is_transition_based, proposers
from training.merging import Fill, Merged, merge_texts
from training.placing import replaced, train_in
from training.spans_ner import FACTORY

# what became of each text, by path
Texts = Mapping[str, Merged]


class Size(StrEnum):
    """How large the architecture is."""

    small = "small"
    large = "large"


def prepare(
    configs: Sequence[Path],
    sources: Path,
    texts: Sequence[Path],
    dev: Sequence[Path],
    corpus: Path,
    fill: Fill,
    size: Size = Size.small,
    *,
    raw: Path | None = None,
    test: Path | None = None,
) -> Texts:
    """Check the configs and merge the texts.

    dev: annotated texts to score on.
    raw, test: see `merge_texts`.
    RETURNS: what became of each text that is learned from, by path.
    RAISES ValueError: a source is missing, a text or a config is unsound, or a config
        has no component of the core's, or one that learns from what is no source.
    """
    pipelines = load_sources(sources)
    core_name, core = next(iter(pipelines.items()))
    for path in configs:
        config = read_config(path, size)
        learned = _learned(config)
        for name in replaced(core, config, str(path)):
            further = "source" in config["components"][name] and name not in learned
            if further and not is_transition_based(core.get_pipe(name)):
                raise ValueError(
                    f"{path}: {name} of {core_name} is no NER that can be trained "
                    "further; leave this config out"
                )
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
    ledger = read_ledger(sources)
    lang = str(core.lang)
    texts, dev = of_use(texts, lang), of_use(dev, lang)
    raw = raw if raw and not foreign(raw, lang) else None
    if not texts and not raw:
        raise ValueError(
            f"there is no text to learn from for {core_name}, whose language is {lang};"
            " give some with --vars.texts or --vars.drugs_train"
        )
    scored = None if dev else raw
    if not dev:
        msg.warn(f"No annotated text is in {lang}: what is learned from is scored on")
        dev = texts
    target = _merged(corpus, "dev")
    merge_texts(dev, pipelines, ledger, target, fill, raw=scored, test=test)
    target = _merged(corpus, "train")
    return merge_texts(texts, pipelines, ledger, target, fill, raw=raw, test=test)


def read_config(path: Path, size: Size) -> Config:
    """Read a training config.

    RAISES ValueError: it is missing, is no config, or lacks what is needed of it.
    """
    config = common.configs.read_config(path)
    common.configs.check_pipeline(config, str(path))
    sizes = [size.value] if "size" in config else []
    for section in ("training", *sizes):
        if section not in config:
            raise ValueError(f"{path} has no section [{section}]")
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
    texts: Texts,
    size: Size,
    keep: Keep = Keep.all,
    row: int = 0,
) -> list[str]:
    """Train the components of a config, then put them into the core.

    All other components of the core, its tokenizer, vectors and lookups are kept.

    config_path: a training config; its section `size`, if it has one, gives way to that
        of the name of `size`, and the core's vectors are features where it has some.
    output: the combination's folder; left as it was if anything fails.
    corpus: where the merged text lies.
    texts: what `prepare` returned.
    keep: such that keep only so much of the core are built beside it, NAME_entities.
    row: the row of the terminal, from the cursor, for the progress bar.
    RETURNS: the names of the combination's components, in order.
    RAISES ValueError: there is no core, no place in it, nothing to learn from, or the
        config is unsound.
    """
    ledger = read_ledger(sources)
    base = next(iter(ledger))
    core, config = load(sources / base), read_config(config_path, size)
    strings = [*core.vocab.strings]
    overrides = {f"size.{key}": value for key, value in config.get(size, {}).items()}
    for part in ("train", "dev"):
        overrides[f"paths.{part}"] = str(_merged(corpus, part))
    nlp, curve = train_in(core, config_path, overrides, name=config_path.stem, row=row)
    trained = [ner for ner in proposers(nlp) if ner in config["nlp"]["pipeline"]]
    combination = Combination(
        base=base,
        components={ner: Origin() for ner in trained},
        made_from={name: entry["sha256"] for name, entry in ledger.items()},
        trained_on={ner: _marked(texts, _learned(config).get(ner)) for ner in trained},
        gold={
            name: _hashes(path for path in texts if name in texts[path].gold)
            for name in ledger
        },
        curve=curve,
    )
    names = list(nlp.pipe_names)
    with together():
        for kept in Keep:
            folder = output.with_name(lane(output.name, kept))
            if kept not in (Keep.all, keep) and not folder.exists():
                continue
            for component in left_out(nlp, kept):
                nlp.remove_pipe(component)
            made = "NERs trained anew, on its labels and those of {others}"
            nlp.meta.update(describe(folder.name, nlp.pipe_names, ledger, made=made))
            # the others have taught it, but nothing of them is in it
            nlp.meta["requirements"] = ledger[base]["requirements"]
            nlp.meta.update(replace(combination, keep=kept).write())
            with replacing(folder) as unfinished:
                nlp.to_disk(unfinished)
                keep_strings(unfinished, nlp, strings)
                bring_code([sources / base], unfinished)
                load(unfinished)
    return names


def _marked(texts: Texts, source: str | None) -> dict[str, str]:
    """Hash the texts that a source's entities are marked in; all if it is None."""
    return _hashes(p for p in texts if source is None or source in texts[p].marked)


def _hashes(paths: Iterable[str]) -> dict[str, str]:
    """Hash texts; where they lie on a person's machine is none of others' business."""
    return {
        Path(path).name if Path(path).is_absolute() else path: sha256(Path(path))
        for path in paths
    }


def main(
    pipelines: Annotated[Path, typer.Argument(help="Where the combinations go")],
    configs: Annotated[list[Path], typer.Argument(help="What to train")],
    sources: Annotated[Path, typer.Option(help="The source pipelines")],
    texts: Annotated[list[Path], typer.Option(help="Annotated text to learn from")],
    dev: Annotated[list[Path], typer.Option(help="Annotated text to score on")],
    corpus: Annotated[Path, typer.Option(help="Where the merged text goes")],
    size: Annotated[Size, typer.Option(help="A section of the configs")] = Size.small,
    fill: Annotated[
        Fill, typer.Option(help="What stands for the annotation that a text lacks")
    ] = Fill.predictions,
    raw: Annotated[
        Path | None, typer.Option(help="Text without annotation to learn from")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Text that nothing is to be learned from")
    ] = None,
    keep: Annotated[
        Keep, typer.Option(help="Build such as keep only so much, too: NAME_entities")
    ] = Keep.all,
) -> None:
    """Train alternatives at the same time, each into the folder named as its config."""
    try:
        prepared = prepare(
            configs, sources, texts, dev, corpus, fill, size, raw=raw, test=test
        )
    except ValueError as error:
        msg.fail("Nothing was trained", str(error), exits=1)
    with ProcessPoolExecutor(
        mp_context=get_context("spawn"), initializer=end_with_parent
    ) as processes:
        trained = {
            config: processes.submit(
                train_alternative,
                config,
                pipelines / config.stem,
                sources=sources,
                corpus=corpus,
                texts=prepared,
                size=size,
                keep=keep,
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
    typer.run(guarded(main))
