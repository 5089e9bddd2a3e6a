"""The fake GitHub behind a real socket: `with FakeGitHub() as github: ... github.url`."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .core import REPOSITORY, Answer, Core
from .delivery import DELIVERIES, Wire


class FakeGitHub:
    """A server in a thread of its own. `core` holds the state; requests are served one after another.

    GET /_state answers everything as JSON; POST /_pull {"number": 1, "head": "…", …} adds or moves a pull request.
    """

    def __init__(self, repository: str = REPOSITORY, *, host: str = "127.0.0.1", port: int = 0, public_host: str = "") -> None:
        self.core = Core(repository)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer((host, port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://{public_host or host}:{self.port}"
        self.graphql_url = f"{self.url}/graphql"
        self.core.base_url = self.url
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> FakeGitHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve_forever(self) -> None:
        self._server.serve_forever()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        with self._lock:
            if (method, target) == ("GET", "/_state"):
                return Answer(200, self.core.state())
            if (method, target) == ("POST", "/_pull"):
                self.core.add_pull(**json.loads(body))
                return Answer(201, self.core.state()["pulls"])
            return self.core.handle(method, target, headers, body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = fake.answer(self.command, self.path, headers, self.rfile.read(length))
                if answer.delivery != "whole":
                    wire = Wire(self.wfile, self.connection, fake._closing)
                    DELIVERIES[answer.delivery](wire, answer.status, answer.headers, answer.body)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-type", "application/json; charset=utf-8")
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
