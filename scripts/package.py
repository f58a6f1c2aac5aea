"""Make an installable wheel of each combination.

    python scripts/package.py pipelines packages --scores metrics/scores.json \
        --prefix drug --version 0.1.0
"""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

import spacy
import spacy.cli
import srsly
import typer
from wasabi import msg

from folders import replacing
from shipped import FILES, MODULES


def package(
    pipeline: Path,
    packages: Path,
    *,
    name: str,
    version: str,
    scores: Path | None = None,
) -> Path:
    """Build the wheel of a pipeline, from scratch each time.

    Nothing of an earlier build is left in it, as `setup.py` alone would leave.

    The code of shipped.py goes along where the pipeline has a component of it.

    name: what the package is called, without the language before it.
    scores: what `evaluate` wrote; the pipeline's figures go into its meta.json.
    RETURNS: the wheel, `packages/en_NAME-VERSION/dist/en_NAME-VERSION-*.whl`.
    RAISES FileNotFoundError: no wheel came out; what the build printed says why.
    """
    with tempfile.TemporaryDirectory() as work:
        copy, built = Path(work) / pipeline.name, Path(work) / "built"
        shutil.copytree(pipeline, copy)
        built.mkdir()
        if scores:
            meta = srsly.read_json(copy / "meta.json")
            meta["performance"] = _performance(scores, pipeline.name)
            srsly.write_json(copy / "meta.json", meta)
        spacy.cli.package(
            copy,
            built,
            code_paths=_code(pipeline),
            name=name,
            version=version,
            require_parent=True,
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


def _performance(scores: Path, pipeline: str) -> dict[str, Any]:
    """Name a pipeline's figures as spaCy does in meta.json."""
    figures = srsly.read_json(scores)["pipelines"][pipeline]["whole"]
    micro = {f"ents_{key}": figures["parts"]["all"][key] for key in "prf"}
    by_label = {
        label: {key: score[key] for key in "prf"}
        for label, score in figures["labels"].items()
    }
    return {**micro, "ents_per_type": by_label}


def _code(pipeline: Path) -> list[Path]:
    """Name the files that a pipeline needs besides spaCy; most need none."""
    pipes = [pipe for _, pipe in spacy.load(pipeline).pipeline]
    ours = {module.__name__ for module in MODULES}
    return FILES if any(type(pipe).__module__ in ours for pipe in pipes) else []


def main(
    pipelines: Annotated[Path, typer.Argument(help="The folder of combinations")],
    packages: Annotated[Path, typer.Argument(help="The folder that packages go to")],
    scores: Annotated[Path, typer.Option(help="What `evaluate` wrote, JSON")],
    prefix: Annotated[str, typer.Option(help="How every name begins")],
    version: Annotated[str, typer.Option(help="The version of the wheels")],
) -> None:
    """Make an installable wheel of each combination that was measured."""
    for pipeline in sorted(pipelines.iterdir()):
        if pipeline.name not in srsly.read_json(scores)["pipelines"]:
            msg.warn(f"No wheel of {pipeline}: `evaluate` left it out")
            continue
        name = pipeline.name
        name = name if name.startswith(f"{prefix}_") else f"{prefix}_{name}"
        try:
            wheel = package(
                pipeline, packages, name=name, version=version, scores=scores
            )
        except FileNotFoundError as error:
            msg.fail("No wheel was made", str(error), exits=1)
        msg.good(str(wheel))


if __name__ == "__main__":
    typer.run(main)
