#!/usr/bin/env python3
"""A small Hugging Face on loopback: the file API, ranges, and faults on demand.

    hub_server.py FILE [PORT]      serves FILE as the repository big/model until it is ended

Tests use HubServer: `files` are the repository's contents, `faults` what goes wrong, `seen` every
request with the token that came with it.
"""

import hashlib
import json
import random
import re
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34
PIECE = 1 << 20


@dataclass
class Faults:
    """What goes wrong; everything is off. Names of scenarios are the fields' comments."""

    cuts: int = 0                # so many answers are cut after a random number of bytes
    stalls: int = 0              # so many answers stop in the middle without an end
    statuses: list = field(default_factory=list)  # (status, headers) given first, one per request
    status_for_all: int = 0      # every file's answer
    api_status: int = 0          # every answer of the API
    ignores_range: bool = False
    wrong_bytes: bool = False    # one byte differs from what the hash says
    said_length: int = 0         # added to the length in the answers
    list_length: int = 0         # added to the length in the list of files
    page: bool = False           # a web page instead of the file
    redirect: str = ""           # where files are instead; {path} is the request's
    expires_after: int = 0       # the place redirected to refuses after so many requests, once
    delay_s: float = 0.0         # before each piece of an answer
    piece: int = PIECE
    needs_token: str = ""        # 401 without it


class HubServer:
    def __init__(self, files: dict, host: str = "127.0.0.1", port: int = 0):
        self.files = files
        self.hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        self.faults = Faults()
        self.random = random.Random(5)
        self.seen = []
        self.page_size = 1000
        self.lock = threading.Lock()
        handler = type("Bound", (Handler,), {"hub": self})
        self.server = Quiet((host, port), handler)
        self.port = self.server.server_address[1]
        self.endpoint = f"http://{host}:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, name: str) -> bool:
        """One of a counted fault, if any is left."""
        with self.lock:
            left = getattr(self.faults, name)
            if left > 0:
                setattr(self.faults, name, left - 1)
            return left > 0

    def next_status(self):
        with self.lock:
            return self.faults.statuses.pop(0) if self.faults.statuses else None

    def tokens(self) -> set:
        return {token for _, _, token in self.seen if token}

    def fetched(self) -> list:
        """Ranges of the requests for files."""
        return [span for path, span, _ in self.seen if "/resolve/" in path]


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that leaves is no error


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def log_message(self, *_):
        pass

    def do_GET(self):
        token = self.headers.get("Authorization", "")
        self.hub.seen.append((self.path, self.headers.get("Range"), token))
        if self.hub.faults.needs_token and token != f"Bearer {self.hub.faults.needs_token}":
            return self.answer(401)
        path = urllib.parse.urlsplit(self.path).path
        if path.startswith("/api/models/"):
            return self.api(path)
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        name = urllib.parse.unquote(match[3]) if match else None
        if name not in self.hub.files:
            return self.answer(404)
        self.file(name)

    def answer(self, status: int, body: bytes = b"", headers=()):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    # --- the API ----------------------------------------------------------------------------------

    def api(self, path: str):
        if self.hub.faults.api_status:
            return self.answer(self.hub.faults.api_status)
        if "/missing/" in path:
            return self.answer(404)
        if "/revision/" in path:
            return self.answer(200, json.dumps({"sha": COMMIT}).encode())
        self.list_files()

    def list_files(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        begin = int(query.get("cursor", ["0"])[0])
        entries = [self.entry(name) for name in self.hub.files]
        end = begin + self.hub.page_size
        headers = []
        if end < len(entries):
            address = f"https://elsewhere.invalid{self.path.split('&')[0]}&cursor={end}"
            headers = [("Link", f'<{address}>; rel="next"')]
        self.answer(200, json.dumps(entries[begin:end]).encode(), headers)

    def entry(self, name: str) -> dict:
        data = self.hub.files[name]
        size = len(data) + self.hub.faults.list_length if data else 0
        if name.endswith(".gguf"):
            lfs = {"oid": self.hub.hashes[name], "size": size, "pointerSize": 130}
            return {"type": "file", "path": name, "size": size, "oid": "0" * 40, "lfs": lfs}
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        return {"type": "file", "path": name, "size": size, "oid": oid}

    # --- files ------------------------------------------------------------------------------------

    def file(self, name: str):
        faults = self.hub.faults
        given = self.hub.next_status()
        if given:
            return self.answer(given[0], headers=given[1])
        if faults.status_for_all:
            return self.answer(faults.status_for_all)
        if faults.redirect:
            return self.answer(302, headers=[("Location", faults.redirect.format(path=self.path))])
        if faults.expires_after:
            faults.expires_after -= 1
            if faults.expires_after == 0:
                return self.answer(403)
        if faults.page:
            body = b"<html>please log in</html>"
            return self.answer(200, body, [("Content-Type", "text/html; charset=utf-8")])
        self.send_file(name)

    def span(self, size: int):
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if not match or self.hub.faults.ignores_range:
            return 200, 0, size
        return 206, int(match[1]), min(int(match[2]) + 1, size)

    def send_file(self, name: str):
        faults = self.hub.faults
        data = self.hub.files[name]
        status, begin, end = self.span(len(data))
        self.send_response(status)
        if status == 206:
            total = len(data) + faults.said_length
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{total}")
        else:
            end += faults.said_length
        self.send_header("Content-Length", str(end - begin))
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.send_body(memoryview(data), begin, min(end, len(data)))

    def send_body(self, data: memoryview, begin: int, end: int):
        faults = self.hub.faults
        stop = end
        cut, stalled = self.hub.take("cuts"), False
        if cut:
            stop = self.hub.random.randint(begin, end - 1)
        elif self.hub.take("stalls"):
            stalled, stop = True, (begin + end) // 2
        for at in range(begin, stop, faults.piece):
            if faults.delay_s:
                time.sleep(faults.delay_s)
            piece = data[at:min(at + faults.piece, stop)]
            if faults.wrong_bytes and at == 0:
                piece = b"\xff" + bytes(piece[1:])
            self.wfile.write(piece)
        if stalled:
            time.sleep(60)
        if stop < end:
            self.close_connection = True


def main():
    path = sys.argv[1]
    with open(path, "rb") as file:
        hub = HubServer({"model-Q8_0.gguf": file.read()},
                        port=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(hub.endpoint, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
