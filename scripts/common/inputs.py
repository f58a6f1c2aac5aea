"""Read what commands have written: an error names the file at fault."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from confection import ConfigValidationError

from common.formats.lines import lines


def read_text(path: Path) -> str:
    """Read a text file whole, its lines ending as Python's do.

    RAISES ValueError: it is missing, or no UTF-8.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    return "\n".join(line for _, line in lines(path.read_bytes(), str(path)))


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
        # that of many files that could not be copied has no number
        if isinstance(error, shutil.Error) or getattr(error, "errno", None):
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
