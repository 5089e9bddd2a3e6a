"""Serves one page on loopback, to one user, until interrupted."""

from __future__ import annotations

import http.server
import threading
import webbrowser

import click

from faultray_action.model.errors import ConfigError

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def serve_page(page: str, port: int) -> int:
    """Serve until Ctrl-C; port 0 takes any free one. Returns the exit code. Whether a browser opens does not matter: the address is printed."""
    body = page.encode("utf-8")

    class Page(http.server.BaseHTTPRequestHandler):
        """Answers GET / and nothing else."""

        def do_GET(self) -> None:
            found = self.path.split("?", 1)[0] == "/" and self.headers.get("Host", "") in hosts
            self.send_response(200 if found else 404)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the terminal belongs to the user."""

    try:
        listening = http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used ({error.strerror}); choose another with --port, or none for any free one") from error
    with listening as server:
        bound = server.server_address[1]
        hosts = (f"127.0.0.1:{bound}", f"localhost:{bound}")
        address = f"http://{hosts[0]}/"
        click.echo(f"{address}  (Ctrl-C ends it)")
        threading.Thread(target=_open, args=(address,), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("")
    return 0


def _open(address: str) -> None:
    """Beside the server: a browser in a terminal would keep it from answering. A machine without any browser is no error."""
    try:
        webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return
