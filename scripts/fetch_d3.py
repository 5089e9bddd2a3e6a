"""Fetches D3, the one library the HTML page draws with, from npm by its integrity hash: `python scripts/fetch_d3.py [TARGET]`.

The file is never committed. The registry is npm's configured one, else NPM_CONFIG_REGISTRY, else the public one; whichever serves the
archive, it must have the hash below.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

VERSION = "7.9.0"
INTEGRITY = "e1U46jVP+w7Iut8Jt8ri1YsPOvFpg46k+K8TpCb0P+zjCkjkPnV7WzfDJzMHy1LnA+wj5pLT1wjO901gLXeEhA=="
PUBLIC_REGISTRY = "https://registry.npmjs.org"
TARGET = Path(__file__).resolve().parents[1] / "faultray_action" / "report" / "html" / "d3.min.js"
TRIES = 3


def registry() -> str:
    """The address of the registry to ask, without a slash at the end."""
    configured = os.environ.get("NPM_CONFIG_REGISTRY", "") or _of_npm()
    return (configured if configured.startswith("http") else PUBLIC_REGISTRY).rstrip("/")


def _of_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        return ""
    asked = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True, timeout=60, check=False)
    return asked.stdout.strip()


def fetch_archive(address: str) -> bytes:
    """The package's archive, held against its hash. Raises SystemExit where it cannot be had or is another one."""
    url = f"{address}/d3/-/d3-{VERSION}.tgz"
    archive = _download(url)
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode("ascii")
    if digest != INTEGRITY:
        raise SystemExit(f"{url} is not d3 {VERSION}: its sha512 is {digest}, not {INTEGRITY}.")
    return archive


def _download(url: str) -> bytes:
    for attempt in range(1, TRIES + 1):
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return bytes(response.read())
        except (urllib.error.URLError, TimeoutError) as error:
            if attempt == TRIES:
                raise SystemExit(
                    f"{url} cannot be fetched ({error}): set NPM_CONFIG_REGISTRY to a registry that this machine reaches."
                ) from error
    raise AssertionError("unreachable")


def unpack(archive: bytes) -> bytes:
    """The library itself out of the archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        member = package.extractfile("package/dist/d3.min.js")
        assert member is not None, "an archive with the right hash has this file"
        return member.read()


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(unpack(fetch_archive(registry())))
    print(f"d3 {VERSION} -> {target}")


if __name__ == "__main__":
    main()
