"""A NER that goes on learning, and is its own teacher for what it knew before.

It is for training only; what has learned is saved as the ordinary `ner` that it was.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.scorer import PRFScore
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import registry
from thinc.api import NumpyOps

from common.ners import Entity, entity
from training.merging import is_gold

Array = NDArray[Any]


class TaughtNER(EntityRecognizer):
    """Learns new labels from the text, and all else from the NER that it was.

    At each step of a text the teacher tells how probable each action is. Where the
    right action has a new label the text is followed instead, and so it is in texts
    that a person has annotated with the old labels. This is distillation (Hinton,
    Vinyals and Dean 2015, Distilling the Knowledge in a Neural Network), used to learn
    without forgetting (Li and Hoiem 2016, Learning without Forgetting): probabilities
    tell more of a teacher than its entities do.
    """

    def __init__(
        self, ner: EntityRecognizer, labels: Iterable[str], *, source: str, lost: float
    ) -> None:
        """Go on with a NER that spaCy has prepared to be trained further.

        labels: those that it has to know in the end.
        source, lost: see `keep_what_was_known`.
        """
        super().__init__(ner.vocab, ner.model, ner.name, ner.moves)
        self.cfg = ner.cfg
        self.teacher: Any = ner._rehearsal_model
        self.known, self.actions = {*ner.labels}, ner.moves.n_moves
        self.source, self.lost = source, lost
        # what the teacher makes of the texts of a batch
        self.taught: Any = None
        # spaCy adds labels when it meets them, when averages have a shape already
        for label in sorted(labels):
            self.add_label(label)

    def update(self, examples: Iterable[Example], **settings: Any) -> dict[str, float]:
        """Learn from the examples."""
        gold: list[Example] = []
        taught: list[Example] = []
        for example in examples:
            own = is_gold(example.reference, self.source)
            (gold if own else taught).append(example)
        for part, teacher in ((gold, None), (taught, self.teacher)):
            if part:
                texts = [example.x for example in part]
                self.taught = teacher.predict(texts) if teacher else None
                super().update(part, **settings)
        return dict(settings.get("losses") or {})

    def get_batch_loss(
        self, states: Sequence[Any], golds: Sequence[Any], scores: Array, losses: Any
    ) -> Array:
        """Compute the gradient of the scores, (states, actions).

        spaCy's is the probability of each action that is possible, less that of the
        right ones. The teacher's probabilities take their place.
        """
        gradient: Array = super().get_batch_loss(states, golds, scores, losses)
        if self.taught is None:
            return gradient
        possible = gradient != 0
        known = possible[:, : self.actions]
        teaches = known.any(axis=1) & (gradient.argmin(axis=1) < self.actions)
        wanted = np.zeros_like(gradient)
        wanted[:, : self.actions] = _probabilities(
            self.taught.predict([*states]), known
        )
        ours = _probabilities(scores, possible)
        gradient[teaches] = ((ours - wanted) * possible)[teaches]
        return gradient

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score what was kept, what was learned, and how good a choice that is.

        RETURNS: `kept`, the F of the labels that it knew before, outside of new
            entities, in a text that has them as the teacher finds them; `learned`, the
            F of the new ones; and `kept_and_learned`, which is `learned` where no more
            than `lost` is lost of what was known, or else below 0.
        """
        kept, learned = PRFScore(), PRFScore()
        for example in examples:
            new, old = self._entities(example.reference)
            ours_new, ours = self._entities(example.predicted)
            taken = {at for start, end, _ in new for at in range(start, end)}
            own = {ent for ent in ours if taken.isdisjoint(range(*ent[:2]))}
            kept.score_set(own, old)
            learned.score_set(ours_new, new)
        enough = kept.fscore >= 1 - self.lost
        choice = learned.fscore if enough else kept.fscore - 1
        return {
            "kept": kept.fscore,
            "learned": learned.fscore,
            # before the first step all is kept
            "kept_and_learned": choice if learned.tp else -1.0,
        }

    def _entities(self, doc: Doc) -> tuple[set[Entity], set[Entity]]:
        """Collect the entities with labels that are new, and with those it knew."""
        ents = {entity(ent) for ent in doc.ents}
        known = {ent for ent in ents if ent[2] in self.known}
        return ents - known, known


def _probabilities(scores: Array, possible: Array) -> Array:
    return NumpyOps().softmax(np.where(possible, scores, np.float32(-1e9)))


@registry.callbacks("keep_what_was_known.v1")
def keep_what_was_known(
    text: str, source: str, lost: float
) -> Callable[[Language], None]:
    """Make a callback after which a sourced NER is taught by what it was.

    It is for `[initialize] after_init`.

    text: the merged text to learn from; its labels are those to know.
    source: whose labels the NER knows.
    lost: the most, from 0 to 1, that the F of what it knew may fall; see `score`.
    """

    def swap(nlp: Language) -> None:
        docs = DocBin().from_disk(Path(text)).get_docs(nlp.vocab)
        labels = {ent.label_ for doc in docs for ent in doc.ents}
        # those too that spaCy has disabled meanwhile, as they need no initialization
        for at, (name, pipe) in enumerate(nlp.components):
            if isinstance(pipe, EntityRecognizer) and pipe._rehearsal_model:
                ner = TaughtNER(pipe, labels, source=source, lost=lost)
                nlp._components[at] = name, ner

    return swap
