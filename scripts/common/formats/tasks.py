"""Tasks of Label Studio's JSON export."""

from typing import Any


def read_task(task: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a record of a task; one that nobody has finished is to be ignored.

    RAISES ValueError: it is no such task, has not one text, or annotations that differ.
    """
    text = _text(task["data"], where)
    listed = task.get("annotations", task.get("completions"))
    if listed is None:
        others = {key: task[key] for key in task if key != "data"}
        return {**others, "text": text}
    try:
        done = [one for one in listed if not one.get("was_cancelled")]
        done = [one for one in done if one.get("ground_truth")] or done
        found = [_spans(one) for one in done]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{where}: its annotations are not as Label Studio has them ({error!r})"
        ) from None
    if any(spans != found[0] for spans in found):
        raise ValueError(
            f"{where}: it has {len(found)} annotations that differ; keep one, or mark "
            "one as ground truth"
        )
    own = {"spans": found[0]} if found else {"answer": "ignore"}
    return {"text": text, **own}


def _text(data: dict[str, Any], where: str) -> str:
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    if "text" in texts:
        return texts["text"]
    if len(texts) != 1:
        raise ValueError(
            f"{where}: which of its `data` is the text? Call it `text` "
            f"(it has {', '.join(data) or 'none'})"
        )
    return next(iter(texts.values()))


def _spans(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    """Collect the spans, in a fixed order; other results are left out."""
    values = [one["value"] for one in annotation["result"] if "value" in one]
    found = [
        {key: value[key] for key in ("start", "end", "text") if key in value}
        | {"label": label}
        for value in values
        if {"start", "end"} <= value.keys()
        # none is an empty one, so that it is missed
        for label in value.get("labels") or value.get("hypertextlabels") or [""]
    ]
    return sorted(found, key=str)
