"""Assemble a combination: the whole core pipeline, and the drug NER where told.

python scripts/assemble.py configs/drug_first.cfg pipelines/drug_first
"""

import shutil
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.training.initialize import get_sourced_components
from spacy.util import load_config, load_model_from_config
from thinc.api import Config
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)
from causes import set_starts, vectors_differ
from components import Resolve
from folders import replacing
from views import home_view


def assemble(config_path: Path, output: Path) -> Language:
    """Build a combination from its config and write it to `output`.

    The config decides which components stand where the core's `ner` stood; all other
    components of the core, its tokenizer, vectors and lookups are kept around them.

    RETURNS: the combination, loaded anew from `output`.
    RAISES ValueError: a source is missing, the core has no `ner`, or the config's names
        and the core's collide. `output` is then left as it was.
    """
    config = load_config(config_path).interpolate()
    core = Path(config["paths"]["core"])
    for name, path in config["paths"].items():
        if not Path(path, "config.cfg").is_file():
            raise ValueError(
                f"{config_path}: {name} = {path} is no pipeline; run the command "
                "`sources`, or correct the path"
            )
    full = complete(config, load_config(core / "config.cfg"), str(config_path))
    isolated = isolate(full, spacy.load(core), spacy.load(config["paths"]["drugs"]))
    nlp = load_model_from_config(full, auto_fill=True)
    for name in isolated:
        nlp.get_pipe(name).load(config["paths"]["drugs"])
    sourced = get_sourced_components(full.interpolate())
    nlp._link_components()
    with nlp.select_pipes(disable=[*sourced]):
        nlp.initialize()
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, Resolve):
            pipe.validate(nlp)
    # what it was built from is told by its meta, not by paths of this machine
    for name in config["paths"]:
        nlp.config["paths"].pop(name)
    nlp.config["initialize"]["before_init"] = None
    nlp.meta.update(describe(config_path.stem, full["nlp"]["pipeline"], core))
    with replacing(output) as folder:
        nlp.to_disk(folder)
        for file in core.glob("LICENSE*"):
            shutil.copy(file, folder)
        return spacy.load(folder)


def complete(config: Config, core: Config, name: str) -> Config:
    """Put the core's other components around those of the config, at its `ner`.

    config: has `paths.core`, and in `nlp.pipeline` what takes the place of `ner`.
    core: the config of the core pipeline.
    name: what to call `config` in an error.
    RETURNS: a new config of the whole combination.
    RAISES ValueError: the core has no `ner`, or a component of the config's names.
    """
    there, ours = list(core["nlp"]["pipeline"]), list(config["nlp"]["pipeline"])
    source = config["paths"]["core"]
    if "ner" not in there:
        raise ValueError(
            f"{source}: the core has no component 'ner' (it has {', '.join(there)})"
        )
    if both := sorted(set(there) & set(ours) - {"ner"}):
        raise ValueError(
            f"{name}: the core has a component {', '.join(both)} already; rename it "
            "in the config"
        )
    at = there.index("ner")
    full = config.copy()
    full["nlp"] = {
        **config["nlp"],
        **core["nlp"],
        "pipeline": [*there[:at], *ours, *there[at + 1 :]],
    }
    for kept in set(there) - {"ner"}:
        full["components"][kept] = {"source": source}
    return full


def isolate(config: Config, core: Language, drugs: Language) -> list[str]:
    """Give the drug NER a pipeline of its own in `config`, where it needs one.

    RETURNS: the names of the components so changed; none if the core's vocab,
        tokenizer and sentence starts serve both.
    """
    reasons = why_isolated(core, drugs)
    names = []
    for name, component in config["components"].items():
        if reasons and component.get("source") == config["paths"]["drugs"]:
            ner = component.get("component", name)
            config["components"][name] = {"factory": "isolated_ner", "ner": ner}
            names.append(name)
            msg.info(
                f"{name} keeps a pipeline of its own inside the combination, since "
                f"its source has {', '.join(reasons)}"
            )
    return names


def why_isolated(core: Language, drugs: Language) -> list[str]:
    """Tell what would make the NER of `drugs` see other features in `core`."""
    view = home_view(drugs)
    reasons = []
    rules = [nlp.tokenizer.to_bytes(exclude=["vocab"]) for nlp in (core, drugs)]
    if rules[0] != rules[1]:
        reasons.append("another tokenizer")
    norms = [nlp.vocab.lookups.get_table("lexeme_norm", {}) for nlp in (core, drugs)]
    if dict(norms[0]) != dict(norms[1]):
        reasons.append("other norms (lexeme_norm)")
    if vectors_differ(core, view):
        reasons.append("other vectors")
    if set_starts(home_view(core)) or set_starts(view):
        reasons.append("other sentence starts")
    return reasons


def describe(
    name: str,
    pipeline: list[str],
    core: Path,
    *,
    ners: str = "the NER of {drugs} in it",
) -> dict[str, Any]:
    """Write the part of meta.json that a person reads.

    core: the core pipeline; beside it lies sources.json.
    ners: what was done to the core; `{drugs}` stands for the drug pipeline.
    """
    ledger = core.parent / "sources.json"
    sources = srsly.read_json(ledger) if ledger.exists() else {}
    names = {role: f"{s['name']} {s['version']}" for role, s in sources.items()}
    licenses = sorted({s["license"] for s in sources.values() if s["license"]})
    return {
        "name": name,
        "description": f"{names.get('core', 'The core')} with "
        f"{ners.format(drugs=names.get('drugs', 'the drug pipeline'))}: "
        f"{' -> '.join(pipeline)}",
        "license": " and ".join(licenses),
        # spaCy's schema wants plain strings here
        "sources": [{**s, "labels": ", ".join(s["labels"])} for s in sources.values()],
    }


def main(
    config: Annotated[Path, typer.Argument(help="The combination's config")],
    output: Annotated[Path, typer.Argument(help="Where the combination goes")],
) -> None:
    """Assemble a combination: the whole core pipeline, and the drug NER where told."""
    try:
        nlp = assemble(config, output)
    except ValueError as error:
        msg.fail(f"{output} was not assembled", str(error), exits=1)
    msg.good(f"{output}: {' -> '.join(nlp.pipe_names)}")


if __name__ == "__main__":
    typer.run(main)
