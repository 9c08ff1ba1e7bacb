"""/metrics, /healthz and /readyz of a process."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


class HealthServer:
    """Answers on its own thread. `alive` false asks to be restarted, `ready` false to be left alone."""

    def __init__(
        self, host: str, port: int, *, ready: Callable[[], bool], alive: Callable[[], bool] = lambda: True
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
                    "/metrics": lambda: (200, CONTENT_TYPE_LATEST, generate_latest()),
                    "/healthz": lambda: _answer(alive()),
                    "/readyz": lambda: _answer(ready()),
                }
                answer = answers.get(self.path.partition("?")[0])
                status, media_type, body = answer() if answer else (404, "text/plain", b"not found\n")
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _answer(good: bool) -> tuple[int, str, bytes]:
    return (200, "text/plain", b"ok\n") if good else (503, "text/plain", b"not ready\n")
