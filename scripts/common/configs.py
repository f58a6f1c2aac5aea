"""Read configs: an error names the file at fault, and what is wrong in it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from spacy.util import CONFIG_SECTION_ORDER
from thinc.api import Config

from common.inputs import blaming, read_text

NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_config(path: Path, overrides: Mapping[str, Any] = NOTHING) -> Config:
    """Read a config, its references as they are written.

    overrides: settings that give way, as `{"paths.train": "own.jsonl"}`.
    RAISES ValueError: it is missing, or no valid config.
    """
    return parse_config(read_text(path), str(path), overrides)


def parse_config(
    text: str, name: str, overrides: Mapping[str, Any] = NOTHING
) -> Config:
    """Read the text of a config, see `read_config`.

    name: what to call the config in an error.
    """
    config = Config(section_order=CONFIG_SECTION_ORDER)
    with blaming(f"{name}: no valid config"):
        config.from_str(text, interpolate=False, overrides=dict(overrides))
        # all references lead somewhere
        config.interpolate()
    return config


def check_pipeline(config: Config, name: str) -> None:
    """Check that a config says of each component in `nlp.pipeline` what it is.

    name: what to call the config in an error.
    RAISES ValueError: it does not, or `nlp.pipeline` is no list of names.
    """
    for section in ("nlp", "components"):
        if section not in config:
            raise ValueError(f"{name} has no section [{section}]")
    names = config["nlp"].get("pipeline")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError(
            f"{name}: `pipeline` in [nlp] is {names!r}, and must be a list of names: "
            '["ner"]'
        )
    for component in names:
        if names.count(component) > 1:
            raise ValueError(f"{name}: nlp.pipeline has {component} twice")
        settings = config["components"].get(component, {})
        if not isinstance(settings, dict) or not {"source", "factory"} & {*settings}:
            raise ValueError(
                f"{name}: nlp.pipeline has {component}, so [components.{component}] "
                "must have a source or a factory"
            )
