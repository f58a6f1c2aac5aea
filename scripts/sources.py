"""Get the source pipelines: as they are, downloaded, or trained here.

python scripts/sources.py sources core=en_core_web_md drugs=my/pipeline
"""

from common.running import guarded

import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer
from wasabi import msg

from common.code import OURS, require
from common.files import replacing, sha256, together, write_json
from common.meta import record
from common.ners import LEDGER, read_ledger
from common.packages import identify
from origins.checking import check
from origins.embedded import START, Recipe
from origins.finding import bring, find, is_kept, read_offers

# whose entries say where they were offered
FETCHED = ("downloaded", "index")
EMPTY: Mapping[str, str] = MappingProxyType({})
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
    offers: where `wanted` is to be had, see `read_offers`.
    code: the module that registers what a pipeline at a path is made of; it goes along.
    previous: the entry of what is in `target` now. If it was fetched, and would be from
        the same place, it stays.
    RETURNS: the entry for sources.json.
    RAISES ValueError: the pipeline is not to be had, or is of no use here. `target` is
        then left as it was.
    """
    recipe = Recipe.of(name, config, text, wanted)
    if recipe.own:
        texts = " and ".join(recipe.own.values())
        msg.info(f"{name}: a pipeline is trained on {texts}, as it is text of your own")
        permitted = Permitted.embedded
    elif permitted is Permitted.embedded and Path(wanted).is_dir():
        raise ValueError(
            f"{name}: origin embedded means that it is trained here, but {wanted} is a "
            "pipeline; leave out one of the two"
        )
    made_from = recipe.fingerprint()
    with replacing(target) as folder:
        origin = None
        if permitted is not Permitted.embedded:
            official = permitted is Permitted.official
            if previous and is_kept(
                previous, wanted, offers, target, official=official
            ):
                shutil.copytree(target, folder, dirs_exist_ok=True)
                origin = previous["origin"]
            else:
                origin = find(name, wanted, offers, folder, official=official)
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
                recipe.check_language(wanted)
                if permitted is Permitted.auto:
                    recipe.explain(wanted)
                recipe.train(folder)
        if origin == "path":
            bring(Path(wanted), code, folder)
        required = require(wanted, folder) if origin == "installed" else []
        nlp = check(folder, wanted, notice=origin != "embedded")
        entry = record(name, folder, nlp, origin)
        entry["requirements"] = [*entry["requirements"], *required]
    if origin in FETCHED:
        entry["offers"] = dict(offers)
    if origin != "embedded":
        return {**entry, "wanted": wanted}
    learned = recipe.paths["train"]
    gold = {learned: sha256(Path(learned))}
    made = {"made_from": made_from, "texts": dict(recipe.own), "gold": gold}
    return {**entry, "wanted": wanted, **made}


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
    offers = read_offers(configs / "sources.cfg")
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
        now = (what, dict(Recipe.of(name, config, text, what).own))
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
