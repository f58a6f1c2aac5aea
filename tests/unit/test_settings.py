"""Settings are written into a config's text, and nothing else of it changes."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy import Config

from common.configs import parse_config
from measuring.settings import write

POLICY = "components.resolve.policy"
CHOSEN = {"@misc": "ner_policy.label_priority.v1", "labels": ["DRUG", "ORG"]}
HEAD = """# the top
[components]

[components.resolve]
factory = "resolve_entities_v2"
"""
TAIL = """
[components.resolver]
policy = "another's"

# the next section's own comment
[initialize]
x = 1
"""
BLOCKS = {
    "a block": """
# about the policy
[components.resolve.policy]
@misc = "ner_policy.priority.v1"
# about the components
components = ["ner"]
""",
    "a block with blocks below it": """
[components.resolve.policy]
@misc = "mine.v1"
weight = 0.5

# about the rest
[components.resolve.policy.rest]
@misc = "other.v1"

[components.resolve.policy.rest.of]
y = 2

[components.resolve.policy.rest.of.it]
x = 1
""",
    "a block with blocks of like names beside it": """
[components.resolve.policy]
@misc = "mine.v1"

[components.resolve.policy_of_old]
x = 1

[components.resolve.policy_of_old.policy]
y = 1
""",
    "values of many lines": """
[components.resolve.policy]
@misc = "mine.v1"
labels = ["A",
    "B",

    # between
  "[C]"]
""",
    "other signs and spaces": """
[components.resolve.policy]
  @misc : "mine.v1"
; an old comment
  labels=["A"]
""",
    "one value": 'policy = {"@misc": "mine.v1", "labels": ["A"]}\n',
    "a reference": "policy = ${vars.policy}\n\n[vars]\n\n[vars.policy]\nx = 1\n",
    "nothing": "",
}


def comments(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()[:1] in ("#", ";")]


def changed(text: str, section: str, settings: Any, *, alone: bool) -> Config:
    """Return what a config must be after a change."""
    config: Any = parse_config(text, "config")
    *path, name = section.split(".")
    inside = config
    for part in path:
        inside = inside[part]
    if alone:
        inside[name] = dict(settings)
    else:
        inside[name].update(settings)
    return config


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_a_policy_replaces_another_however_it_is_written(block: str) -> None:
    text = HEAD + block + TAIL
    new = write(text, POLICY, CHOSEN, alone=True)
    assert parse_config(new, "new") == changed(text, POLICY, CHOSEN, alone=True)
    assert comments(new) == comments(text)


WEIGHTS = {"ner": {"*": 0.5, "PERSON": 0.9}, "ner_drug": {"DRUG": 0.7}}


@pytest.mark.parametrize("new", [CHOSEN, {"@misc": "w.v1", "weights": WEIGHTS}])
def test_weights_are_written_and_replaced(new: dict[str, Any]) -> None:
    text = HEAD + BLOCKS["a block"] + TAIL
    weighted = {"@misc": "ner_policy.weighted.v1", "weights": WEIGHTS, "at_least": 0.2}
    once = write(text, POLICY, weighted, alone=True)
    assert parse_config(once, "once") == changed(text, POLICY, weighted, alone=True)
    again = write(once, POLICY, new, alone=True)
    assert parse_config(again, "again") == changed(text, POLICY, new, alone=True)


def test_a_missing_section_is_added_behind_the_section_that_it_belongs_to() -> None:
    lines = write(HEAD + TAIL, POLICY, CHOSEN, alone=True).split("\n")
    at = lines.index(f"[{POLICY}]")
    assert lines.index("[components.resolve]") < at
    assert at < lines.index("[components.resolver]")
    assert lines[at - 1] == ""


def test_a_section_of_the_top_is_added_at_the_end() -> None:
    new = write(HEAD + TAIL, "tuned_for", {"core": "abc"}, alone=True)
    assert new == HEAD + TAIL + '\n[tuned_for]\ncore = "abc"\n'


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_a_setting_is_written_in_its_place(end: str) -> None:
    text = "[a]\nx = 1\n# how soft\ntemperature = 1.0\ny = 2\n\n[b]\ntemperature = 9"
    new = write(text + end, "a", {"temperature": 2.5}, alone=False)
    assert new == text.replace("1.0", "2.5") + "\n"


def test_a_new_setting_stands_before_the_comment_on_the_next_section() -> None:
    text = "[a]\nx = 1\n\n# about b\n[b]\ny = 2\n"
    new = write(text, "a", {"temperature": 2.5}, alone=False)
    assert new == "[a]\nx = 1\ntemperature = 2.5\n\n# about b\n[b]\ny = 2\n"


def test_a_setting_of_many_lines_is_replaced_whole() -> None:
    text = '[a]\nlabels = ["A",\n  "B"]\nx = 1\n'
    assert write(text, "a", {"labels": ["C"]}, alone=False) == (
        '[a]\nlabels = ["C"]\nx = 1\n'
    )


@pytest.mark.parametrize("text", ["x = 1", "[a.b]\nx = 1", "[a]\nx = ${b.c}"])
def test_an_invalid_config_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"own\.cfg: no valid config"):
        parse_config(text, "own.cfg")


names = st.sampled_from(["a", "ab", "b", "policy", "policy2", "@misc"])
values = st.recursive(
    st.integers() | st.booleans() | st.none() | st.text("xy []#=:;'\n", max_size=8),
    st.lists,
    max_leaves=4,
)
sections = st.recursive(
    st.dictionaries(names, values, max_size=3),
    lambda inner: st.dictionaries(names, values | inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(names, sections, max_size=3), sections, st.randoms())
def test_any_config_is_changed_as_meant(
    rest: dict[str, Any], own: dict[str, Any], chance: random.Random
) -> None:
    config = Config({**rest, "resolve": {"x": 1, "policy": own}})
    text = ""
    for line in config.to_str().split("\n"):
        if chance.random() < 0.2:
            text += chance.choice(["\n", "# a comment\n", "  ; [another]\n"])
        text += f"{line}\n"
    new = write(text, "resolve.policy", CHOSEN, alone=True)
    wanted = changed(text, "resolve.policy", CHOSEN, alone=True)
    assert parse_config(new, "new") == wanted
    assert comments(new) == comments(text)
