"""Files for this user only: their modes, what is refused, and that a crash leaves the old or the new one."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wxpush.errors import StateError, StorageError, UnsafeStateError
from wxpush.private import ensure_private_dir, read_private, refuse_unsafe_file, write_private

PROJECT = Path(__file__).parents[1]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    folder = ensure_private_dir(tmp_path / "state")
    write_private(folder / "token.json", b"{}")
    assert (mode(folder), mode(folder / "token.json")) == (0o700, 0o600)


def test_a_folder_that_is_there_is_used_again(tmp_path: Path) -> None:
    folder = ensure_private_dir(tmp_path / "a" / "b")
    (folder / "kept").touch()
    assert ensure_private_dir(folder) == folder
    assert (folder / "kept").exists()


@pytest.mark.parametrize("bits", [0o701, 0o710, 0o755, 0o777])
def test_a_folder_that_others_can_enter_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, bits: int
) -> None:
    folder = ensure_private_dir(tmp_path / "state")
    folder.chmod(bits)
    with pytest.raises(UnsafeStateError) as caught:
        ensure_private_dir(folder)
    assert caught.value.hint == f"Run: chmod go-rwx {folder}"


def as_link_to_a_folder(path: Path) -> None:
    (path.parent / "real").mkdir(mode=0o700)
    path.symlink_to(path.parent / "real")


@pytest.mark.parametrize(
    "make",
    [Path.touch, as_link_to_a_folder, lambda path: path.symlink_to(path.parent / "nowhere"), os.mkfifo],
    ids=["a file", "a link", "a dangling link", "a pipe"],
)
def test_what_is_no_folder_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "state")
    with pytest.raises(UnsafeStateError):
        ensure_private_dir(tmp_path / "state")
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made_is_told_with_another_place_to_choose(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError):
        ensure_private_dir(tmp_path / "file" / "state")
    with pytest.raises(StorageError) as caught:
        ensure_private_dir(tmp_path / ("x" * 300))
    assert "WXPUSH_HOME" in caught.value.hint


def test_what_was_written_is_read_and_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_private(tmp_path / "a") is None
    write_private(tmp_path / "a", "名单".encode())
    assert read_private(tmp_path / "a") == "名单".encode()


def test_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    write_private(tmp_path / "a", b"x" * 100_000)
    assert len(read_private(tmp_path / "a") or b"") == 64 * 1024
    assert len(read_private(tmp_path / "a", 7) or b"") == 7


def with_a_second_name(path: Path) -> None:
    write_private(path, b"x")
    path.with_name("second").hardlink_to(path)


def as_link(path: Path) -> None:
    write_private(path.with_name("target"), b"x")
    path.symlink_to(path.with_name("target"))


def readable(bits: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        write_private(path, b"x")
        path.chmod(bits)

    return make


UNSAFE = {
    "a link": as_link,
    "a second name": with_a_second_name,
    "a pipe": lambda path: os.mkfifo(path, 0o600),
    "a folder": lambda path: path.mkdir(mode=0o700),
    "for the group": readable(0o640),
    "for all": readable(0o604),
    "to change for all": readable(0o602),
}


@pytest.mark.parametrize("make", UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_file_is_neither_read_nor_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "secret")
    with pytest.raises(UnsafeStateError):
        read_private(tmp_path / "secret")
    with pytest.raises(UnsafeStateError):
        refuse_unsafe_file(tmp_path / "secret")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", b"x")
    os.chown(tmp_path / "secret", 12345, 12345)
    with pytest.raises(UnsafeStateError, match="another user"):
        read_private(tmp_path / "secret")


def test_a_safe_file_and_none_at_all_pass(tmp_path: Path) -> None:
    refuse_unsafe_file(tmp_path / "none")
    write_private(tmp_path / "a", b"")
    refuse_unsafe_file(tmp_path / "a")


def test_writing_over_a_link_replaces_the_link_and_spares_its_target(tmp_path: Path) -> None:
    as_link(tmp_path / "a")
    write_private(tmp_path / "a", b"new")
    assert (tmp_path / "target").read_bytes() == b"x"
    assert not (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("path", ["no/such/folder/file", "folder", "f" * 250])
def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing_behind(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="can't be written"):
        write_private(tmp_path / path, b"x")
    assert [found.name for found in tmp_path.iterdir()] == ["folder"]


WRITE = """
import sys
from pathlib import Path
from wxpush.private import write_private
path, size = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for letter in "ABCDEFGH" * 10_000:
    write_private(path, letter.encode() * size)
    print("written", flush=True)
"""


def test_a_killed_writer_leaves_the_old_file_or_the_new_one_whole(tmp_path: Path) -> None:
    path, size = tmp_path / "token.json", 300_000
    write_private(path, b"0" * size)
    for writes in (0, 1, 2, 3, 5):
        command = [sys.executable, "-c", WRITE, str(path), str(size)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(writes + 1):
                assert process.stdout.readline()
            process.kill()
        content = read_private(path, size * 2) or b""
        assert len(content) == size
        assert len(set(content)) == 1, "parts of two files"
