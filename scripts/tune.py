"""Choose the policy of a combination, and the temperatures of its NERs' scores.

python scripts/tune.py pipelines/resolved corpus/joint_dev.spacy configs/resolved.cfg \
    metrics/tuning.json --sources sources
"""

from common.running import guarded

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from common.annotation import read_gold
from common.configs import parse_config
from common.files import together, write_json, write_text
from common.inputs import named_json, read_text
from common.meta import identity
from common.ners import (
    Entity,
    entity,
    labels_of,
    load,
    read_ledger,
    rename,
    rename_labels,
    renamed_in_gold,
)
from measuring.calibration import KeptLogits
from measuring.conflicts import Resolver, find_resolver
from measuring.gold import annotated_labels
from measuring.policies import Undecided
from measuring.runs import made_of
from measuring.scores import f_of_draws, interval, of_labels, resample, score
from measuring.settings import write
from measuring.trials import trials
from ner_components import proposers

# of the bootstrap
DRAWS = 1000
# how many labels and NERs are listed
SHOWN = 5
SOURCES = Path("sources")


def tune(resolver: Resolver, gold: Sequence[Doc]) -> dict[str, Any]:
    """Try policies on the candidates of a combination, which are collected once.

    Scores are calibrated first, by one temperature for each NER that minimises the log
    loss of its candidates being right (Guo et al. 2017, On Calibration of Modern Neural
    Networks).

    What is built stays unless the best policy is better by more than chance: few
    conflicts decide, and of many policies one is the best by luck.

    gold: docs with entities of all NERs' labels.
    RETURNS: `chosen` (a config block), the `micro_f` of the best, that of the policy
        `as_built`, and the `interval` that their difference lies in (95%, paired
        bootstrap); `tried` (policies, each with its micro F) and why others are
        `untried`; by NER `calibration` (temperature and expected calibration error
        before and after), or why it is `uncalibrated`.
    RAISES ValueError: a NER has no entity in `gold`.
    """
    resolve = resolver.resolve
    proposing = proposers(resolver.nlp)
    labels = {ner: set(proposing.get(ner, ())) for ner in resolve.components}
    names = renamed_in_gold(resolver.nlp)
    entities = [rename(map(entity, doc.ents), names) for doc in gold]
    check_labels(entities, labels)
    # what no component can find is no policy's fault
    known = labels_of(resolver.nlp)
    looked = [rename_labels(own, names) & known for own in annotated_labels(gold)]
    right = of_labels(entities, looked)
    kept = {}
    for ner, scorer in resolver.scorers().items():
        scorer.logits = kept[ner] = KeptLogits(scorer.logits)
    docs = list(resolver.collect(doc.text for doc in gold))
    calibration, uncalibrated = {}, {}
    for ner in resolve.components:
        if ner not in kept:
            uncalibrated[ner] = "it has no scores"
        elif numbers := kept[ner].calibrate(
            resolver.collectors[ner][1], docs, right, looked
        ):
            calibration[ner] = numbers
        else:
            uncalibrated[ner] = "it found nothing in these texts"
    undecided = Undecided(resolve, docs, right, looked)
    built = resolver.nlp.get_pipe_config(resolver.name)["policy"]
    as_built = undecided.counts(resolve.policy)
    tried = [(score(as_built)["f"] or 0.0, built, as_built)]
    unsure = resolver.without_scores()
    scores = bool(kept) and not unsure
    found = trials(undecided, labels, scores=scores)
    for policy, counts in tqdm(
        found, "policies", unit="policy", disable=None, leave=False
    ):
        block = {"@misc": f"ner_policy.{policy.name}.v1", **asdict(policy)}
        tried.append((score(counts)["f"] or 0.0, block, counts))
    micro_f, best, counts = max(tried, key=itemgetter(0))
    drawn = resample(len(gold), draws=DRAWS)
    draws = [f_of_draws(drawn @ own) for own in (counts, as_built)]
    gain = interval(draws[0] - draws[1])
    return {
        "texts": len(gold),
        "conflicts": len(undecided.conflicts),
        "chosen": best if (gain[0] or 0) > 0 else built,
        "micro_f": micro_f,
        "as_built": tried[0][0],
        "interval": gain,
        "tried": [{"micro_f": f, "policy": block} for f, block, _ in tried],
        "untried": {"score": f"{_listed({*unsure})} cannot tell how sure it is"}
        if unsure
        else {},
        "calibration": calibration,
        "uncalibrated": uncalibrated,
    }


def check_labels(gold: Sequence[set[Entity]], labels: Mapping[str, set[str]]) -> None:
    """Refuse text that was not annotated with the labels of all NERs.

    Each entity that such a text lacks would count as a mistake of the NER that finds
    it, so that NER would lose every conflict.

    labels: by NER.
    RAISES ValueError: there is no entity, or none of the labels of one NER.
    """
    annotated = {label for entities in gold for *_, label in entities}
    if not annotated:
        raise ValueError(
            "there is no entity in the annotated text; give text of your own, with the "
            "labels of all NERs, with --vars.dev"
        )
    for name, own in labels.items():
        others = set().union(*(labels[other] for other in labels if other != name))
        # a label that others have too does not tell whose it is
        needed = own - others or own
        if needed and not needed & annotated:
            raise ValueError(
                f"the annotated text has no entity of the labels of {name} "
                f"({_listed(needed)}), only of {_listed(annotated)}; choose by text "
                "that is annotated with the labels of all NERs"
            )


def _listed(labels: set[str]) -> str:
    first = ", ".join(sorted(labels)[:SHOWN])
    return f"{first} and {len(labels) - SHOWN} more" if len(labels) > SHOWN else first


def read_config(path: Path, resolver: Resolver) -> str:
    """Read the text of the config that a pipeline was made by.

    RAISES ValueError: it is missing, invalid, or the config of another pipeline.
    """
    text = read_text(path)
    components = parse_config(text, str(path)).interpolate().get("components", {})
    names = [resolver.name, *(name for name, _ in resolver.collectors.values())]
    missing = [n for n in names if not isinstance(components.get(n), dict)]
    if not missing:
        ners = components[resolver.name].get("components")
        missing = [] if ners == resolver.resolve.components else [*resolver.collectors]
    if missing:
        raise ValueError(
            f"{path} is the config of another pipeline: it lacks {', '.join(missing)}"
        )
    return text


def write_choice(
    text: str,
    name: str,
    resolver: Resolver,
    result: Mapping[str, Any],
    tuned_for: Mapping[str, str],
) -> str:
    """Write the policy, the temperatures and the sources into a config's text.

    name: what to call the config in an error.
    RAISES ValueError: it cannot be changed as it is written.
    """
    wanted = parse_config(text, name)
    components = wanted["components"]
    there = wanted.interpolate()["components"][resolver.name].get("policy")
    if there != result["chosen"]:
        components[resolver.name]["policy"] = result["chosen"]
        section = f"components.{resolver.name}.policy"
        text = write(text, section, result["chosen"], alone=True)
    for ner, numbers in result["calibration"].items():
        collector, _ = resolver.collectors[ner]
        setting = {"temperature": numbers["temperature"]}
        components[collector].update(setting)
        text = write(text, f"components.{collector}", setting, alone=False)
    wanted["tuned_for"] = dict(tuned_for)
    text = write(text, "tuned_for", tuned_for, alone=True)
    try:
        is_wanted = parse_config(text, name) == wanted
    except ValueError:
        is_wanted = False
    if not is_wanted:
        raise ValueError(
            f"{name} cannot be changed as it is written; give each component and its "
            "policy a section of its own"
        )
    return text


def find_sources(resolver: Resolver, sources: Path) -> dict[str, str]:
    """Return what tells the sources that a pipeline was made from, by name.

    RAISES ValueError: there are no sources yet.
    """
    ledger = read_ledger(sources)
    made_from = made_of(resolver.nlp).made_from
    now = {name: entry["sha256"] for name, entry in ledger.items()}
    other = [n for n in made_from if n in now and now[n] != made_from[n]]
    if other:
        msg.warn(
            f"The pipeline was made from another {', '.join(other)} than there is in "
            f"{sources} now; run `assemble`, then `tune` again"
        )
    return {n: made_from[n] if n in other else identity(ledger[n]) for n in ledger}


def main(
    pipeline: Annotated[Path, typer.Argument(help="A combination with a policy")],
    gold: Annotated[Path, typer.Argument(help="Text with all NERs' labels, .spacy")],
    config: Annotated[Path, typer.Argument(help="The config to write the choice to")],
    report: Annotated[
        Path, typer.Argument(help="All that was tried, JSON", callback=named_json)
    ],
    sources: Annotated[Path, typer.Option(help="The source pipelines")] = SOURCES,
) -> None:
    """Choose the policy of a combination, and the temperatures of its NERs' scores."""
    try:
        docs = read_gold(gold)
        resolver = find_resolver(load(pipeline))
        text = read_config(config, resolver)
        tuned_for = find_sources(resolver, sources)
        result = tune(resolver, docs)
        text = write_choice(text, str(config), resolver, result, tuned_for)
    except ValueError as error:
        msg.fail(f"Nothing was chosen for {pipeline} by {gold}", str(error), exits=1)
    with together():
        write_json(report, result)
        write_text(config, text)
    lines = [
        f"{ner}: temperature {numbers['temperature']}, calibration error "
        f"{numbers['ece_before']:.3f} -> {numbers['ece_after']:.3f}"
        for ner, numbers in result["calibration"].items()
    ]
    lines += [f"{n}: no temperature, as {r}" for n, r in result["uncalibrated"].items()]
    untried = [f"{n}: not tried, as {r}" for n, r in result["untried"].items()]
    lines = [*lines[:SHOWN], *untried]
    print("\n".join(lines))
    low, high = (100 * bound for bound in result["interval"])
    msg.good(
        f"{config}: {result['chosen']['@misc']}. The best of {len(result['tried'])} "
        f"has micro F {100 * result['micro_f']:.2f}, that as built "
        f"{100 * result['as_built']:.2f} (difference {low:+.2f} to {high:+.2f}) on "
        f"{result['texts']} texts with {result['conflicts']} conflicts; run `assemble` "
        "to build it"
    )


if __name__ == "__main__":
    typer.run(guarded(main))
