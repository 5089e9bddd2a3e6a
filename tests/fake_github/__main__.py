"""`python -m tests.fake_github --port 8080`: a fake GitHub for a container to talk to; its state is at GET /_state."""

from __future__ import annotations

import argparse

from .core import HEAD, READ_TOKEN, REPOSITORY, WRITE_TOKEN
from .server import FakeGitHub


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--repository", default=REPOSITORY)
    parser.add_argument("--pull", type=int, default=1)
    parser.add_argument("--head", default=HEAD)
    options = parser.parse_args()
    fake = FakeGitHub(options.repository, host=options.host, port=options.port)
    fake.core.add_pull(options.pull, options.head)
    print(f"{fake.url} tokens: {WRITE_TOKEN} (may write), {READ_TOKEN} (may not)", flush=True)
    fake.serve_forever()


if __name__ == "__main__":
    main()
