#!/usr/bin/env python3
"""What `measure --until-decided` saves: the same files measured in full and until decided.

    until_decided.py --program build/release/bin/bitgauge --original BF16.gguf --text TEXT...
                     --types Q8_0 Q6_K ... --out FOLDER [--seeds 1 2 3]

The files of the types are made by `bitgauge quantize`. Prints per seed the share of positions that
was needed and whether the ranking is that of the full run.
"""

import argparse
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def program(options, *arguments) -> str:
    command = [str(word) for word in (options.program, *arguments)]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def make_files(options):
    files = []
    for kind in options.types:
        path = options.work / f"{options.original.stem}-{kind}.gguf"
        if not path.exists():
            program(options, "quantize", options.original, "-r", kind, "-o", path)
        files.append(path)
    return files


def measured(options, files, store, *arguments):
    """Ranks by file and scored positions of one run."""
    store.unlink(missing_ok=True)
    program(options, "measure", *files, "-b", options.work / "baseline", "--store", store,
            "--threads", options.threads, *arguments)
    board = json.loads(program(options, "report", "--store", store, "--format", "json"))
    return ({row["name"]: row["rank"] for row in board["leaderboards"][0]["rows"]},
            board["records"][0]["scored_positions"])


def order(ranks) -> str:
    by_rank = sorted(ranks.items(), key=lambda item: (item[1], item[0]))
    return " < ".join(f"{rank} {name}" for name, rank in by_rank)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--original", type=Path, required=True)
    parser.add_argument("--text", type=Path, nargs="+", required=True)
    parser.add_argument("--types", nargs="+", required=True)
    parser.add_argument("--window", type=int, default=512, help="tokens")
    parser.add_argument("--max-windows", type=int, default=0, help="of the text; 0: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=ROOT / "out/until-decided")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    files = make_files(options)
    program(options, "baseline", options.original, "-t", *options.text, "-o", options.work / "baseline",
            "--window", options.window, "--max-windows", options.max_windows, "--threads", options.threads)
    full, positions = measured(options, files, options.work / "full.db")
    lines = ["# Measuring until the ranking is decided", "",
             f"{len(files)} files of {options.original.stem}; the full run scores {positions:,} positions "
             "of every file. Ranking of the full run (KLD, best first):", "", f"    {order(full)}", "",
             "| seed | positions | share | same ranking |", "|---|---|---|---|"]
    for seed in options.seeds:
        ranks, needed = measured(options, files, options.work / f"seed-{seed}.db",
                                 "--until-decided", "--seed", seed)
        lines.append(f"| {seed} | {needed:,} | {100 * needed / positions:.1f} % | "
                     f"{'yes' if ranks == full else 'no: ' + order(ranks)} |")
        print(lines[-1], flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "until-decided.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
