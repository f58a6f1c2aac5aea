"""Read configs, and what commands have written: an error names the file at fault."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer
from confection import ConfigValidationError
from spacy.util import CONFIG_SECTION_ORDER
from thinc.api import Config

from common.formats.lines import lines

NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_text(path: Path) -> str:
    """Read a text file whole, its lines ending as Python's do.

    RAISES ValueError: it is missing, or no UTF-8.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    return "\n".join(line for _, line in lines(path.read_bytes(), str(path)))


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


def named_json(path: Path | None) -> Path | None:
    """Refuse an output of another name: it would be another file that is replaced.

    RAISES typer.BadParameter: its name does not end in .json.
    """
    if path and path.suffix != ".json":
        raise typer.BadParameter(f"{path} is no name of a JSON file; one is x.json")
    return path


@contextmanager
def blaming(what: str) -> Iterator[None]:
    """Say what a person is to mend, whatever goes wrong with it in the block.

    RAISES ValueError: in the place of any other error, but for what the system refuses.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"{what} ({reason(error)})") from error


@contextmanager
def written_by(command: str, path: Path) -> Iterator[None]:
    """Say which command writes a file, if it does not hold what the block expects.

    RAISES ValueError: in the place of what goes wrong with such content.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not what `{command}` writes ({reason(error)}); run the "
            f"command `{command}`"
        ) from error


def reason(error: Exception) -> str:
    """Say in a line what went wrong; of a config only what is wrong in it."""
    if isinstance(error, ConfigValidationError):
        # or all settings would follow, and objects that stand for some
        error = ConfigValidationError.from_error(error, title="", show_config=False)
    said = " ".join(str(error).split())
    plain = type(error) is ValueError or isinstance(error, ConfigValidationError)
    return said if plain else f"{type(error).__name__}: {said}"
