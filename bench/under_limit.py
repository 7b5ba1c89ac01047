#!/usr/bin/env python3
"""A model that is larger than memory: what staged evaluation costs there.

    bench/under_limit.py BITGAUGE MODEL TEXT [--limit-gib 1] [--windows 4] [--perplexity PROGRAM]

Runs `baseline` without and with a limit on memory, then `measure` with it, in control groups
(version 1; needs root), each with a cold page cache, and prints time, tokens per second, what the
machine's disks read meanwhile and the highest use of memory. With --perplexity also llama-perplexity under the
same limit, stopped after --patience seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
NAME = "bitgauge-under-limit"


def own_group(controller: str) -> Path:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return GROUPS / controller / path.lstrip("/")
    sys.exit(f"no control group for {controller}: version 1 is needed")


class Group:
    """Processes that share a limit on memory, page cache included."""

    def __init__(self, limit: int):
        self.memory = own_group("memory") / NAME
        self.memory.mkdir(exist_ok=True)
        if limit:
            (self.memory / "memory.limit_in_bytes").write_text(str(limit))

    def enter(self):
        (self.memory / "cgroup.procs").write_text(str(os.getpid()))

    def peak(self) -> int:
        return int((self.memory / "memory.max_usage_in_bytes").read_text())

    def remove(self):
        self.memory.rmdir()


def disk_reads() -> int:
    """Bytes all whole disks have read since the machine started."""
    total = 0
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if (Path("/sys/block") / fields[2]).exists():
            total += int(fields[5]) * 512
    return total


def drop_cache():
    subprocess.run(["sync"], check=True)
    Path("/proc/sys/vm/drop_caches").write_text("3")


def run(command: list, limit: int, patience: float = 3600) -> dict:
    drop_cache()
    group = Group(limit)
    begin, read = time.monotonic(), disk_reads()
    try:
        done = subprocess.run(command, preexec_fn=group.enter, capture_output=True, text=True,
                              timeout=patience, check=False)
        status, said = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        status, said = "stopped", (late.stdout or b"").decode() + (late.stderr or b"").decode()
    row = {"seconds": round(time.monotonic() - begin, 1), "status": status,
           "read_mib": (disk_reads() - read) >> 20, "peak_mib": group.peak() >> 20, "said": said}
    group.remove()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bitgauge", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--limit-gib", type=float, default=1)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--perplexity", type=Path)
    parser.add_argument("--patience", type=float, default=600)
    a = parser.parse_args()
    limit = int(a.limit_gib * 2**30)
    tokens = a.windows * a.window
    work = Path(tempfile.mkdtemp(prefix="under-limit-", dir=a.model.parent))
    engine = ["--threads", str(a.threads)]

    def baseline(name):
        return [str(a.bitgauge), "baseline", str(a.model), "-t", str(a.text), "--window",
                str(a.window), "--max-windows", str(a.windows), "-o", str(work / name)] + engine

    rows = {"baseline, no limit": run(baseline("free"), 0),
            "baseline, limited": run(baseline("tight"), limit),
            "measure, limited": run([str(a.bitgauge), "measure", str(a.model), "-b",
                                     str(work / "tight"), "--store", str(work / "store.db")] +
                                    engine, limit)}
    same = all((work / "free" / f.name).read_bytes() == f.read_bytes()
               for f in (work / "tight").glob("states-*.gguf"))
    if a.perplexity:
        rows["llama-perplexity, limited"] = run(
            [str(a.perplexity), "-m", str(a.model), "-f", str(a.text), "-c", str(a.window),
             "--chunks", str(a.windows), "-t", str(a.threads or os.cpu_count())], limit, a.patience)
    shutil.rmtree(work)
    size = a.model.stat().st_size >> 20
    print(f"{a.model.name}: {size} MiB of file, limit {limit >> 20} MiB, {tokens} tokens; "
          f"states limited and not: {'equal bytes' if same else 'DIFFERENT'}")
    print("| run | s | tokens/s | read, MiB | read / file | peak, MiB | status |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for name, row in rows.items():
        print(f"| {name} | {row['seconds']} | {tokens / row['seconds']:.1f} | {row['read_mib']} | "
              f"{row['read_mib'] / size:.2f} | {row['peak_mib']} | {row['status']} |")
    for name, row in rows.items():
        if row["status"] != 0:
            print(f"\n{name}: {row['said'][-400:]}")
    print(json.dumps({name: {k: v for k, v in row.items() if k != 'said'}
                      for name, row in rows.items()}))


if __name__ == "__main__":
    main()
