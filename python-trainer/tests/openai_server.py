"""A real HTTP server that speaks the protocol of chat completions, and fails on purpose."""

import hashlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = tuple[int, dict[str, str], str] | str
"""A status with headers and body, or how the connection ends: "cut" after half an answer, "malformed"."""

WORDS = ("river", "stone", "quiet", "lantern", "harbor", "winter", "copper", "meadow", "signal", "orchard", "velvet")


def essay(prompt: str) -> str:
    """A text that follows from the prompt, and that no other prompt gives."""
    digest = hashlib.sha512(prompt.encode()).digest()
    return " ".join(WORDS[byte % len(WORDS)] for byte in digest) + f" {digest.hex()[:12]}"


class OpenAiServer:
    """Counts what each prompt was asked and answered; `faults` are spent one a request."""

    def __init__(self, write: Callable[[str], str] = essay, *, delay: float = 0.0, usage: bool = True) -> None:
        self.write = write
        self.delay = delay
        self.usage = usage
        self.faults: list[Fault] = []
        self.always: Fault | None = None
        self.finish = "stop"
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.alive = 0
        self.most_alive = 0
        self._lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.reply(200, {}, json.dumps({"data": [{"id": "writer"}, {"id": "writer-large"}]}))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with stub._lock:
                    stub.alive += 1
                    stub.most_alive = max(stub.most_alive, stub.alive)
                try:
                    self.answer(body)
                finally:
                    with stub._lock:
                        stub.alive -= 1

            def answer(self, body: dict[str, Any]) -> None:
                prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
                with stub._lock:
                    stub.asked[prompt] += 1
                    stub.bodies.append(body)
                    stub.keys.add(self.headers.get("authorization", ""))
                    fault = stub.always if stub.always is not None else stub.faults.pop(0) if stub.faults else None
                time.sleep(stub.delay)
                text = stub.write(prompt)
                message = {"message": {"content": text}} if "messages" in body else {"text": text}
                whole = {"model": "writer-1", "choices": [{**message, "finish_reason": stub.finish}]}
                if stub.usage:
                    whole["usage"] = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split())}
                if fault == "cut":
                    self.send_response(200)
                    self.send_header("content-length", "1000000")
                    self.end_headers()
                    self.wfile.write(json.dumps(whole)[:40].encode())
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                elif fault == "malformed":
                    self.reply(200, {}, json.dumps(whole)[:-7])
                elif fault is not None:
                    self.reply(*fault)
                else:
                    self.reply(200, {}, json.dumps(whole))

            def reply(self, status: int, headers: dict[str, str], text: str) -> None:
                payload = text.encode()
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def says(message: str) -> str:
    """An error body as these servers write it."""
    return json.dumps({"error": {"message": message}})


def topics(count: int) -> Iterable[str]:
    return [f"topic number {index}" for index in range(count)]
