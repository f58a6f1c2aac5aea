"""Make an installable wheel of a combination.

python scripts/package.py pipelines/drug_first packages --version 0.1.0
"""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import spacy
import spacy.cli
import typer
from wasabi import msg

from folders import replacing
from shipped import FILES, MODULES


def package(pipeline: Path, packages: Path, *, name: str, version: str) -> Path:
    """Build the wheel of a pipeline, from scratch each time.

    Nothing of an earlier build is left in it, as `setup.py` alone would leave.

    The code of shipped.py goes along where the pipeline has a component of it.

    name: what the package is called, without the language before it.
    RETURNS: the wheel, `packages/en_NAME-VERSION/dist/en_NAME-VERSION-*.whl`.
    RAISES FileNotFoundError: no wheel came out; what the build printed says why.
    """
    with tempfile.TemporaryDirectory() as work:
        copy, built = Path(work) / pipeline.name, Path(work) / "built"
        shutil.copytree(pipeline, copy)
        built.mkdir()
        spacy.cli.package(
            copy,
            built,
            code_paths=_code(pipeline),
            name=name,
            version=version,
            create_sdist=False,
            create_wheel=True,
            silent=False,
        )
        (made,) = built.iterdir()
        with replacing(packages / made.name) as folder:
            shutil.copytree(made, folder, dirs_exist_ok=True)
            if not list(folder.glob("dist/*.whl")):
                raise FileNotFoundError(f"{pipeline}: no wheel was built")
    return next((packages / made.name).glob("dist/*.whl"))


def _code(pipeline: Path) -> list[Path]:
    """Name the files that a pipeline needs besides spaCy; most need none."""
    pipes = [pipe for _, pipe in spacy.load(pipeline).pipeline]
    ours = {module.__name__ for module in MODULES}
    return FILES if any(type(pipe).__module__ in ours for pipe in pipes) else []


def main(
    pipeline: Annotated[Path, typer.Argument(help="The combination's folder")],
    packages: Annotated[Path, typer.Argument(help="The folder that packages go to")],
    name: Annotated[str, typer.Option(help="Its name, if not the folder's")] = "",
    version: Annotated[str, typer.Option(help="The wheel's version")] = "0.1.0",
) -> None:
    """Make an installable wheel of a combination."""
    try:
        wheel = package(pipeline, packages, name=name or pipeline.name, version=version)
    except FileNotFoundError as error:
        msg.fail("No wheel was made", str(error), exits=1)
    msg.good(str(wheel))


if __name__ == "__main__":
    typer.run(main)
