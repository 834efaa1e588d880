"""How far behind the service is, over HTTP: `/status` as JSON, `/metrics` for Prometheus."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from steel_defect.watch.outbox import Outbox

_PREFIX: Final = "steel_defect_watch_"
_POLL_SECONDS: Final = 0.2


def status_of(outbox: Outbox, folder: Path) -> dict[str, Any]:
    """What `/status` shows."""
    backlog = outbox.backlog()
    behind = 0.0 if backlog.oldest_since is None else max(0.0, time.time() - backlog.oldest_since)
    return {
        "pictures_waiting": backlog.waiting,
        "pictures_retried": backlog.retried,
        "seconds_behind": round(behind, 1),
        "error": backlog.error,
        "outcomes_waiting": backlog.undelivered,
        "counts": backlog.counts,
        "disk_free_bytes": shutil.disk_usage(folder).free,
    }


def metrics_of(status: dict[str, Any]) -> str:
    """The same for Prometheus, https://prometheus.io/docs/instrumenting/exposition_formats/."""
    names = ("pictures_waiting", "pictures_retried", "seconds_behind", "disk_free_bytes")
    rows = [(name, "gauge", "", status[name]) for name in names]
    rows += [("outcomes_waiting", "gauge", f'{{receiver="{one}"}}', n) for one, n in status["outcomes_waiting"].items()]
    rows += [("pictures_total", "counter", f'{{outcome="{one}"}}', n) for one, n in status["counts"].items()]
    lines: dict[str, None] = {}
    for name, kind, labels, value in rows:
        lines[f"# TYPE {_PREFIX}{name} {kind}"] = None
        lines[f"{_PREFIX}{name}{labels} {value}"] = None
    return "\n".join(lines) + "\n"


def serve_status(outbox: Outbox, folder: Path, server: ThreadingHTTPServer, stop: Event) -> None:
    """Answer until `stop`."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path not in {"/status", "/metrics"}:
                self.send_error(404)
                return
            try:
                status = status_of(outbox, folder)
            except (sqlite3.Error, OSError) as error:
                self.send_error(503, str(error))
                return
            as_json = self.path == "/status"
            body = (json.dumps(status, indent=2) + "\n" if as_json else metrics_of(status)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if as_json else "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads who asked."""

    server.RequestHandlerClass = Handler
    server.timeout = _POLL_SECONDS
    with server:
        while not stop.is_set():
            server.handle_request()
