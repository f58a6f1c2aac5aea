"""Files and folders are whole or not there, whatever goes wrong in between."""

from pathlib import Path

import pytest

from common.files import UNFINISHED, replacing, sha256, write_json, write_text, writing
from helpers import ROOT


def fail() -> None:
    raise RuntimeError("in the middle")


def test_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").touch()
    with replacing(tmp_path / "made") as folder:
        (folder / "new").touch()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_folder_stays_as_it_was_when_the_block_fails(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old").touch()
    with pytest.raises(RuntimeError), replacing(tmp_path / "made") as folder:
        (folder / "new").touch()
        fail()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_folder_that_another_made_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "made"
    exists = Path.exists
    # it comes just after it was looked for
    monkeypatch.setattr(Path, "exists", lambda own: own != target and exists(own))
    with pytest.raises(OSError), replacing(target) as folder:
        (folder / "mine").touch()
        target.mkdir()
        (target / "theirs").touch()
    assert [path.name for path in target.iterdir()] == ["theirs"]


def test_folder_is_put_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "made"
    target.mkdir()
    (target / "old").touch()
    rename = Path.rename

    def refuse_new(own: Path, to: Path) -> Path:
        if own.name == to.name == "made":
            raise PermissionError("in use")
        return rename(own, to)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(PermissionError), replacing(target) as folder:
        (folder / "new").touch()
    assert [path.name for path in target.iterdir()] == ["old"]


def test_what_is_unfinished_is_not_committed() -> None:
    assert f"{UNFINISHED}*" in (ROOT / ".gitignore").read_text().splitlines()


def test_file_stays_as_it_was_when_the_block_fails(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("old")
    with pytest.raises(RuntimeError), writing(tmp_path / "made") as path:
        path.write_text("half of")
        fail()
    assert (tmp_path / "made").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_two_who_write_the_same_file_do_not_share_what_is_unfinished(
    tmp_path: Path,
) -> None:
    with writing(tmp_path / "made") as first, writing(tmp_path / "made") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "made").read_text() in "12"


def test_json_that_cannot_be_written_leaves_the_old(tmp_path: Path) -> None:
    write_json(tmp_path / "made.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "made.json", {"a": object()})
    assert "1" in (tmp_path / "made.json").read_text()


def test_text_is_utf8_whatever_the_system_prefers(tmp_path: Path) -> None:
    write_text(tmp_path / "made", "é")
    assert (tmp_path / "made").read_bytes() == "é".encode()


def test_hash_tells_names_and_contents_apart(tmp_path: Path) -> None:
    hashes = set()
    for name, content in [("a", "1"), ("a", "2"), ("b", "1")]:
        folder = tmp_path / f"{name}{content}"
        folder.mkdir()
        (folder / name).write_text(content)
        hashes.add(sha256(folder))
    assert len(hashes) == 3
