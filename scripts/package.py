"""Make an installable wheel of each combination.

    python scripts/package.py pipelines packages metrics --sources sources \
        --prefix drug --version 0.1.0
"""

from common.running import guarded

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import spacy
import spacy.cli
import srsly
import typer
from packaging.version import InvalidVersion, Version
from tqdm import tqdm
from wasabi import msg

from common.code import OURS, code_in
from common.configs import read_config
from common.files import replacing
from common.ners import is_current, load, pipelines_in, read_ledger
from common.summary import measured_of, summarize
from ner_components import Importable
from wheels.building import Build, build

WHEELS = Path("configs/wheels.cfg")
# what of meta.json a person may want to say otherwise
STATED = {"author", "email", "url", "license", "description"}
# what may follow `en_` in the name of a package, and how that is said
NAME = re.compile("[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?")
LETTERS = "letters (a to z), digits and _, first a letter, _ not last"
EMPTY: Mapping[str, str] = MappingProxyType({})


def package(
    pipeline: Path,
    packages: Path,
    *,
    name: str,
    version: str,
    scores: dict[str, Any] | None = None,
    stated: Mapping[str, str] = EMPTY,
    wanted: Build = Build.wheel,
) -> Path:
    """Build the wheel of a pipeline, from scratch each time.

    ner_components.py goes along where the pipeline has a component of it, and the code
    that lies in the pipeline's folder.

    name: what the package is called, without the language before it.
    scores: what `evaluate` wrote of this build; its figures go into meta.json.
    stated: what else goes into it, see `read_stated`.
    wanted: what to build besides the wheel.
    RETURNS: the wheel, `packages/en_NAME-VERSION/dist/en_NAME-VERSION-*.whl`.
    RAISES ValueError: it does not load, or no wheel came out; the message says what
        the build printed.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name} cannot be part of a package's name; rename the config that it is "
            f"built by, {LETTERS}"
        )
    code = _code(pipeline)
    with tempfile.TemporaryDirectory() as work:
        meta_path = Path(work) / "meta.json"
        meta = srsly.read_json(pipeline / "meta.json")
        meta |= {**stated, "performance": _performance(scores)}
        srsly.write_json(meta_path, meta)
        built = Path(work) / "built"
        built.mkdir()
        spacy.cli.package(
            pipeline,
            built,
            meta_path=meta_path,
            code_paths=code,
            name=name,
            version=version,
            require_parent=True,
            create_sdist=False,
            create_wheel=False,
        )
        (made,) = built.iterdir()
        data = made / made.name.rpartition("-")[0] / made.name
        for file in code_in(data):
            file.rename(data.parent / file.name)
        build(made, wanted)
        with replacing(packages / made.name) as folder:
            shutil.copytree(made, folder, dirs_exist_ok=True)
    (wheel,) = (packages / made.name).glob("dist/*.whl")
    return wheel


def read_stated(config: Path, name: str) -> dict[str, str]:
    """Read what a person wants a wheel to say, by its key in meta.json.

    config: has a section [every], and may have one for each combination; need not be
        there.
    name: of the combination.
    RAISES ValueError: it is no config, or says what is not for a person to say.
    """
    if not config.is_file():
        return {}
    sections = read_config(config).interpolate()
    found = {**sections.get("every", {}), **sections.get(name, {})}
    if unknown := sorted(found.keys() - STATED):
        raise ValueError(
            f"{config}: {', '.join(unknown)} cannot be said there, only "
            f"{', '.join(sorted(STATED))}"
        )
    return {key: str(value) for key, value in found.items() if value}


def _performance(scores: dict[str, Any] | None) -> dict[str, Any]:
    """Name a pipeline's figures as spaCy does in meta.json."""
    if not scores:
        return {}
    every = scores["all_texts"]
    micro = {f"ents_{key}": every["micro"][key] for key in "prf"}
    by_label = {
        label: {key: score[key] for key in "prf"}
        for label, score in every["labels"].items()
    }
    return {**micro, "ents_per_type": by_label}


def _code(pipeline: Path) -> list[Path]:
    """Name the file that a pipeline needs besides spaCy; most need none.

    It imports the code that others have written, too.
    """
    pipes = [pipe for _, pipe in load(pipeline).pipeline]
    needed = any(isinstance(pipe, Importable) for pipe in pipes)
    return [OURS] if needed or code_in(pipeline) else []


def package_all(
    pipelines: Path,
    packages: Path,
    *,
    sources: Path,
    prefix: str,
    version: str,
    metrics: Path,
    config: Path = WHEELS,
    wanted: Build = Build.wheel,
) -> tuple[dict[Path, Path], list[Path]]:
    """Build the wheels of all combinations that were made from the present sources.

    config: see `read_stated`.
    wanted: what to build besides the wheels.
    RETURNS: the wheels, by the folder of the combination; and the folders that no wheel
        could be made of, which are named when it happens.
    RAISES ValueError: there is nothing to make a wheel of, `version` or `prefix` is
        none.
    """
    try:
        Version(version)
    except InvalidVersion:
        raise ValueError(f"version {version}: no version; one is 0.1.0") from None
    if not NAME.fullmatch(prefix):
        raise ValueError(f"prefix {prefix!r}: it must be {LETTERS}")
    ledger = read_ledger(sources)
    wheels, broken = {}, []
    for pipeline in tqdm(
        pipelines_in(pipelines), "packaging", leave=False, disable=None
    ):
        name = pipeline.name
        try:
            if not is_current(pipeline, ledger):
                msg.warn(f"No wheel of {pipeline}: it was made from other sources")
                continue
            wheels[pipeline] = package(
                pipeline,
                packages,
                name=name if name.startswith(f"{prefix}_") else f"{prefix}_{name}",
                version=version,
                scores=measured_of(pipeline, metrics),
                stated=read_stated(config, name),
                wanted=wanted,
            )
        # what the system refuses, it refuses the others, too
        except OSError:
            raise
        # spaCy exits, and says why, where it refuses a meta.json
        except (Exception, SystemExit) as error:
            msg.fail(f"No wheel of {pipeline}", f"{type(error).__name__}: {error}")
            broken.append(pipeline)
    if not wheels:
        raise ValueError(
            f"{pipelines}: no whole combination of the present sources in it; run "
            "`assemble`, or `train-alternatives` for those that are trained"
        )
    return wheels, broken


def main(
    pipelines: Annotated[Path, typer.Argument(help="The folder of combinations")],
    packages: Annotated[Path, typer.Argument(help="The folder that packages go to")],
    metrics: Annotated[Path, typer.Argument(help="The folder of what was measured")],
    sources: Annotated[Path, typer.Option(help="The folder of source pipelines")],
    prefix: Annotated[str, typer.Option(help="How every name begins")],
    version: Annotated[str, typer.Option(help="The version of the wheels")],
    config: Annotated[Path, typer.Option(help="What they say of you")] = WHEELS,
    wanted: Annotated[
        Build, typer.Option("--build", help="Wheels alone, or both, wheels and sdists")
    ] = Build.wheel,
) -> None:
    """Make an installable wheel of each combination, and say what there is now."""
    try:
        wheels, broken = package_all(
            pipelines,
            packages,
            sources=sources,
            prefix=prefix,
            version=version,
            metrics=metrics,
            config=config,
            wanted=wanted,
        )
    except ValueError as error:
        msg.fail("No wheel was made", str(error), exits=1)
    try:
        summarize(wheels, metrics)
    except ValueError as error:
        msg.fail(f"The wheels are in {packages}; this is amiss", str(error), exits=1)
    if broken:
        names = ", ".join(map(str, broken))
        msg.fail("Not every wheel was made", f"Remove or mend {names}", exits=1)


if __name__ == "__main__":
    typer.run(guarded(main))
