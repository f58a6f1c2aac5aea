"""Visitors wait in a line: those who ask for little go first, and nobody for ever."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from time import sleep

import pytest

import page.line
from page.line import Line


def order(line: Line, patience: Mapping[str, float]) -> str:
    """Let several ask while another has the turn, one after the other.

    RETURNS: the order in which they are let in.
    """
    let_in: list[str] = []

    def ask(name: str) -> None:
        with line.turn(patience[name]):
            let_in.append(name)

    with ThreadPoolExecutor(len(patience)) as threads, line.turn(0):
        for at, name in enumerate(patience):
            asked = threads.submit(ask, name)
            while len(line.waiting) <= at and not asked.done():
                sleep(0)
        assert not let_in
    return " ".join(let_in)


def test_who_asks_for_little_goes_before_who_asks_for_much() -> None:
    assert order(Line(), {"much": 60, "little": 1, "less": 0}) == "less little much"


def test_who_asks_for_the_same_is_let_in_as_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page.line, "monotonic", float)
    assert order(Line(), {"first": 1, "second": 1, "third": 1}) == "first second third"


def test_nobody_is_overtaken_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 7.0, 9.0])
    monkeypatch.setattr(page.line, "monotonic", clock.__next__)
    asked = {"much": 7, "little": 0, "little, late": 0}
    assert order(Line(), asked) == "little much little, late"


def test_turn_ends_with_an_error() -> None:
    line = Line()
    with pytest.raises(ValueError), line.turn(0):
        raise ValueError
    # would wait for ever, and must not keep the tests waiting
    asking = Thread(target=order, args=(line, {"next": 0}), daemon=True)
    asking.start()
    asking.join(5)
    assert not asking.is_alive()


def test_one_is_let_in_at_a_time() -> None:
    line, inside, most = Line(), [], [0]

    def ask(at: int) -> None:
        with line.turn(0):
            inside.append(at)
            sleep(0)
            most.append(len(inside))
            inside.remove(at)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(40)))
    assert max(most) == 1
