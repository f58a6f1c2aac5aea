"""What is installed here, and what is at a path, found out without importing it."""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import srsly

from common.files import sha256

# what the embedded core takes its norms from
TABLES = "spacy-lookups-data"


def version_of(package: str) -> str:
    """Return the version of an installed package; empty if there is none."""
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        return ""


def identify(pipeline: str) -> str:
    """Tell apart what a package's name or a path stands for at different times.

    RETURNS: the version, if it is a package, and the SHA-256 of all its files; empty if
        there is no such pipeline here.
    """
    folder = _folder(pipeline)
    if not folder:
        return ""
    if folder == Path(pipeline):
        return sha256(folder)
    return f"{version_of(pipeline)} {sha256(folder)}"


def required(pipeline: str) -> list[str]:
    """Name the packages that a pipeline says it needs; none if it is not here."""
    meta = (_folder(pipeline) or Path(pipeline)) / "meta.json"
    told = srsly.read_json(meta).get("requirements", []) if meta.is_file() else []
    return [found.group() for text in told if (found := re.match(r"[\w.-]+", text))]


def _folder(pipeline: str) -> Path | None:
    """Find the folder as `sources` does, where a pipeline is in it."""
    folder = Path(pipeline)
    if not folder.is_dir():
        named = pipeline.isidentifier() and version_of(pipeline)
        spec = find_spec(pipeline) if named else None
        if not (spec and spec.submodule_search_locations):
            return None
        folder = Path(next(iter(spec.submodule_search_locations)))
    return folder if next(folder.rglob("config.cfg"), None) else None
