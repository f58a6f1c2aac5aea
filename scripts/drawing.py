"""Entities as HTML, drawn by displaCy, with the same colours everywhere.

Whatever comes from a text, a pipeline or a file is escaped here, labels too, which
displaCy leaves as they are. `displacy.render` keeps what it drew last in a variable of
its module, where another visitor's thread finds it: so only its renderer is used.
"""

from collections.abc import Collection, Sequence
from html import escape
from zlib import crc32

from spacy.displacy.render import DEFAULT_LABEL_COLORS, EntityRenderer
from spacy_streamlit.util import get_html

from differences import Entity, Place

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


def draw(text: str, ents: Sequence[Entity], places: Collection[Place] = ()) -> str:
    """Draw a text with its entities in a frame.

    places: where other pipelines differ; the entities there are marked.
    """
    return get_html(_render(text, ents, places))


def say(text: str, places: Sequence[Place], names: Sequence[str]) -> str:
    """Say in one sentence what the pipelines do differently to a text.

    names: of all the pipelines.
    """
    if len(names) == 1:
        return f"<p>This is what <b>{escape(names[0])}</b> finds.</p>"
    if not places:
        return f"<p>All {len(names)} pipelines find the same in this text.</p>"
    camps = [
        f"{_join(names)} {_verb(names)} {_list(text, ents)}"
        for names, ents in places[0].camps
    ]
    more = f" They differ in {len(places)} places." if len(places) > 1 else ""
    return f'<p style="line-height: 2.4">{", but ".join(camps)}.{more}</p>'


def _render(text: str, ents: Sequence[Entity], places: Collection[Place]) -> str:
    spans = []
    for ent in ents:
        marked = any(place.start <= ent.start < place.end for place in places)
        params = {
            "label": escape(ent.label) + (SIGN if marked else ""),
            "bg": color(ent.label),
            "kind": "differs" if marked else "",
            "style": DIFFERS if marked else "",
        }
        spans.append(
            {
                "start": ent.start,
                "end": ent.end,
                "label": ent.label,
                "params": params,
            }
        )
    return EntityRenderer({"template": TEMPLATE}).render_ents(text, spans, None)


def _join(names: Sequence[str]) -> str:
    bold = [f"<b>{escape(name)}</b>" for name in names]
    return " and ".join(filter(None, [", ".join(bold[:-1]), bold[-1]]))


def _verb(names: Sequence[str]) -> str:
    return "finds" if len(names) == 1 else "find"


def _list(text: str, ents: Sequence[Entity]) -> str:
    """Draw entities alone, without the text around them."""
    drawn = [
        TEMPLATE.format(
            text=escape(text[ent.start : ent.end]),
            label=escape(ent.label),
            bg=color(ent.label),
            kind="",
            style="",
        )
        for ent in ents
    ]
    return " and ".join(drawn) or "nothing there"
