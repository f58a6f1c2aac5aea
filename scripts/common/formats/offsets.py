"""Offsets in a text, and what they are counted in."""

from enum import StrEnum
from itertools import accumulate


class Unit(StrEnum):
    """What offsets count: characters, as Python does, or what other languages do."""

    characters = "characters"
    utf_16 = "utf-16"
    utf_8 = "utf-8"


# a unit's encoding, and how many bytes it has
ENCODED = {Unit.utf_16: ("utf-16-le", 2), Unit.utf_8: ("utf-8", 1)}
CALLED = {
    Unit.characters: "characters, as Python does",
    Unit.utf_16: "UTF-16 code units, as JavaScript and Java do",
    Unit.utf_8: "bytes of UTF-8",
}


def in_characters(text: str, unit: Unit) -> dict[int, int]:
    """Map each offset between two characters, in other units, to that in characters."""
    codec, width = ENCODED[unit]
    sizes = (len(character.encode(codec)) // width for character in text)
    return {at: number for number, at in enumerate(accumulate(sizes, initial=0))}
