"""What sets the ways to combine apart, before anybody annotates anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from common.lanes import Keep, keep_of
from common.meta import Entry
from common.ners import rename
from measuring.agreement import agreement
from measuring.disagreements import disagreements
from measuring.exposure import exposed
from measuring.runs import Run, made_of
from measuring.scores import Entities, Entity, resample

# so little may change of what a source finds where it meets no other
TOLERATED = 0.02


def compare_ways(
    sources: Mapping[str, Run],
    combinations: Mapping[str, Run],
    texts: Sequence[Doc],
    *,
    ledger: Mapping[str, Entry],
    test: Path,
    draws: int,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Compare what the combinations find with what their sources do, and each other.

    sources, combinations: as they ran on the texts.
    ledger: what is recorded of the sources.
    test: the annotated text that F is measured on.
    draws: of the bootstrap.
    RETURNS: the number of texts that were read for that (`texts_read`); by combination,
        in `ways`, the `agreement` with each source, what it `keeps` of the one that it
        agrees with least, by source the labels that it has `renamed` (to None: dropped)
        and is compared by, the sources whose labels it was `exposed` to, whether it is
        `comparable` with the others, and besides `advisable`, as what each source finds
        alone is kept, and the `curve` of its training; and the number of `places` that
        advisable ones decide differently. Then the records of `disagreements` among
        those that are comparable.
    """
    labels = {name: run.known for name, run in sources.items()}
    found = {name: run.predicted for name, run in sources.items()}
    drawn = resample(len(texts), draws=draws)
    made = {name: made_of(run.nlp) for name, run in combinations.items()}
    # what keeps less of the core is no other way to combine
    whole = [n for n, run in combinations.items() if keep_of(run.nlp.meta) == Keep.all]
    taught = exposed({name: made[name] for name in whole}, ledger, test)
    ways: dict[str, dict[str, Any]] = {}
    for name, run in combinations.items():
        agreed = agreement(
            run.predicted,
            {source: _called(own, run, source) for source, own in found.items()},
            {source: run.called(source, own) for source, own in labels.items()},
            texts=texts,
            drawn=drawn,
        )
        shares = [own["collateral"]["agreement"] for own in agreed.values()]
        keeps = min((share for share in shares if share is not None), default=None)
        kept = keeps is None or keeps >= 1 - TOLERATED
        # other labels are another task
        comparable = name in whole and not taught[name] and not run.renamed
        ways[name] = {
            "agreement": agreed,
            "keeps": keeps,
            "renamed": run.renamed if name in whole else {},
            "exposed": taught.get(name, []),
            "comparable": comparable,
            "advisable": comparable and kept,
            "curve": made[name].curve if name in whole else [],
        }
    compared = {
        name: run.predicted
        for name, run in combinations.items()
        if ways[name]["comparable"]
    }
    advisable = [name for name in compared if ways[name]["advisable"]]
    records, places = disagreements(texts, compared, advisable)
    return {"texts_read": len(texts), "ways": ways, "places": places}, records


def _called(found: Sequence[Entities], run: Run, source: str) -> list[set[Entity]]:
    """Call what a source finds as a combination calls it; leave out what it drops."""
    return [rename(ents, run.renamed.get(source, {})) for ents in found]
