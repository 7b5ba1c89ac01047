#!/usr/bin/env python3
"""How fast `bitgauge pull` fetches from loopback, beside curl, in turn.

    pull_against_curl.py --program build/release/bin/bitgauge [--mib 1024] [--pairs 7]
                         [--work FOLDER] [--checked]

A server of its own process sends one file of random bytes from the page cache with sendfile(), which
is as little work as a server can have. Measured are whole processes:
  curl                 curl -o FILE: neither checks nor keeps what it wrote from a power failure
  pull                 bitgauge pull with its 8 connections: checks the hash, syncs
  pull, 1 connection   the same with --connections 1
  curl, checked        with --checked: curl, then sha256sum and sync of the file
Server, client and disk share one machine, so no figure is one of a network. Each line's ratio is the
median over rounds of curl's seconds divided by its own; more is faster. Prints a table in Markdown.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cli"))

NAME = "model-Q8_0.gguf"
MIB = 1 << 20
SERVER = """
import mmap, os, sys, threading
from pathlib import Path
import hub_server

class Sender(hub_server.Handler):
    def send_body(self, data, begin, end):
        self.wfile.flush()
        while begin < end:
            begin += os.sendfile(self.connection.fileno(), FILE.fileno(), begin, end - begin)

hub_server.Handler = Sender
FILE = open(sys.argv[1], "rb")
hub = hub_server.HubServer({sys.argv[2]: mmap.mmap(FILE.fileno(), 0, access=mmap.ACCESS_READ)})
print(hub.endpoint, flush=True)
threading.Event().wait()
"""


def main():
    options = parse()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        folder = Path(folder)
        source = folder / "source"
        with source.open("wb") as file:
            for _ in range(options.mib):
                file.write(os.urandom(MIB))
        os.sync()
        server, endpoint = start_server(source)
        try:
            seconds = measure(options, folder, endpoint)
        finally:
            server.kill()
        print(table(options, seconds))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--checked", action="store_true", help="also curl and what makes it as sure")
    parser.add_argument("--work", type=Path, help="where files are written [the system's temporary folder]")
    return parser.parse_args()


def start_server(source: Path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "cli")}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(source), NAME], text=True,
                              stdout=subprocess.PIPE, env=environment)
    return server, server.stdout.readline().strip()


def measure(options, folder: Path, endpoint: str) -> dict:
    address = f"{endpoint}/big/model/resolve/main/{NAME}"
    got = folder / "got"
    curl = ["curl", "-sS", "-o", got, address]
    ways = {
        "curl": [curl],
        "pull": [pull(options, endpoint)],
        "pull, 1 connection": [pull(options, endpoint, "--connections", "1")],
    }
    if options.checked:
        ways["curl, checked"] = [curl, ["sha256sum", got], ["sync", got]]
    seconds = {name: [] for name in ways}
    for _ in range(options.pairs):
        for name, commands in ways.items():
            seconds[name].append(timed(commands, folder))
    return seconds


def pull(options, endpoint: str, *more):
    return [options.program.resolve(), "pull", "big/model:Q8_0", "--endpoint", endpoint, "--quiet", *more]


def timed(commands, folder: Path) -> float:
    home = folder / "home"
    environment = {**os.environ, "HF_HOME": str(home)}
    begin = time.monotonic()
    for command in commands:
        subprocess.run([str(word) for word in command], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
    took = time.monotonic() - begin
    shutil.rmtree(home, ignore_errors=True)
    (folder / "got").unlink(missing_ok=True)
    os.sync()
    return took


def table(options, seconds: dict) -> str:
    lines = [f"{options.mib} MiB, {options.pairs} rounds.", "",
             "| | s, median | MiB/s | least and most s | curl's s / its s |", "|---|---:|---:|---:|---:|"]
    for name, took in seconds.items():
        ratio = statistics.median(c / own for c, own in zip(seconds["curl"], took))
        median = statistics.median(took)
        lines.append(f"| {name} | {median:.2f} | {options.mib / median:,.0f} | "
                     f"{min(took):.2f}, {max(took):.2f} | {ratio:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
