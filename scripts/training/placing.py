"""Train components, and put them into the core in the place of some of its own."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config

from common.configs import read_config
from common.ners import LISTENER
from ner_components import proposers
from training.loop import Curve, train
from training.spans_ner import load_plain


def train_in(
    core: Language,
    config_path: Path,
    overrides: Mapping[str, Any],
    *,
    name: str,
    row: int = 0,
) -> tuple[Language, Curve]:
    """Train the components of a config, then put them into the core.

    The config's `paths.core` tells where the core lies, `nlp` its language and kind of
    tokenizer, and `features.vectors`, if it has that, whether it has static vectors:
    all of that is set here.

    core: as it was loaded from its folder.
    overrides, name, row: see `train`.
    RETURNS: the core with them, all else of it is kept as it is; and what `train`
        returned.
    RAISES ValueError: there is no place for them, or what the config reads is unsound.
    """
    config = read_config(config_path)
    names = replaced(core, config, str(config_path))
    ours: dict[str, Any] = {
        "paths.core": str(core.path),
        "nlp.lang": core.lang,
        "nlp.tokenizer": core.config["nlp"]["tokenizer"],
    }
    if "features" in config:
        ours["features.vectors"] = bool(core.vocab.vectors_length)
    with tempfile.TemporaryDirectory() as work:
        merged = {**overrides, **ours}
        curve = train(config_path, merged, Path(work), name=name, row=row)
        return put_in(core, load_plain(Path(work)), names), curve


def replaced(core: Language, config: Config, name: str) -> list[str]:
    """List the core's components that those of a training config take the place of.

    They are those of the same name.

    name: what to call the config in an error.
    RAISES ValueError: there are none.
    """
    pipeline = config["nlp"]["pipeline"]
    names = [own for own in core.component_names if own in pipeline]
    if not names:
        raise ValueError(
            f"{name}: none of its components ({', '.join(pipeline)}) is one of the "
            "core's, so there is no place for them; rename the one that is to stand "
            f"for the core's NER: {', '.join(proposers(core)) or 'it has none'}"
        )
    return names


def put_in(core: Language, trained: Language, names: Sequence[str]) -> Language:
    """Replace components of the core by all of `trained`, where the first of them is.

    A tok2vec leaves its output in `doc.tensor`, where listeners look for theirs. So
    components of the core that come after one that is new, or listen to one that is
    replaced, first get a copy of the tok2vec that they listen to.

    names: the components that are replaced, in their order.
    RETURNS: the core, changed.
    """
    at = core.component_names.index(names[0])
    later = [name for name in core.component_names[at:] if name not in names]
    deaf = later if _listening(trained) else []
    for upstream, listeners in _listening(core).items():
        for name in listeners:
            if name in deaf or (upstream in names and name not in names):
                core.replace_listeners(upstream, name, [LISTENER])
    for name in names:
        core.remove_pipe(name)
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
