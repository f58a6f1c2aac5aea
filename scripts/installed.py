"""Record what is installed that results depend on: what it changes is run again.

python scripts/installed.py installed core=en_core_web_md drugs=my/pipeline
"""

from common.running import guarded

from collections.abc import Sequence
from pathlib import Path
from platform import python_version
from typing import Annotated

import srsly
import typer
from wasabi import msg

from common.files import write_json
from common.packages import TABLES, identify, required, version_of

# of all that is installed, figures differ with these alone
MEASURING = ("thinc", "numpy")


def look(pipelines: Sequence[str]) -> dict[str, dict[str, str]]:
    """Look at the packages that results depend on, and at the source pipelines.

    pipelines: what the sources are taken from, packages' names or paths.
    RETURNS: by name what tells versions apart, for what depends on it: getting the
        `sources`; `building`, the training too, with spaCy and what sources require;
        `measuring` what was built, where the last bits count.
    """
    needed = {name for pipeline in pipelines for name in required(pipeline)}
    building = {name: version_of(name) for name in sorted({"spacy", *needed})}
    sources = {pipeline: identify(pipeline) for pipeline in pipelines}
    measuring = {name: version_of(name) for name in MEASURING}
    return {
        "sources": {**sources, TABLES: version_of(TABLES)},
        "building": building,
        "measuring": {**building, **measuring, "Python": python_version()},
    }


def main(
    installed: Annotated[Path, typer.Argument(help="The folder that the record is in")],
    wanted: Annotated[list[str], typer.Argument(help="NAME=PACKAGE or NAME=PATH")],
) -> None:
    """Record what is installed that results depend on: what it changes is run again."""
    changed: dict[str, None] = {}
    pipelines = [pair.partition("=")[2] for pair in wanted]
    for name, found in look([what for what in pipelines if what]).items():
        path = installed / name / "found.json"
        before = srsly.read_json(path) if path.is_file() else {}
        write_json(path, found)
        changed |= {k: None for k in found if before.get(k, found[k]) != found[k]}
    if changed:
        names = ", ".join(changed)
        msg.info(f"Not what it was: {names}. What depends on it runs again.")


if __name__ == "__main__":
    typer.run(guarded(main))
