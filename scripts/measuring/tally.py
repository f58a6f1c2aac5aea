"""Conflicts counted by the labels that collide, with examples of each."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

EXAMPLES = 10


class Tally:
    """Counts conflicts; all but the examples is as large as there are labels."""

    def __init__(self) -> None:
        """Begin with none."""
        self.groups: dict[str, dict[str, Any]] = {}
        self.dropped: Counter[str] = Counter()

    def add(
        self,
        labels: Iterable[str],
        kept: Mapping[str, Sequence[tuple[str, str]]],
        **example: Any,
    ) -> None:
        """Count a conflict.

        labels: of all that collides.
        kept: by policy the text and label of what it keeps.
        example: what shows the conflict to a person.
        """
        new: dict[str, Any] = {"count": 0, "examples": []}
        new["winners"] = {policy: Counter() for policy in kept}
        group = self.groups.setdefault(" / ".join(sorted({*labels})), new)
        group["count"] += 1
        for policy, own in kept.items():
            group["winners"][policy].update({label for _, label in own})
        if len(group["examples"]) < EXAMPLES:
            won = {
                policy: [" ".join(one) for one in own] for policy, own in kept.items()
            }
            group["examples"].append({**example, "winners": won})

    def report(self, texts: int) -> dict[str, Any]:
        """Put together what was counted, the most frequent labels first.

        texts: how many were looked at.
        """
        return {
            "texts": texts,
            "conflicts": sum(group["count"] for group in self.groups.values()),
            "pairs": dict(sorted(self.groups.items(), key=_by_count)),
            "dropped": dict(self.dropped.most_common()),
        }


def _by_count(group: tuple[str, dict[str, Any]]) -> tuple[int, str]:
    return -group[1]["count"], group[0]
