"""What Windows does otherwise: a file that somebody reads cannot be replaced."""

import os
from pathlib import Path

import pytest

from common.files import replacing, write_text


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file, in which nothing can be moved away or replaced."""
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "file").write_text("earlier", encoding="utf8")
    rename, replace = os.rename, os.replace

    def refuse(*paths: str | Path) -> None:
        for path in map(Path, paths):
            if path == folder or folder in path.parents:
                raise PermissionError(13, "used by another process", str(path))

    def rename_unless_used(old: str | Path, new: str | Path) -> None:
        refuse(old, new)
        rename(old, new)

    def replace_unless_used(old: str | Path, new: str | Path) -> None:
        refuse(new)
        replace(old, new)

    monkeypatch.setattr(os, "rename", rename_unless_used)
    monkeypatch.setattr(os, "replace", replace_unless_used)
    return folder


def test_folder_in_use_stays_and_is_named(locked: Path) -> None:
    message = f"used by another process: '{locked}'"
    with pytest.raises(PermissionError, match=message), replacing(locked) as unfinished:
        (unfinished / "file").touch()
    assert (locked / "file").read_text(encoding="utf8") == "earlier"
    assert [path.name for path in locked.parent.iterdir()] == ["made"]


def test_file_in_use_stays_and_is_named(locked: Path) -> None:
    message = f"used by another process: '{locked / 'file'}'"
    with pytest.raises(PermissionError, match=message):
        write_text(locked / "file", "later")
    assert (locked / "file").read_text(encoding="utf8") == "earlier"
    assert [path.name for path in locked.iterdir()] == ["file"]
