"""GitHub's whole description of its API, and a mock server that holds requests against it: two npm packages, pinned by their hashes.

They are installed once, into `.build/`. Where they cannot be had, the tests that need them skip, and say why.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from action_job import ROOT

LOCK = Path(__file__).parent / "openapi"
BUILD = ROOT / ".build"
INSTALL_SECONDS = 240
START_SECONDS = 120
OLDEST_NODE = 18
NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
IMPATIENT = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")


def packages() -> Path:
    """The folder of the installed packages; skips where there are none to be had."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not to be had: no GitHub description to hold requests against")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30).stdout
    if int(version.removeprefix("v").partition(".")[0] or 0) < OLDEST_NODE:
        pytest.skip(f"Node {OLDEST_NODE} or newer is needed for the mock of GitHub's API: this is {version.strip()}")
    digest = hashlib.sha256((LOCK / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = BUILD / f"openapi-{digest}"
    with _alone(BUILD / f"openapi-{digest}.lock"):
        if not (folder / ".ready").exists():
            _install(folder)
    return folder / "node_modules"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(LOCK, folder)
    try:
        ended = subprocess.run([*NPM, *IMPATIENT], cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install GitHub's description within {INSTALL_SECONDS} s")
    if ended.returncode:
        pytest.skip(f"npm cannot install GitHub's description: {(ended.stderr.strip() or 'no reason given').splitlines()[0][:200]}")
    (folder / ".ready").touch()


@contextmanager
def mock_server() -> Iterator[str]:
    """The address of a mock that answers each request of GitHub's API by the example of its description, and 422 where it breaks it."""
    modules = packages()
    port = _free_port()
    program = modules / "@stoplight" / "prism-cli" / "dist" / "index.js"
    description = modules / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    command = ["node", str(program), "mock", "-h", "127.0.0.1", "-p", str(port), str(description)]
    with (modules.parent / f"prism-{port}.log").open("w") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_for(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
        Path(log.name).unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        assert server.poll() is None, f"the mock ended with {server.returncode}"
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"the mock did not listen within {START_SECONDS} s")
