"""A provider's batch endpoints on loopback, OpenAI's and Anthropic's: real sockets, in a thread.

    with BatchServer(lambda body: (200, completion("[[A]]"))) as server:
        ...  # server.url ends in /v1

`answer(body)` gives status and JSON of one request, or None for one that expires. A batch ends at its `looks`-th look.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

__all__ = ["BatchServer"]

Answer = tuple[int, Any] | None


class BatchServer:
    """`batches`: request bodies by our id, of each batch taken; `keys`: the keys that came; `trouble(path)` may give
    (status, body, headers) instead of an answer."""

    def __init__(self, answer: Callable[[dict[str, Any]], Answer], *, looks: int = 2) -> None:
        self.answer = answer
        self.looks = looks
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, dict[str, Any]]] = {}
        self.looked: dict[str, int] = {}
        self.keys: set[str | None] = set()
        self.failed: str | None = None
        self.results_host: str | None = None
        self.break_off = 0
        self.trouble: Callable[[str, str], tuple[int, Any] | None] = lambda _method, _path: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> BatchServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(outer) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._do("GET", b"")

            def do_POST(self) -> None:
                self._do("POST", self.rfile.read(int(self.headers["Content-Length"])))

            def _do(self, method: str, body: bytes) -> None:
                outer.keys.add(self.headers.get("x-api-key") or self.headers.get("authorization"))
                trouble = outer.trouble(method, self.path)
                if trouble is not None:
                    return self._send(*trouble)
                found = outer._route(method, self.path.removeprefix("/v1"), body)
                if isinstance(found, bytes):
                    cut = outer.break_off > 0
                    outer.break_off -= 1
                    return self._raw(200, found, cut=cut)
                return self._send(*found)

            def _send(self, status: int, data: Any) -> None:
                self._raw(status, json.dumps(data).encode())

            def _raw(self, status: int, body: bytes, *, cut: bool = False) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.wfile.write(body[: len(body) // 2] if cut else body)
                self.close_connection = cut

        return Handler

    # --- OpenAI: files and batches; Anthropic: message batches ---

    def _route(self, method: str, path: str, body: bytes) -> bytes | tuple[int, Any]:
        parts = path.strip("/").split("/")
        if method == "POST" and path == "/files":
            name = f"file-{len(self.files)}"
            self.files[name] = body.split(b"\r\n\r\n")[-1].rsplit(b"\r\n--", 1)[0]
            return 200, {"id": name}
        if method == "POST" and path == "/batches":
            asked = json.loads(body)
            assert asked["endpoint"] == "/v1/chat/completions"
            lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
            return 200, {"id": self._take({line["custom_id"]: line["body"] for line in lines})}
        if method == "POST" and path == "/messages/batches":
            requests = json.loads(body)["requests"]
            return 200, {"id": self._take({r["custom_id"]: r["params"] for r in requests})}
        if parts[0] == "batches":
            return 200, self._openai(parts[1])
        if parts[0] == "files":
            return self._openai_file(parts[1])
        if parts[-1] == "results":
            return self._anthropic_results(parts[2])
        return 200, self._anthropic(parts[2])

    def _take(self, requests: dict[str, dict[str, Any]]) -> str:
        name = f"batch_{len(self.batches)}"
        self.batches[name] = requests
        self.looked[name] = 0
        return name

    def _ended(self, batch: str) -> bool:
        self.looked[batch] += 1
        return self.looked[batch] >= self.looks

    def _openai(self, batch: str) -> dict[str, Any]:
        if self.failed is not None:
            return {"id": batch, "status": "failed", "errors": {"data": [{"message": self.failed}]}}
        ended = self._ended(batch)
        expired = ended and any(self.answer(b) is None for b in self.batches[batch].values())
        status = "expired" if expired else "completed" if ended else "in_progress"
        files = {"output_file_id": f"out-{batch}", "error_file_id": f"err-{batch}"} if ended else {}
        return {"id": batch, "status": status, "request_counts": {"total": len(self.batches[batch])}, **files}

    def _openai_file(self, name: str) -> bytes:
        kind, _, batch = name.partition("-")
        out = []
        for custom, body in self.batches[batch].items():
            answer = self.answer(body)
            line: dict[str, Any] = {"id": "r", "custom_id": custom, "response": None, "error": None}
            if answer is None:
                line["error"] = {"code": "batch_expired", "message": "expired"}
            else:
                line["response"] = {"status_code": answer[0], "request_id": "q", "body": answer[1]}
            good = answer is not None and answer[0] == 200
            if good == (kind == "out"):
                out.append(json.dumps(line))
        return "\n".join(out).encode()

    def _anthropic(self, batch: str) -> dict[str, Any]:
        ended = self._ended(batch)
        n = len(self.batches[batch])
        return {
            "id": batch,
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {"processing": 0 if ended else n, "succeeded": n if ended else 0},
            "results_url": f"{self.results_host or self.url}/messages/batches/{batch}/results" if ended else None,
        }

    def _anthropic_results(self, batch: str) -> bytes:
        out = []
        for custom, body in self.batches[batch].items():
            answer = self.answer(body)
            if answer is None:
                result: dict[str, Any] = {"type": "expired"}
            elif answer[0] == 200:
                result = {"type": "succeeded", "message": answer[1]}
            else:
                kind = {429: "rate_limit_error", 529: "overloaded_error", 400: "invalid_request_error"}[answer[0]]
                result = {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": "no"}}}
            out.append(json.dumps({"custom_id": custom, "result": result}))
        return "\n".join(reversed(out)).encode() + b"\n"
