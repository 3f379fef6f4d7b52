"""A real HTTP server that takes events as the scheduler does, and can be told to misbehave."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Stores events once each by number; survives a restart as a database does."""

    def __init__(self) -> None:
        self.stored: dict[int, dict[str, Any]] = {}
        self.posts: list[list[int]] = []
        self.tokens: set[str] = set()
        self.failures: list[int] = []
        self.delay = 0.0
        self.lose_answers = 0
        self.refuse_kind: str | None = None
        self.refuse_above: int | None = None
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/events"

    def last_contiguous(self) -> int:
        last = 0
        while last + 1 in self.stored:
            last += 1
        return last

    def kinds(self) -> list[str]:
        return [self.stored[seq]["type"] for seq in sorted(self.stored)]

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = receiver.receive(self.headers, json.loads(body)["events"])
                payload = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: Any) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def receive(self, headers: Any, events: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        time.sleep(self.delay)
        self.tokens.add(headers.get("authorization", ""))
        self.posts.append([event["seq"] for event in events])
        if self.failures:
            return self.failures.pop(0), {}
        if self.refuse_above is not None and len(events) > self.refuse_above:
            return 413, {}
        if any(event["type"] == self.refuse_kind for event in events):
            return 422, {}
        self.stored.update({event["seq"]: event for event in events})
        if self.lose_answers:
            self.lose_answers -= 1
            return 502, {}
        return 200, {"accepted": len(events), "lastSeq": self.last_contiguous()}
