#!/usr/bin/env python3
"""Choices by likelihood against llama-perplexity, question by question.

    tasks_test.py --program build/dev/bin/bitgauge [--count N] [--hellaswag FILE]

The same questions as HellaSwag (--hellaswag) and in the binary form of --multiple-choice: right and
wrong must be the same for every one, but for those whose two likeliest choices are nearer than what
the size of llama-perplexity's batches (-np) changes in its own answers. Without --hellaswag,
questions are made of an excerpt of WikiText: a sentence's beginning with its own end and those of
three others.
Exit status 0 so, 1 not so, 77 skipped (llama.cpp's tools or the model are not here).
"""

import argparse
import json
import re
import struct
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

from peer_test import SKIPPED, run, tools_folder  # noqa: E402

MODEL = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
TEXT = ROOT / "data/text/wiki.test.excerpt.raw"
CHOICES = 4
WORDS = 12  # of a sentence's beginning
SEQUENCES = (4, 64)  # of a batch
NEAR = 2e-4  # nats per token: 4 and 64 sequences make such choices change places


class MersenneTwister:
    """std::mt19937, and std::uniform_int_distribution as libstdc++ has it."""

    def __init__(self, seed: int):
        self.state = [seed]
        for i in range(1, 624):
            before = self.state[-1]
            self.state.append((1812433253 * (before ^ (before >> 30)) + i) & 0xFFFFFFFF)
        self.at = 624

    def twist(self):
        s = self.state
        for k in range(624):
            y = (s[k] & 0x80000000) | (s[(k + 1) % 624] & 0x7FFFFFFF)
            s[k] = s[(k + 397) % 624] ^ (y >> 1) ^ (0x9908B0DF if y & 1 else 0)
        self.at = 0

    def next(self) -> int:
        if self.at >= 624:
            self.twist()
        y = self.state[self.at]
        self.at += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C5680
        y ^= (y << 15) & 0xEFC60000
        return (y ^ (y >> 18)) & 0xFFFFFFFF

    def below(self, n: int) -> int:
        product = self.next() * n
        if product & 0xFFFFFFFF < n:
            threshold = ((1 << 32) - n) % n
            while product & 0xFFFFFFFF < threshold:
                product = self.next() * n
        return product >> 32


def shuffled(n: int) -> list:
    """The order in which llama-perplexity takes HellaSwag's questions."""
    dice, left = MersenneTwister(1), list(range(n))
    return [left.pop(dice.below(len(left))) for _ in range(n)]


# Questions: (prompt, index of the right choice, choices).


def from_hellaswag(path: Path, count: int) -> list:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [(lines[i], int(lines[i + 1]), lines[i + 2:i + 6]) for i in range(0, 6 * count, 6)]


def from_text(count: int) -> list:
    sentences = [words for words in (s.split() for s in TEXT.read_text(encoding="utf-8").split(" . "))
                 if len(words) > 2 * WORDS and "=" not in words]
    ends = [" ".join(words[WORDS:2 * WORDS]) for words in sentences]
    questions = []
    for i, words in enumerate(sentences[:count]):
        others = list(dict.fromkeys(end for end in ends[i + 1:] + ends[:i] if end != ends[i]))[:CHOICES - 1]
        right = i % CHOICES
        questions.append((" ".join(words[:WORDS]), right, others[:right] + [ends[i]] + others[right:]))
    return questions


def write_hellaswag(path: Path, questions: list):
    path.write_text("".join("\n".join([prompt, str(right), *choices]) + "\n"
                            for prompt, right, choices in questions), encoding="utf-8")


def write_binary(path: Path, questions: list):
    """llama.cpp's multiple_choice_task: texts with their lengths, labels; mc2 is not read but there."""
    def text(value: str) -> bytes:
        encoded = value.encode("utf-8")
        return struct.pack("<I", len(encoded)) + encoded

    def answers(choices, right) -> bytes:
        labels = [1 if i == right else 0 for i in range(len(choices))]
        return (struct.pack("<I", len(choices)) + b"".join(map(text, choices))
                + struct.pack(f"<{len(choices)}i", *labels))

    tasks = [text(prompt) + answers(choices, right) + answers(choices, right)
             for prompt, right, choices in questions]
    offsets, at = [], 4 + 4 * len(tasks)
    for task in tasks:
        offsets.append(at)
        at += len(task)
    path.write_bytes(struct.pack("<I", len(tasks)) + struct.pack(f"<{len(tasks)}I", *offsets)
                     + b"".join(tasks))


# What both say: 0 or 1 per question.


def of_running_accuracy(printed: str, pattern: str, count: int) -> list:
    shares = [float(m[2]) / 100 * int(m[1]) for m in re.finditer(pattern, printed, re.MULTILINE)]
    if len(shares) != count:
        sys.exit(f"llama-perplexity printed {len(shares)} accuracies for {count} questions")
    rights = [0] + [round(share) for share in shares]
    return [after - before for before, after in zip(rights, rights[1:])]


def perplexity(tools: Path, sequences: int, *arguments) -> str:
    done = run([tools / "llama-perplexity", "-m", MODEL, "-t", "1", "-fit", "off", "-np", str(sequences),
                *map(str, arguments)])
    return done.stdout + done.stderr


def peer_hellaswag(tools: Path, sequences: int, file: Path, count: int) -> list:
    printed = perplexity(tools, sequences, "-f", file, "--hellaswag", "--hellaswag-tasks", count)
    taken = of_running_accuracy(printed, r"^(\d+)\t([\d.]+)%\t", count)
    right = [0] * count
    for question, is_right in zip(shuffled(count), taken):
        right[question] = is_right
    return right


def peer_multiple_choice(tools: Path, sequences: int, file: Path, count: int) -> list:
    printed = perplexity(tools, sequences, "-bf", file, "--multiple-choice")
    return of_running_accuracy(printed, r"^(\d+)\t([\d.]+)$", count)


class Ours:
    """By the number of the question, from 0: right, and how near the two likeliest choices are."""

    def __init__(self, program: Path, file: Path, folder: Path):
        store = folder / f"{file.stem}.db"
        done = run([program, "tasks", MODEL, "--questions", file, "--store", store, "--threads", "1",
                    "--json", "--quiet"])
        record = json.loads(done.stdout)["records"][0]["answers"]
        self.numbers = [int(re.sub(r"\D", "", name)) for name in record["question"]]
        self.first = min(self.numbers)
        self.right = {n - self.first: right for n, right in zip(self.numbers, record["right"])}
        journal, = Path(f"{store}.answers").glob("*-weighed-*.jsonl")
        answers = map(json.loads, journal.read_text(encoding="utf-8").split("\n")[1:-1])
        self.near = {n - self.first: nearness(a) for n, a in zip(self.numbers, answers)}


def nearness(answer: dict) -> float:
    means = sorted(s / n for s, n in zip(answer["log_likelihoods"], answer["tokens"]))
    return means[-1] - means[-2]


def compare(name: str, ask_peer, found: Ours) -> bool:
    theirs = [ask_peer(sequences) for sequences in SEQUENCES]
    different = [i for i, right in found.right.items() if right != theirs[0][i]]
    others = [i for i in found.right if theirs[0][i] != theirs[1][i]]
    print(f"{name}: {sum(found.right.values())} of {len(found.right)} right; by llama-perplexity with "
          f"{' and '.join(map(str, SEQUENCES))} sequences {' and '.join(str(sum(t)) for t in theirs)}")
    for i in different:
        print(f"  {i}: another answer, two choices {found.near[i]:.2g} nats per token apart")
    for i in others:
        print(f"  {i}: llama-perplexity answers differently with {SEQUENCES[1]} sequences, choices "
              f"{found.near[i]:.2g} apart")
    sys.stdout.flush()
    return (len(found.right) == len(theirs[0])
            and all(found.near[i] < NEAR for i in different))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--hellaswag", type=Path, help="in llama.cpp's text form")
    options = parser.parse_args()
    tools = tools_folder()
    if tools is None or not MODEL.exists():
        return SKIPPED
    questions = (from_hellaswag(options.hellaswag, options.count) if options.hellaswag
                 else from_text(options.count))
    with tempfile.TemporaryDirectory(prefix="bitgauge-tasks-") as name:
        folder = Path(name)
        text, binary = folder / "hellaswag.txt", folder / "multiple-choice.bin"
        write_hellaswag(text, questions)
        write_binary(binary, questions)
        count = len(questions)
        same = compare("HellaSwag", lambda n: peer_hellaswag(tools, n, text, count),
                       Ours(options.program, text, folder))
        same &= compare("multiple choice",
                        lambda n: peer_multiple_choice(tools, n, binary, count),
                        Ours(options.program, binary, folder))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
