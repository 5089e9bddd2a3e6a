"""Files that are written into a workspace belong to whom the workspace belongs to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faultray_action.commands import common
from faultray_action.model.errors import InputError

RUNNER, DOCKER = 1001, 127


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_and_the_folders_made_for_them_are_handed_over(workspace: Path, tmp_path: Path) -> None:
    (workspace / "kept").mkdir()
    os.chown(workspace, RUNNER, DOCKER)
    common.write_whole(workspace / "out" / "deep" / "report.json", "{}\n")
    common.write_whole(workspace / "kept" / "report.json", "{}\n")
    common.write_whole(tmp_path / "elsewhere.json", "{}\n")
    for made in ("out", "out/deep", "out/deep/report.json", "kept/report.json"):
        found = (workspace / made).stat()
        assert (found.st_uid, found.st_gid) == (RUNNER, DOCKER), made
    assert (workspace / "kept").stat().st_uid == 0, "a folder that stood there is nobody else's business"
    assert (tmp_path / "elsewhere.json").stat().st_uid == 0
    assert (workspace / "out/deep/report.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_is_written_again_changes_hands_too(workspace: Path) -> None:
    path = workspace / "report.json"
    path.write_text("old")
    os.chown(workspace, RUNNER, DOCKER)
    common.write_whole(path, "new")
    assert (path.stat().st_uid, path.read_text()) == (RUNNER, "new")


def test_who_is_not_root_gives_nothing_away(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert common.owner_of(workspace / "report.json") is None


def test_without_a_workspace_nothing_changes_hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert common.owner_of(tmp_path / "report.json") is None


def test_a_link_out_of_the_workspace_hands_nothing_over(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "outside").mkdir()
    (workspace / "link").symlink_to(tmp_path / "outside")
    assert common.owner_of(workspace / "link" / "report.json") is None


def test_a_file_system_without_owners_keeps_the_file(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", refuse)
    common.write_whole(workspace / "new" / "report.json", "{}")
    assert (workspace / "new" / "report.json").read_text() == "{}"


def test_a_path_that_is_none_is_one_sentence(workspace: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        common.write_whole(workspace / "a\x00b" / "report.json", "{}")
