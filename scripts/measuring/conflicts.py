"""What the NERs of a combination propose, before anything is decided."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ner_components import Candidates, Resolve


@dataclass(frozen=True)
class Resolver:
    """The component that decides in a pipeline, and those that collect for it.

    name: of the component. collectors: by NER, with their names.
    """

    nlp: Language
    name: str
    resolve: Resolve
    collectors: dict[str, tuple[str, Candidates]]

    def collect(self, texts: Iterable[str]) -> Iterator[Doc]:
        """Run what stands before, so that all is proposed; show how far that is."""
        before = self.nlp.pipe_names[: self.nlp.pipe_names.index(self.name)]
        with self.nlp.select_pipes(enable=before):
            docs = self.nlp.pipe(texts)
            yield from tqdm(docs, "texts", unit="text", disable=None, leave=False)

    def scorers(self) -> dict[str, Any]:
        """Collect, by NER, the `Confidence` that scores its entities, if any does."""
        scorers = {ner: pipe.confidence for ner, (_, pipe) in self.collectors.items()}
        return {ner: scorer for ner, scorer in scorers.items() if scorer}

    def without_scores(self) -> list[str]:
        """List the NERs of whose entities it is not known how sure they are."""
        collectors = self.collectors.items()
        return [ner for ner, (_, pipe) in collectors if not pipe.tells_scores]


def find_resolver(nlp: Language) -> Resolver:
    """Find what decides in a pipeline; the last component if several do.

    RAISES ValueError: nothing does, or the candidates of a NER are not collected.
    """
    deciding = [(n, pipe) for n, pipe in nlp.pipeline if isinstance(pipe, Resolve)]
    if not deciding:
        raise ValueError(
            "no component of the pipeline decides between candidates (factory "
            f"resolve_entities_v2); it has {', '.join(nlp.pipe_names) or 'none'}"
        )
    name, resolve = deciding[-1]
    collecting = [(n, pipe) for n, pipe in nlp.pipeline if isinstance(pipe, Candidates)]
    collectors = {pipe.component: (n, pipe) for n, pipe in collecting}
    if missing := [ner for ner in resolve.components if ner not in collectors]:
        raise ValueError(
            f"no component of the pipeline collects the candidates of "
            f"{', '.join(missing)} (factory ner_candidates_v2)"
        )
    collectors = {ner: collectors[ner] for ner in resolve.components}
    return Resolver(nlp, name, resolve, collectors)
