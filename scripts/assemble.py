"""Assemble combinations: the whole core pipeline, with other NERs where told.

python scripts/assemble.py pipelines configs/drug_first.cfg configs/drug_last.cfg
"""

from common.running import guarded

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import DEFAULT_CONFIG, Language
from thinc.api import Config
from wasabi import msg

from common.code import bring_code
from common.configs import check_pipeline, read_config
from common.features import (
    OTHER_STARTS,
    is_heard,
    other_features,
    start_setters,
    starts_differ,
    uses_vectors,
)
from common.files import replacing, sha256, together
from common.inputs import blaming, written_by
from common.lanes import Keep, lane, left_out
from common.meta import describe, identity, keep_strings, recorded
from common.ners import SAMPLE, Combination, Origin, View, load
from common.validation import validate
from ner_components import (
    finder,
    group_of,
    is_transition_based,
    proposers,
    writes_ents,
)

# what decides by an order of NERs
PRIORITY = "ner_policy.priority.v1"
# what a config may say of a component that it takes from a source
TAKEN = ("source", "component", "replace_listeners")
# sections of the core's config that are about its training
TRAINING = ("paths", "system", "corpora", "training", "initialize")
Sources = Mapping[str, Language]
Origins = Mapping[str, Origin]


def assemble(config_path: Path, output: Path, keep: Keep = Keep.all) -> list[str]:
    """Build a combination from its config and write it to `output`.

    The config decides which components stand where the core's NER stood; all other
    components of the core, its tokenizer, vectors and lookups are kept around them.

    config_path: has the source pipelines in `paths`, the core first, and what takes
        the place of the core's NER in `nlp.pipeline`.
    keep: leave out such components of the core as its entities do not depend on.
    RETURNS: the names of the combination's components, in order; nothing if it was
        built already and nothing that it depends on has changed.
    RAISES ValueError: a source or a component is missing, or the config's names and
        the core's collide. `output` is then left as it was.
    """
    config, name = _read(config_path), str(config_path)
    paths = {source: Path(path) for source, path in config["paths"].items()}
    if output.resolve() in {path.resolve() for path in paths.values()}:
        raise ValueError(
            f"{name}: {output} cannot be built from itself; correct [paths]"
        )
    scripts = Path(__file__).parent
    code = [Path(__file__), scripts / "ner_components.py", *scripts.glob("common/*.py")]
    files = [config_path, *paths.values(), *sorted(code)]
    built_from = f"{spacy.__version__} {keep} {sha256(*files)}"
    meta = output / "meta.json"
    # one that is damaged is built anew
    with suppress(ValueError), written_by("assemble", meta):
        if meta.is_file() and srsly.read_json(meta).get("built_from") == built_from:
            return []
    sources = {source: load(path) for source, path in paths.items()}
    base, nlp = next(iter(sources.items()))
    strings = [*nlp.vocab.strings]
    ledger = {
        source: recorded(source, paths[source], own) for source, own in sources.items()
    }
    origins = _isolate(sources, find_origins(config, sources, name))
    combine(config, sources, origins, name)
    validate(nlp, name)
    for component in left_out(nlp, keep):
        nlp.remove_pipe(component)
    _forget_training(nlp)
    made_from = {source: entry["sha256"] for source, entry in ledger.items()}
    tuned_for = dict(config.get("tuned_for", {}))
    now = {source: identity(entry) for source, entry in ledger.items()}
    if other := [n for n, tuned in tuned_for.items() if now.get(n) != tuned]:
        msg.warn(
            f"{name}: its policy and temperatures were tuned for another "
            f"{' and '.join(other)} than there is",
            "Run `tune`, then `assemble`, to choose them for these sources.",
        )
    nlp.meta.update(
        describe(output.name, nlp.pipe_names, ledger, made="the NER of {others}"),
        **Combination(
            base, dict(origins), made_from, tuned_for=tuned_for, keep=keep
        ).write(),
        built_from=built_from,
    )
    with replacing(output) as folder:
        nlp.to_disk(folder)
        keep_strings(folder, nlp, strings)
        for file in paths[base].glob("LICENSE*"):
            shutil.copy(file, folder)
        bring_code(paths.values(), folder)
        try:
            nlp = spacy.load(folder)
            nlp(SAMPLE)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"{name}: what was built does not run ({what})") from error
        return list(nlp.pipe_names)


def find_origins(config: Config, sources: Sources, name: str) -> dict[str, Origin]:
    """Tell of each sourced component of a config where it comes from.

    sources: the source pipelines by name, the core first.
    name: what to call the config in an error.
    RAISES ValueError: a component is not there, or no NER that can be combined.
    """
    paths = {str(path): source for source, path in config["paths"].items()}
    base = next(iter(sources))
    collecting = Language.get_factory_meta("ner_candidates_v2").default_config
    origins: dict[str, Origin] = {}
    for component in config["nlp"]["pipeline"]:
        settings = config["components"].get(component, {})
        if "source" in settings:
            source = paths.get(str(settings["source"]), "")
            if not source:
                raise ValueError(
                    f"{name}: {component} is of {settings['source']}, which is not "
                    "among [paths]; name it there"
                )
            if misplaced := ", ".join(collecting.keys() & settings.keys()):
                raise ValueError(
                    f"{name}: [components.{component}] has {misplaced}, which belongs "
                    "to what collects the entities of a NER (factory ner_candidates_v2)"
                    f": write it there, as in configs/resolved.cfg; {PRIORITY} in it "
                    "lets the NERs go in this order"
                )
            if unknown := ", ".join(settings.keys() - {*TAKEN}):
                raise ValueError(
                    f"{name}: [components.{component}] has {unknown}, but of what is "
                    f"taken from a source can be said only {', '.join(TAKEN)}"
                )
            origin = _find(component, settings, sources[source], source)
            _check_taken(origin, sources[source], name, base=source == base)
            # those of the core stay where they are
            isolated = origin.isolated and source != base
            origins[component] = replace(origin, isolated=isolated)
    if base not in {origin.source for origin in origins.values()}:
        raise ValueError(
            f"{name}: nlp.pipeline takes nothing from {base}, so nothing tells where "
            "the components stand; name its NER"
        )
    return origins


def _find(name: str, settings: Mapping[str, Any], nlp: Language, source: str) -> Origin:
    """Find what a config takes of a source: a component, or all that finds entities.

    Where the config names no component and the source has none of that name, it is all.
    What is no NER of spaCy, or several in one, keeps a pipeline of its own.
    """
    own = name if name in nlp.component_names else None
    if named := settings.get("component", own):
        ner = named not in nlp.pipe_names or is_transition_based(nlp.get_pipe(named))
        return Origin(source, named, isolated=not ner)
    last = finder(nlp)
    single = [*proposers(nlp)] == [last] and is_transition_based(nlp.get_pipe(last))
    return Origin(source, last, isolated=not single)


def _check_taken(origin: Origin, nlp: Language, name: str, *, base: bool) -> None:
    component, source = str(origin.component), origin.source
    if component not in nlp.pipe_names:
        state = "is disabled" if component in nlp.disabled else "is not there"
        raise ValueError(
            f"{name}: the component {component!r} of {source} {state} (it has "
            f"{', '.join(nlp.pipe_names) or 'none'}); correct `component`, or enable it"
        )
    factory = nlp.get_pipe_meta(component).factory
    if not writes_ents(nlp, component) and (base or not group_of(nlp, component)):
        raise ValueError(
            f"{name}: {component!r} of {source} writes no entities, as its factory "
            f"{factory!r} assigns no doc.ents; take {' or '.join(proposers(nlp))}, and "
            "what is found beside it from a source of its own"
        )


def _isolate(sources: Sources, origins: Origins) -> dict[str, Origin]:
    """Mark the NERs that need a pipeline of their own.

    Those are not that are served by the core's vocab, tokenizer and sentence starts.
    """
    base, core = next(iter(sources.items()))
    at = next(o.component for o in origins.values() if o.source == base)
    marked = dict(origins)
    for name, origin in origins.items():
        if origin.source != base:
            home = View(sources[str(origin.source)], str(origin.component))
            if origin.isolated:
                reasons = [f"{', '.join(proposers(home.nlp))} to find entities"]
            else:
                reasons = other_features(core, home, at=at)
            if reasons == [OTHER_STARTS] and _hears(View(core, str(at)), home):
                msg.info(
                    f"{name} shares what it listens to with {base}, and is kept from "
                    f"the sentence starts of {base}"
                )
                reasons = []
            if reasons:
                marked[name] = replace(origin, isolated=True)
                msg.info(
                    f"{name} keeps a pipeline of its own inside the combination, since "
                    f"{origin.source} has {', '.join(reasons)}"
                )
            # an isolated NER brings along what stands before it
            taken = {o.component for o in origins.values() if o.source == origin.source}
            taken |= set(home.before) if reasons else set()
            if rest := sorted(set(proposers(home.nlp)) - taken):
                msg.warn(
                    f"{origin.source}: {', '.join(rest)} proposes entities too, but is "
                    "not taken along",
                    "If you need it, add it to the combination, behind the NERs.",
                )
    return marked


def _hears(here: View, home: View) -> bool:
    """Tell whether a NER without sentence starts hears the core's tok2vec at home."""
    heard = {*home.heard().values()}
    plain = home.nlp.get_pipe_meta(home.name).factory == "ner"
    return (
        bool(heard)
        and plain
        and not start_setters(home)
        and all(is_heard(here, home.nlp, upstream) for upstream in heard)
    )


def combine(config: Config, sources: Sources, origins: Origins, name: str) -> None:
    """Put the components of a config into the core, at its NER.

    config: interpolated, as `assemble` takes it.
    origins: where the sourced components come from.
    name: what to call the config in an error.
    RAISES ValueError: the core has a component of the config's names already, the
        config takes the core's own components in another order, or one of the others
        cannot be made of its block.
    """
    base, nlp = next(iter(sources.items()))
    ours = list(config["nlp"]["pipeline"])
    taken = {str(o.component): n for n, o in origins.items() if o.source == base}
    if both := sorted(set(nlp.component_names) - set(taken) & set(ours)):
        raise ValueError(
            f"{name}: {base} has a component {', '.join(both)} already; rename it in "
            "the config"
        )
    order = [taken[own] for own in nlp.component_names if own in taken]
    if order != [component for component in ours if component in order]:
        raise ValueError(
            f"{name}: {', '.join(taken)} stand in another order in {base}; keep its "
            "order in nlp.pipeline"
        )
    for own, component in taken.items():
        if own != component:
            nlp.rename_pipe(own, component)
    for at, component in enumerate(ours):
        following = next((n for n in ours[at:] if n in order), None)
        place = {"before": following} if following else {"after": ours[at - 1]}
        if component not in order:
            settings = dict(config["components"][component])
            with blaming(f"{name}: [components.{component}] is unsound"):
                _add(nlp, component, settings, origins.get(component), sources, place)


def _add(
    nlp: Language,
    name: str,
    settings: dict[str, Any],
    origin: Origin | None,
    sources: Sources,
    place: dict[str, Any],
) -> None:
    """Add a component as its block in the config says."""
    if origin is None:
        nlp.add_pipe(settings.pop("factory"), name=name, config=settings, **place)
    elif origin.isolated:
        own: dict[str, Any] = {"ner": origin.component}
        pipe: Any = nlp.add_pipe("isolated_ner_v2", name=name, config=own, **place)
        pipe.load(settings["source"])
        _slim(pipe.nlp, pipe.ner)
    else:
        source, component = sources[str(origin.source)], str(origin.component)
        here, home = View(nlp, *place.values()), View(source, component)
        for upstream in {*home.heard().values()}:
            # where it is the very same, it is shared
            if not is_heard(here, source, upstream):
                listeners = settings.get("replace_listeners", [])
                source.replace_listeners(upstream, component, listeners)
        if starts_differ(here, home):
            told = source.get_pipe_config(component)
            own = {key: told[key] for key in ("model", "scorer")}
            pipe = nlp.add_pipe("startless_ner_v1", name=name, config=own, **place)
            pipe.from_bytes(source.get_pipe(component).to_bytes(exclude=["vocab"]))
        else:
            nlp.add_pipe(component, source=source, name=name, **place)


def _slim(nlp: Language, ner: str) -> None:
    """Leave out of an isolated NER's pipeline what the NER does not depend on.

    What remains tells nothing of where and on what it was trained.
    """
    for name in left_out(nlp, Keep.sentences, ner):
        nlp.remove_pipe(name)
    # what is not spaCy's own may look at them without telling
    known = all(type(pipe).__module__.startswith("spacy.") for _, pipe in nlp.pipeline)
    if known and not any(uses_vectors(View(nlp, name)) for name in nlp.pipe_names):
        nlp.vocab.reset_vectors(width=0)
    _forget_training(nlp)
    nlp.meta.clear()


def _forget_training(nlp: Language) -> None:
    """Leave only what makes the pipeline in its config."""
    nlp.config.update({section: DEFAULT_CONFIG[section].copy() for section in TRAINING})
    nlp.config.pop("pretraining", None)


def _read(path: Path) -> Config:
    """Read a config and check that its sources are there."""
    config = read_config(path).interpolate()
    check_pipeline(config, str(path))
    if not config.get("paths"):
        raise ValueError(f"{path}: there is no source in [paths]")
    for name, folder in config["paths"].items():
        if not Path(str(folder), "config.cfg").is_file():
            raise ValueError(
                f"{path}: {name} = {folder} is no pipeline; run the command `sources`, "
                "or correct the path"
            )
    return config


def main(
    pipelines: Annotated[Path, typer.Argument(help="Where the combinations go")],
    configs: Annotated[list[Path], typer.Argument(help="Their configs")],
    keep: Annotated[
        Keep, typer.Option(help="Build such as keep only so much, too: NAME_entities")
    ] = Keep.all,
) -> None:
    """Assemble combinations, each into the folder named as its config.

    Those that keep less are built beside the whole ones, and follow them when these
    change.
    """
    for config in configs:
        built: dict[Path, list[str]] = {}
        with together():
            for wanted in Keep:
                output = pipelines / lane(config.stem, wanted)
                if wanted not in (Keep.all, keep) and not output.exists():
                    continue
                try:
                    built[output] = assemble(config, output, wanted)
                except ValueError as error:
                    msg.fail(f"{output} was not assembled", str(error), exits=1)
        for output, names in built.items():
            msg.good(f"{output}: {' -> '.join(names) or 'nothing changed'}")


if __name__ == "__main__":
    typer.run(guarded(main))
