"""Serves one page on loopback, to one user, until interrupted."""

from __future__ import annotations

import http.server
import webbrowser

import click

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def serve_page(page: str, port: int) -> int:
    """Serve until Ctrl-C; port 0 takes any free one. Returns the exit code."""
    body = page.encode("utf-8")

    class Page(http.server.BaseHTTPRequestHandler):
        """Answers GET / and nothing else."""

        def do_GET(self) -> None:
            found = self.path.split("?", 1)[0] == "/"
            self.send_response(200 if found else 404)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the terminal belongs to the user."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Page) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        click.echo(f"{address}  (Ctrl-C ends it)")
        webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("")
    return 0
