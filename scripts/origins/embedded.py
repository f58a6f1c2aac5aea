"""Train a pipeline here, where no other is to be had."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from wasabi import msg

from common.configs import NOTHING, read_config
from common.files import sha256
from common.language import foreign
from common.meta import describe, recorded
from common.ners import load
from common.packages import TABLES, version_of
from ner_components import proposers
from training.loop import train
from training.placing import train_in

START = "python scripts/start.py sources"
TRAINING = Path(__file__).parents[1] / "training"


@dataclass(frozen=True)
class Recipe:
    """What a pipeline is trained by.

    name: what the pipeline is called among the sources.
    config: need not be there.
    own: text of a person's own, by what it replaces in the config, as `paths.train`.
    """

    name: str
    config: Path
    own: Mapping[str, str]

    @classmethod
    def of(
        cls, name: str, config: Path, text: Mapping[str, Path], wanted: str
    ) -> "Recipe":
        """Keep the texts that are not those that the config names itself.

        text: by its name in the config's `paths`.
        wanted: where it is the path of a pipeline, no text is of interest.
        RAISES ValueError: the config has no place for one.
        """
        if not config.is_file() or Path(wanted).is_dir():
            return cls(name, config, {})
        paths = _paths(config)
        if lacking := [key for key in text if key not in paths]:
            raise ValueError(f"{config}: [paths] must have {' and '.join(lacking)}")
        own = {
            f"paths.{key}": str(path)
            for key, path in text.items()
            if path.resolve() != Path(paths[key] or "").resolve()
        }
        return cls(name, config, own)

    @property
    def paths(self) -> dict[str, Any]:
        """The config's `paths`, with a person's own."""
        return _paths(self.config, self.own)

    def fingerprint(self) -> str:
        """Tell apart all that a trained pipeline depends on."""
        if not self.config.is_file():
            return ""
        files = [Path(path) for path in self.paths.values() if path]
        made_by = f"{spacy.__version__} {version_of(TABLES)} {sha256(TRAINING)}"
        return f"{made_by} {sha256(self.config, *files)}"

    def check_language(self, wanted: str) -> None:
        """Refuse to train on the project's own text in the core of another language.

        wanted: what cannot be had.
        RAISES ValueError: that would be done.
        """
        if core := self.paths.get("core"):
            train_on, name = self.paths["train"], self.name
            lang = read_config(Path(core) / "config.cfg")["nlp"]["lang"]
            if foreign(Path(train_on), lang):
                raise ValueError(
                    f"{name}: {wanted} cannot be had, and the text to train one on, "
                    f"{train_on}, is none for {core}, whose language is {lang}; give "
                    f"a pipeline (--vars.{name}) or text of your own "
                    f"(--vars.{name}_train and --vars.{name}_dev)"
                )

    def explain(self, wanted: str) -> None:
        """Tell that a pipeline is trained as `wanted` cannot be had."""
        text = self.paths.get("train") or f"the text that {self.config} names"
        msg.warn(
            f"{self.name}: {wanted} cannot be had, so an embedded pipeline is trained "
            "instead",
            f"Why: it is not installed, and out of reach. What that means: the "
            f"embedded one learns from {text} alone and finds fewer entities, with "
            f"more mistakes. For the other, install {wanted} (or go online) and run "
            f"`{START} --force`, or give a path with --vars.{self.name}.",
        )

    def train(self, folder: Path) -> None:
        """Train the pipeline; in the core's place, if the config names a core."""
        name, config = self.name, self.config
        if path := self.paths.get("core"):
            core = load(path)
            ledger = {path: recorded(Path(path).name, Path(path), core)}
            nlp, _ = train_in(core, config, self.own, name=name)
            made = describe(name, nlp.pipe_names, ledger, made="a NER trained anew")
            ours = read_config(config)["nlp"]["pipeline"]
            # what else of the core proposes entities is not this pipeline's to tell
            for other in {*proposers(nlp)} - {*ours}:
                nlp.remove_pipe(other)
        else:
            train(config, self.own, folder, name=name)
            nlp, made = load(folder), {"license": "MIT"}
        nlp.meta.update({**made, "name": f"{name}_embedded", "version": "0.1.0"})
        nlp.to_disk(folder)


def _paths(config: Path, own: Mapping[str, str] = NOTHING) -> dict[str, Any]:
    return dict(read_config(config, own).interpolate().get("paths", {}))
