"""Commands take turns in a folder, tidy up behind those that were killed, and end in
one line where a person or the system stops them.
"""

from common.running import alone, end_with_parent, explain, guarded

import errno
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

import pytest

from common.files import (
    UNFINISHED,
    WORK,
    mend,
    refuse_full,
    replacing,
    together,
    write_text,
    writing,
)
from common.inputs import blaming
from common.turns import turn
from helpers import ROOT

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="processes are forked here, to be killed in no time"
)


def fork(work: Callable[[], object]) -> int:
    """Do something in a process of its own, and return the process."""
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        work()
        status = 0
    except SystemExit as error:
        status = int(error.code or 0)
    finally:
        os._exit(status)


def status(child: int) -> int:
    """Wait for a process, and return its exit status."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def killed_later(child: int) -> Iterator[None]:
    """Kill a process behind the block."""
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def leftovers(folder: Path) -> list[Path]:
    return [*folder.rglob(f"{UNFINISHED}*"), *folder.glob(".running/work")]


def old_and_new(folder: Path) -> set[str]:
    """Tell what a folder and two files hold."""
    names = ["a/in", "c", "d"]
    return {(folder / name).read_text() for name in names}


def write_all(folder: Path, text: str) -> None:
    """Write a folder and two files together."""
    with together():
        with replacing(folder / "a") as unfinished:
            (unfinished / "in").write_text(text)
        for name in "cd":
            write_text(folder / name, text)


STEPS = ["mkdir", "open", "rename", "replace", "rmdir", "unlink"]


def killed_at(step: int) -> None:
    """Let this process be killed once it has changed the disk so many times."""
    left = iter(range(step))

    def kill_in_turn(name: str) -> None:
        do = getattr(os, name)

        def instead(*args: object, **settings: object) -> object:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*args, **settings)

        setattr(os, name, instead)

    for name in STEPS:
        kill_in_turn(name)


def test_what_is_written_together_is_all_old_or_all_new_whenever_it_is_killed(
    tmp_path: Path,
) -> None:
    write_all(tmp_path, "old")
    seen: list[str] = []
    for step in range(200):

        def work(step: int = step) -> None:
            with alone(tmp_path):
                killed_at(step)
                write_all(tmp_path, "new")

        done = status(fork(work))
        # as the next command does
        mend(tmp_path / ".running" / "work")
        now = old_and_new(tmp_path)
        assert len(now) == 1, step
        assert not leftovers(tmp_path), step
        seen.append(*now)
        if done == 0:
            break
        write_all(tmp_path, "old")
    # it was killed before, within and after
    assert seen[0] == "old" and seen[-1] == "new" and len(seen) > 10


def test_what_another_run_has_begun_is_left_alone_until_that_is_killed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def go_on() -> None:
        with alone(tmp_path), replacing(tmp_path / "made") as folder:
            (folder / "half").touch()
            time.sleep(60)

    def wait() -> None:
        with alone(tmp_path):
            assert not [*tmp_path.glob(f"{UNFINISHED}*")]

    first = fork(go_on)
    with killed_later(first):
        until(lambda: [*tmp_path.glob(f"{UNFINISHED}*/made/half")])
        second = fork(wait)
        until(lambda: "Waiting for" in capfd.readouterr().out)
        assert [*tmp_path.glob(f"{UNFINISHED}*/made/half")]
        assert os.waitpid(second, os.WNOHANG) == (0, 0)
    assert status(second) == 0
    assert not leftovers(tmp_path)


def test_who_waits_is_told_for_whom(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def go_on() -> None:
        with turn(tmp_path, "command", "`tune`"):
            time.sleep(60)

    first = fork(go_on)
    with killed_later(first):
        until(lambda: (tmp_path / ".running" / "command").is_file())
        until(lambda: (tmp_path / ".running" / "command").read_bytes())
        second = fork(lambda: turn(tmp_path, "command", "me").__enter__())
        until(lambda: f"Waiting for `tune` (process {first}" in capfd.readouterr().out)
    assert status(second) == 0


def test_turns_of_another_kind_are_not_waited_for(tmp_path: Path) -> None:
    with turn(tmp_path, "workflow", "all"):
        assert status(fork(lambda: turn(tmp_path, "command", "me").__enter__())) == 0


def test_temporary_files_of_a_killed_command_are_removed(tmp_path: Path) -> None:
    def die() -> None:
        with alone(tmp_path):
            tempfile.mkdtemp()
            # as pip and other programs have them
            (Path(os.environ["TMPDIR"]) / "theirs").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def tidy() -> None:
        with alone(tmp_path):
            assert not [*Path(tempfile.gettempdir()).iterdir()]

    assert status(fork(die)) == -signal.SIGKILL
    assert len([*(tmp_path / ".running" / "work").iterdir()]) == 2
    assert status(fork(tidy)) == 0
    assert not leftovers(tmp_path)


def test_what_a_process_has_left_that_is_stopped_too_is_removed(tmp_path: Path) -> None:
    def begin() -> None:
        with replacing(tmp_path / "made"):
            os._exit(1)

    with alone(tmp_path):
        assert status(fork(begin)) == 1
        assert [*tmp_path.glob(f"{UNFINISHED}*")]
    assert not leftovers(tmp_path)


def test_where_nothing_can_be_written_no_turn_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with alone(tmp_path):
        assert not [*tmp_path.iterdir()]


def test_command_that_is_stopped_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def main() -> None:
        with replacing(tmp_path / "made") as folder:
            (folder / "half").touch()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

    assert status(fork(guarded(main))) == 130
    printed = "".join(capfd.readouterr())
    assert len(printed.split("\n")) == 3 and "stopped; nothing half-made" in printed
    assert not leftovers(tmp_path)


def test_ctrl_c_while_a_command_imports_says_so_in_one_line() -> None:
    code = "import common.stopping; raise KeyboardInterrupt"
    done = subprocess.run(
        ["python", "-B", "-c", code],
        cwd=ROOT / "scripts",
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGINT
    assert len(done.stderr.strip().split("\n")) == 1 and "stopped" in done.stderr


def write(path: Path, size: int) -> None:
    with replacing(path) as folder:
        (folder / "weights").write_bytes(b"x" * size)


def copy(path: Path, size: int) -> None:
    with replacing(path) as folder, tempfile.TemporaryDirectory() as other:
        (Path(other) / "weights").write_bytes(b"x" * size)
        shutil.copytree(other, folder, dirs_exist_ok=True)


def told_by_a_program(path: Path, size: int) -> None:
    refuse_full(f"[Errno 27] {os.strerror(errno.EFBIG)}", path)


@pytest.mark.parametrize("make", [write, copy, told_by_a_program])
def test_file_that_may_not_be_that_large_ends_a_command_in_one_message(
    make: Callable[[Path, int], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import resource

    monkeypatch.chdir(tmp_path)
    write(tmp_path / "made", 10)

    def main() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        make(Path("made"), 20_000)

    assert status(fork(guarded(main))) == 1
    printed = "".join(capfd.readouterr())
    assert "made: File too large" in printed and "Traceback" not in printed
    assert (tmp_path / "made" / "weights").stat().st_size == 10
    assert not leftovers(tmp_path)


def test_full_disk_is_told_with_what_is_free_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Usage:
        free = 1_900_000

    def usage(path: Path) -> type[Usage]:
        asked.append(path)
        return Usage

    monkeypatch.setattr(shutil, "disk_usage", usage)
    where = tmp_path / "not" / "there"
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(where))
    what, fix = explain(error)
    assert what == f"{where}: No space left on device"
    assert "More is needed than the 1.9 MB that are free there" in fix
    assert asked == [tmp_path]


@pytest.mark.parametrize("there, new", [("file", "folder"), ("folder", "file")])
def test_file_does_not_give_way_to_a_folder_nor_a_folder_to_a_file(
    there: str, new: str, tmp_path: Path
) -> None:
    make: dict[str, Callable[[Path], None]]
    make = {"file": Path.touch, "folder": Path.mkdir}
    make[there](tmp_path / "made")
    with pytest.raises(OSError, match="director") as raised, together():
        # what goes with it stays, too
        write_text(tmp_path / "other", "new")
        with writing(tmp_path / "made") as unfinished:
            make[new](unfinished)
    assert raised.value.filename == str(tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_fails_inside_what_is_written_together_is_left_out(tmp_path: Path) -> None:
    with together():
        write_text(tmp_path / "good", "")
        with suppress(ValueError), writing(tmp_path / "bad") as unfinished:
            unfinished.touch()
            raise ValueError
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


@pytest.mark.parametrize("named", [None, "{folder}/x", "{work}/x"])
def test_error_names_what_was_to_be_written(
    named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv(WORK, str(work))
    with pytest.raises(OSError) as raised, replacing(tmp_path / "made") as folder:
        name = named and named.format(folder=folder, work=work)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)
    assert raised.value.filename == str(tmp_path / "made")


def test_error_about_a_file_of_a_person_names_that(tmp_path: Path) -> None:
    with pytest.raises(OSError) as raised, replacing(tmp_path / "made"):
        (tmp_path / "theirs").read_text()
    assert raised.value.filename == str(tmp_path / "theirs")


def test_copies_that_find_no_room_are_a_full_disk(tmp_path: Path) -> None:
    why = f"[Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}"
    made = tmp_path / "made"
    with pytest.raises(OSError) as raised, replacing(made), blaming("a config"):
        raise shutil.Error([("a", "b", why)])
    assert raised.value.errno == errno.ENOSPC
    assert raised.value.filename == str(tmp_path / "made")


def go_on_for_long() -> None:
    end_with_parent()
    time.sleep(60)


def test_what_a_killed_command_has_started_ends_with_it(tmp_path: Path) -> None:
    # closed once nobody has it any more
    told, telling = os.pipe()

    def start_another() -> None:
        get_context("fork").Process(target=go_on_for_long).start()
        (tmp_path / "started").touch()
        time.sleep(60)

    with killed_later(fork(start_another)):
        os.close(telling)
        until((tmp_path / "started").exists)
    assert select.select([told], [], [], 10)[0]
    os.close(told)
