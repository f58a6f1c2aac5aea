"""Get one of the two source pipelines: as it is, downloaded, or trained here.

python scripts/sources.py drugs en_ner_drugs sources/drugs configs/drugs.cfg
"""

import shutil
import tempfile
import warnings
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.cli.train import train
from spacy.util import get_package_path, is_package, load_config, load_meta
from wasabi import msg

from archive import UnreachableError, download, extract_pipeline
from convert import ASSETS
from folders import replacing, sha256

# both NERs are known by this name in their source pipelines
NER = "ner"
SAMPLE = "Anna took two pills in Paris on Monday. It is cold."


class Origin(str, Enum):
    """Where source pipelines may come from."""

    auto = "auto"
    official = "official"
    embedded = "embedded"


def get_source(
    role: str,
    name: str,
    target: Path,
    config: Path,
    *,
    url: str = "",
    md5: str = "",
    text: Path | None = None,
    origin: Origin = Origin.auto,
) -> dict[str, Any]:
    """Put a source pipeline into `target` and record it in `sources.json` beside it.

    An installed package or a folder is copied, what `url` serves is downloaded; the
    environment stays as it is. Where `url` is out of reach, the embedded pipeline is
    trained from `config`, unless nothing that went into it has changed since.

    role: `core` or `drugs`, the key in sources.json.
    name: a package's name, or the path of a pipeline.
    url: the official archive (wheel or sdist) of the package that its file name tells.
    md5: its checksum, "" where none is published.
    text: what `config` trains on, as it was before `convert`. Text of one's own, from
        outside `assets/`, is there to be trained on, so nothing is downloaded then.
    RETURNS: the entry in sources.json.
    RAISES ValueError: the pipeline is not to be had, or is of no use here. `target` is
        then left as it was.
    """
    ledger = target.parent / "sources.json"
    entries = dict(srsly.read_json(ledger)) if ledger.exists() else {}
    made_from = _fingerprint(config)
    if text and ASSETS not in text.resolve().parents and not Path(name).is_dir():
        origin = Origin.embedded
    with replacing(target) as folder:
        found = None if origin is Origin.embedded else _find(name, url, md5, folder)
        if found is None:
            if origin is Origin.official:
                raise ValueError(f"{url}: out of reach, and only it will do (official)")
            found = "embedded"
            previous = entries.get(role, {})
            if target.exists() and previous.get("made_from") == made_from:
                msg.info(f"{role}: nothing that went into the pipeline has changed")
                shutil.copytree(target, folder, dirs_exist_ok=True)
            else:
                if origin is Origin.auto:
                    _explain(role, name, url, config)
                _train(config, folder, f"{role}_embedded")
        meta = load_meta(folder / "meta.json")
        _check(folder, name, notice=found != "embedded")
        entries[role] = {
            "role": role,
            "name": f"{meta['lang']}_{meta['name']}",
            "version": meta["version"],
            "origin": found,
            "spacy_version": meta["spacy_version"],
            "license": meta.get("license", ""),
            "labels": meta.get("labels", {}).get(NER, []),
            "sha256": sha256(folder),
        }
        if found == "embedded":
            entries[role]["made_from"] = made_from
    srsly.write_json(ledger, entries)
    return entries[role]


def _find(name: str, url: str, md5: str, folder: Path) -> str | None:
    """Copy or download the pipeline; None where the host cannot be reached."""
    if Path(name).is_dir():
        shutil.copytree(name, folder, dirs_exist_ok=True)
        return "path"
    if is_package(name):
        data = [path.parent for path in get_package_path(name).rglob("config.cfg")]
        if len(data) != 1:
            raise ValueError(f"{name}: the installed package holds no pipeline")
        shutil.copytree(data[0], folder, dirs_exist_ok=True)
        return "installed"
    if not url.rpartition("/")[2].startswith(f"{name}-"):
        raise ValueError(
            f"{name}: neither an installed package nor a folder, and not the package "
            f"that can be downloaded ({url or 'none'}); install it or give its path"
        )
    with tempfile.TemporaryDirectory() as downloads:
        try:
            archive = download(url, Path(downloads), md5=md5)
        except UnreachableError as reason:
            msg.warn(str(reason))
            return None
        extract_pipeline(archive, folder)
    return "downloaded"


def _explain(role: str, name: str, url: str, config: Path) -> None:
    text = load_config(config).interpolate()["paths"]["train"]
    msg.warn(
        f"{role}: {name} cannot be had, so an embedded pipeline is trained instead",
        f"Why: it is not installed, and {url} is out of reach. What that means: the "
        f"embedded one learns from {text} alone and finds fewer entities, with more "
        f"mistakes. For the other, install {name} (or go online) and run `python -m "
        "spacy project run sources --force`, or give a path with --vars."
        f"{role}.",
    )


def _fingerprint(config: Path) -> str:
    """Tell apart all that a trained pipeline depends on."""
    paths = load_config(config).interpolate()["paths"].values()
    return f"{spacy.__version__} {sha256(config, *map(Path, paths))}"


def _train(config: Path, folder: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as output:
        train(config, output)
        shutil.copytree(Path(output) / "model-best", folder, dirs_exist_ok=True)
    meta = srsly.read_json(folder / "meta.json")
    meta |= {"name": name, "version": "0.1.0", "license": "MIT"}
    srsly.write_json(folder / "meta.json", meta)


def _check(folder: Path, name: str, *, notice: bool) -> None:
    """Refuse a pipeline that cannot serve as a source."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            nlp = spacy.load(folder)
            nlp(SAMPLE)
        except Exception as error:
            raise ValueError(
                f"{name}: it does not load and run on spaCy {spacy.__version__} "
                f"({type(error).__name__}: {error})"
            ) from error
    if NER not in nlp.component_names:
        raise ValueError(
            f"{name}: it has no component {NER!r} (it has "
            f"{', '.join(nlp.component_names) or 'none'})"
        )
    if not nlp.get_pipe(NER).labels:
        raise ValueError(f"{name}: its component {NER!r} has no labels; train it first")
    if notice and any("[W095]" in str(warning.message) for warning in caught):
        msg.info(
            f"{name} was made for spaCy {nlp.meta['spacy_version']}; it loads and runs "
            f"on {spacy.__version__}"
        )


def main(
    role: Annotated[str, typer.Argument(help="core or drugs")],
    name: Annotated[str, typer.Argument(help="Package name, or path of a pipeline")],
    target: Annotated[Path, typer.Argument(help="Where the pipeline goes")],
    config: Annotated[Path, typer.Argument(help="What the embedded one is trained by")],
    url: Annotated[str, typer.Option(help="The official archive")] = "",
    md5: Annotated[str, typer.Option(help="The checksum of the archive")] = "",
    text: Annotated[
        Path | None, typer.Option(help="The annotated text; if your own, it is used")
    ] = None,
    origin: Annotated[Origin, typer.Option(help="What may be used")] = Origin.auto,
) -> None:
    """Get one of the two source pipelines: as it is, downloaded, or trained here."""
    try:
        entry = get_source(
            role, name, target, config, url=url, md5=md5, text=text, origin=origin
        )
    except ValueError as error:
        msg.fail(f"No source pipeline for {role}", str(error), exits=1)
    msg.good(f"{target}: {entry['name']} {entry['version']} ({entry['origin']})")


if __name__ == "__main__":
    typer.run(main)
