"""The image, built once, and a fake GitHub for it to talk to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from container_runner import ROOT, Runner
from docker.errors import DockerException
from fake_github.server import FakeGitHub

TAG = "faultray-action-under-test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker builds the image and runs all of these."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.container)
            item.add_marker(pytest.mark.xdist_group("container"))


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    try:
        client = docker.from_env(timeout=900)
        client.ping()
    except DockerException:
        pytest.skip("no container engine answers")
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient) -> str:
    """The image of this checkout. BASE_IMAGE names another base than the Dockerfile's."""
    base = os.environ.get("BASE_IMAGE", "")
    engine.images.build(path=str(ROOT), tag=TAG, rm=True, buildargs={"BASE_IMAGE": base} if base else {})
    return TAG


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        server.core.add_pull()
        yield server


@pytest.fixture
def runner(engine: docker.DockerClient, image: str, github: FakeGitHub, tmp_path: Path) -> Runner:
    (tmp_path / "workspace").mkdir()
    return Runner(engine, image, github, tmp_path)
