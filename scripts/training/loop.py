"""Train a pipeline by its config, as `spacy train` does, with one progress bar."""

import io
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import srsly
from spacy.language import DEFAULT_CONFIG, Language
from spacy.training.initialize import init_nlp
from spacy.training.loggers import console_logger_v3
from spacy.training.loop import train as train_nlp
from spacy.util import load_config, registry
from tqdm import tqdm

from common.configs import read_config
from common.inputs import blaming

# makes the factory, the reader and the callback known
from training import reader, spans_ner, taught_ner  # noqa: F401

# of each step that was scored: `step`, and by name the `scores`
Curve = list[dict[str, Any]]


def train(
    config_path: Path,
    overrides: Mapping[str, Any],
    output: Path,
    *,
    name: str | None = None,
    row: int = 0,
) -> Curve:
    """Train a pipeline on the CPU and write the best checkpoint to `output`.

    The seed of the config makes it the same every time, to the last byte.

    overrides: settings that give way, as `{"paths.train": "own.jsonl"}`.
    output: an empty folder, see `replacing`.
    name: what the progress bar shows; that of `output` otherwise.
    row: the row of the progress bar, from the cursor.
    RETURNS: the scores that the config gives a weight, for each step that was scored.
    RAISES ValueError: what the config reads is missing or unsound.
    """
    config = read_config(config_path, overrides)
    failed = f"{config_path}: nothing can be trained by it"
    with tempfile.TemporaryDirectory() as work, blaming(failed):
        scores = Path(work) / "scores.jsonl"
        config["training"]["logger"] = {
            "@loggers": "progress_bar.v1",
            "name": name or output.name,
            "row": row,
            "scores": str(scores),
        }
        nlp = init_nlp(config)
        train_nlp(nlp, Path(work), stdout=io.StringIO())
        shutil.copytree(Path(work) / "model-best", output, dirs_exist_ok=True)
        # where the scores were written is none of the pipeline's business
        trained = load_config(output / "config.cfg")
        trained["training"]["logger"] = DEFAULT_CONFIG["training"]["logger"]
        trained.to_disk(output / "config.cfg")
        return [
            {"step": line["step"], "scores": line["scores"]}
            for line in srsly.read_jsonl(scores)
        ]


@registry.loggers("progress_bar.v1")
def progress_bar(
    name: str, row: int, scores: str
) -> Callable[..., tuple[Callable[..., None], Callable]]:
    """Show how many of the steps are done, on a terminal only, and write `scores`."""
    keep_scores = console_logger_v3(console_output=False, output_file=scores)

    def start(nlp: Language, *streams: Any) -> tuple[Callable[..., None], Callable]:
        keep, end = keep_scores(nlp, *streams)
        steps = nlp.config.interpolate()["training"]["max_steps"]
        bar = tqdm(
            total=steps,
            desc=name,
            unit="step",
            position=row,
            leave=False,
            # not where there is no terminal
            disable=None,
        )

        def step(info: dict[str, Any] | None) -> None:
            # the score before the first step is not one of them
            bar.update(bar.n < steps)
            keep(info)

        def close() -> None:
            bar.close()
            end()

        return step, close

    return start
