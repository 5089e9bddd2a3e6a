"""Files at a commit, as real Git wrote them; and what somebody else wrote into the folder is not believed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from faultray_action.git_objects import NotHeldError, file_at

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git writes what these tests read")


def git(top: Path, *arguments: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "protocol.file.allow=always"]
    return subprocess.run(["git", *who, *arguments], cwd=top, check=True, capture_output=True, text=True).stdout.strip()


def policy(number: int) -> str:
    return "".join(f"# line {line} of the policy, which is long enough for a delta\n" for line in range(200)) + f"slo: 99.{number}\n"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Twenty commits: a policy that changes a little each time, a file in a folder, a link, a large file that no delta helps."""
    top = tmp_path / "shop"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    (top / "infra").mkdir()
    (top / "infra" / "types.yaml").write_text("provider: acme\n", encoding="utf-8")
    (top / "link").symlink_to(".faultray.yml")
    for number in range(20):
        (top / ".faultray.yml").write_text(policy(number), encoding="utf-8")
        git(top, "add", "-A")
        git(top, "commit", "-q", "-m", str(number))
    return top


def commits(top: Path) -> list[str]:
    return list(reversed(git(top, "log", "--format=%H").split()))


@pytest.mark.parametrize("packed", [False, True, "deep"])
def test_every_version_is_read_as_git_reads_it(top: Path, packed: bool | str) -> None:
    known = commits(top)
    if packed:
        extra = ["--depth=50", "--window=50"] if packed == "deep" else []
        git(top, "repack", "-a", "-d", "-q", *extra)
        assert not [path for path in (top / ".git" / "objects").iterdir() if len(path.name) == 2]
    for number, commit in enumerate(known):
        assert file_at(top, commit, ".faultray.yml") == policy(number).encode()
        assert file_at(top, commit, "infra/types.yaml") == b"provider: acme\n"
        assert file_at(top, commit, "infra/none.yaml") is None and file_at(top, commit, "none/x") is None
    for path in ("link", "infra", "infra/types.yaml/x"):
        with pytest.raises(NotHeldError):
            file_at(top, known[0], path)


def test_deltas_against_objects_of_another_pack_are_read(top: Path, tmp_path: Path) -> None:
    git(top, "config", "pack.useSparse", "false")
    thin = tmp_path / "thin"
    git(tmp_path, "clone", "-q", "--no-local", str(top), str(thin))
    (top / ".faultray.yml").write_text(policy(99), encoding="utf-8")
    git(top, "commit", "-q", "-am", "more")
    git(thin, "-c", "fetch.unpackLimit=1", "fetch", "-q")
    assert file_at(thin, git(top, "rev-parse", "HEAD"), ".faultray.yml") == policy(99).encode()


def test_a_shallow_clone_does_not_say_what_it_does_not_hold(top: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{top}", str(shallow))
    *_, earlier, last = commits(top)
    assert file_at(shallow, last, ".faultray.yml") == policy(19).encode()
    with pytest.raises(NotHeldError):
        file_at(shallow, earlier, ".faultray.yml")
    for commit in ("", "main", "0" * 40, "zz", "0" * 64):
        with pytest.raises(NotHeldError):
            file_at(shallow, commit, ".faultray.yml")
    with pytest.raises(NotHeldError):
        file_at(tmp_path, last, ".faultray.yml")


def test_an_object_that_is_not_what_its_name_says_is_not_believed(top: Path) -> None:
    commit = commits(top)[-1]
    for name in (commit, git(top, "rev-parse", "HEAD^{tree}"), git(top, "rev-parse", "HEAD:.faultray.yml")):
        path = top / ".git" / "objects" / name[:2] / name[2:]
        kept = path.read_bytes()
        kind, _, content = zlib.decompress(kept).partition(b"\x00")
        for poison in (kind + b"\x00" + content.replace(b"slo: 99.19", b"slo: 10.00") + b" ", b"", b"\xff" * 99, kept[: len(kept) // 2]):
            path.chmod(0o644)
            path.write_bytes(zlib.compress(poison) if poison.startswith(kind) else poison)
            with pytest.raises(NotHeldError):
                file_at(top, commit, ".faultray.yml")
        path.write_bytes(kept)
    assert file_at(top, commit, ".faultray.yml") == policy(19).encode()


def test_a_pack_that_was_written_over_is_not_believed(top: Path) -> None:
    commit = commits(top)[0]
    git(top, "repack", "-a", "-d", "-q", "--depth=50", "--window=50")
    for suffix in ("pack", "idx"):
        [path] = (top / ".git" / "objects" / "pack").glob(f"*.{suffix}")
        kept = path.read_bytes()
        path.chmod(0o644)
        for at in range(8, len(kept), max(1, len(kept) // 150)):
            path.write_bytes(kept[:at] + bytes([kept[at] ^ 255]) + kept[at + 1 :])
            with contextlib.suppress(NotHeldError):
                assert file_at(top, commit, ".faultray.yml") == policy(0).encode()
        for cut in (b"", kept[:7], kept[: len(kept) // 2]):
            path.write_bytes(cut)
            with pytest.raises(NotHeldError):
                file_at(top, commit, ".faultray.yml")
        path.write_bytes(kept)


def test_what_unfolds_without_end_is_not_held(top: Path) -> None:
    commit = commits(top)[-1]
    path = top / ".git" / "objects" / commit[:2] / commit[2:]
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"commit 1\x00" + b"a" * 200_000_000))
    with pytest.raises(NotHeldError):
        file_at(top, commit, ".faultray.yml")
