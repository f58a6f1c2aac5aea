"""Entities as HTML, drawn by displaCy, with the same colours everywhere.

Whatever comes from a text, a pipeline or a file is escaped here, labels too, which
displaCy leaves as they are. `displacy.render` keeps what it drew last in a variable of
its module, where another visitor's thread finds it: so only its renderer is used.
"""

from collections.abc import Collection, Iterable, Sequence
from html import escape
from zlib import crc32

from spacy.displacy.render import DEFAULT_LABEL_COLORS, EntityRenderer, SpanRenderer
from spacy.tokens import Doc, Span
from spacy_streamlit.util import get_html

from page.differences import Difference, Entity

# dark on pastel, whatever the theme is
TEMPLATE = (
    '<mark class="entity {kind}" style="background: {bg}; color: #1b1b1f; '
    "padding: 0.3em 0.5em; margin: 0 0.15em; line-height: 1.2; border-radius: 0.35em; "
    'display: inline-block; max-width: 100%; overflow-wrap: anywhere; {style}">{text} '
    '<span style="font-size: 0.75em; font-weight: bold; margin-left: 0.3em">{label}'
    "</span></mark>"
)
# by shape and not by colour alone
DIFFERS = "border: 3px solid #d3184a"
SIGN = " ≠"


def color(label: str) -> str:
    """Choose the background of a label: displaCy's, or one that follows from it."""
    return DEFAULT_LABEL_COLORS.get(
        label, f"hsl({crc32(label.encode()) % 360} 75% 80%)"
    )


def draw(
    text: str, ents: Sequence[Entity], differences: Collection[Difference] = ()
) -> str:
    """Draw a text with its entities in a frame.

    differences: to other pipelines; the entities there are marked.
    """
    spans = []
    for ent in ents:
        marked = any(other.start <= ent.start < other.end for other in differences)
        params = _params(ent, marked)
        offsets = {"start": ent.start, "end": ent.end, "label": ent.label}
        spans.append({**offsets, "params": params})
    renderer = EntityRenderer({"template": TEMPLATE})
    return get_html(renderer.render_ents(text, spans, None))


def draw_spans(doc: Doc, spans: Iterable[Span]) -> str:
    """Draw a doc with spans under its words, overlapping ones one below the other."""
    rows = [
        {
            "start_token": span.start,
            "end_token": span.end,
            "label": escape(span.label_),
        }
        for span in spans
    ]
    colors = {str(row["label"]): color(str(row["label"])) for row in rows}
    renderer = SpanRenderer({"colors": colors})
    words = [token.text for token in doc]
    return get_html(renderer.render_spans(words, rows, None))


def summarize(
    text: str, differences: Sequence[Difference], names: Sequence[str]
) -> str:
    """Put into one sentence what the pipelines do differently to a text.

    names: of all the pipelines.
    """
    if len(names) == 1:
        return f"<p>This is what <b>{escape(names[0])}</b> finds.</p>"
    if not differences:
        return f"<p>All {len(names)} pipelines find the same in this text.</p>"
    answers = [
        f"{_join(agreeing)} {'finds' if len(agreeing) == 1 else 'find'} "
        f"{' and '.join(_alone(text, ent) for ent in ents) or 'nothing there'}"
        for agreeing, ents in differences[0].answers
    ]
    count = len(differences)
    more = f" There are {count} such differences." if count > 1 else ""
    return f'<p style="line-height: 2.4">{", but ".join(answers)}.{more}</p>'


def _join(names: Sequence[str]) -> str:
    bold = [f"<b>{escape(name)}</b>" for name in names]
    return " and ".join(filter(None, [", ".join(bold[:-1]), bold[-1]]))


def _alone(text: str, ent: Entity) -> str:
    """Draw an entity without the text around it."""
    return TEMPLATE.format(text=escape(text[ent.start : ent.end]), **_params(ent))


def _params(ent: Entity, marked: bool = False) -> dict[str, str]:
    return {
        "label": escape(ent.label) + (SIGN if marked else ""),
        "bg": color(ent.label),
        "kind": "differs" if marked else "",
        "style": DIFFERS if marked else "",
    }
