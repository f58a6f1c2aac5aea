"""Train NERs that stand in for the core's `ner`, and put them where it stood.

python scripts/train_alternatives.py pipelines configs/single_ner.cfg
"""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from enum import Enum
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.cli.train import train
from spacy.language import Language
from spacy.util import load_config
from wasabi import msg

from assemble import describe
from folders import replacing
from spans_ner import FACTORY


class Size(str, Enum):
    """How large the architecture is."""

    small = "small"
    large = "large"


def train_alternative(config_path: Path, output: Path, *, size: Size) -> list[str]:
    """Train the components of a config, then put them into the core, for its `ner`.

    All other components of the core, its tokenizer, vectors and lookups are kept.

    config_path: a training config; its section `size` gives way to that of the name of
        `size`, and the core's vectors are features where it has some.
    output: the combination's folder; left as it was if anything fails.
    RETURNS: the names of the combination's components, in order.
    RAISES ValueError: there is no core pipeline, or no NER in it.
    """
    config = load_config(config_path)
    core_path = Path(config["paths"]["core"])
    if not (core_path / "config.cfg").is_file():
        raise ValueError(f"{core_path} is no pipeline; run the command `sources`")
    core = spacy.load(core_path)
    if "ner" not in core.component_names:
        raise ValueError(f"{core_path}: the core has no component 'ner'")
    overrides = {f"size.{key}": value for key, value in config[size.value].items()}
    overrides["size.vectors"] = bool(core.vocab.vectors_length)
    with tempfile.TemporaryDirectory() as work, replacing(output) as folder:
        train(config_path, work, overrides=overrides)
        trained = _plain(Path(work) / "model-best")
        nlp = put_in(core, trained)
        ners = "NERs trained anew, on its labels and those of {drugs}"
        nlp.meta.update(
            describe(config_path.stem, nlp.pipe_names, core_path, ners=ners)
        )
        nlp.to_disk(folder)
        return list(spacy.load(folder).pipe_names)


def _plain(folder: Path) -> Language:
    """Load what was trained, each NER as an ordinary one."""
    config = load_config(folder / "config.cfg")
    for component in config["components"].values():
        if component["factory"] == FACTORY:
            component["factory"] = "ner"
    config.to_disk(folder / "config.cfg")
    return spacy.load(folder)


def put_in(core: Language, trained: Language) -> Language:
    """Replace the core's `ner` by all components of `trained`, in their order.

    A tok2vec leaves its output in `doc.tensor`, where listeners look for theirs. So
    components of the core that listen, but come after `ner`, first get a copy of the
    tok2vec that they listen to.
    """
    at = core.component_names.index("ner")
    later = core.component_names[at + 1 :]
    for upstream, listeners in _listening(core).items():
        for name in set(listeners) & set(later):
            core.replace_listeners(upstream, name, ["model.tok2vec"])
    core.remove_pipe("ner")
    before = later[0] if later else None
    for name in trained.pipe_names:
        core.add_pipe(name, source=trained, before=before)
    return core


def _listening(nlp: Language) -> dict[str, list[str]]:
    return {
        name: list(pipe.listening_components)
        for name, pipe in nlp.pipeline
        if hasattr(pipe, "listening_components")
    }


def main(
    pipelines: Annotated[Path, typer.Argument(help="Where the combinations go")],
    configs: Annotated[list[Path], typer.Argument(help="What to train, and on what")],
    size: Annotated[Size, typer.Option(help="A section of the configs")] = Size.small,
) -> None:
    """Train alternatives at the same time, each into the folder named as its config."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        trained = {
            config: processes.submit(
                train_alternative, config, pipelines / config.stem, size=size
            )
            for config in configs
        }
    for config, future in trained.items():
        try:
            names = future.result()
        except ValueError as error:
            msg.fail(f"{config} was not trained", str(error), exits=1)
        msg.good(f"{pipelines / config.stem}: {' -> '.join(names)}")


if __name__ == "__main__":
    typer.run(main)
