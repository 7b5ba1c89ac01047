#!/usr/bin/env python3
"""Checks that every room includes only what the design grants it, and that files stay short.

    scripts/check_layers.py [ROOT]

Rooms are the folders of src/; a public header include/bitgauge/X.h belongs to room X. A room may
include itself, `base`, and the rooms its line in ROOMS names, all of them in lower rows; libraries
of others only where FOREIGN grants them. Prints one line `file:line: reason` per violation; exit
status 1 when there are any.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, NamedTuple

MAX_LINES = 500


class Room(NamedTuple):
    row: int
    uses: frozenset


def room(row: int, uses: str = "") -> Room:
    return Room(row, frozenset(uses.split()))


# The table of the design (docs/overview.md). A room that does not exist yet costs nothing here.
ROOMS = {
    "base": room(0),
    "gguf": room(1),
    "qtype": room(1),
    "stats": room(1),
    "plan": room(1),
    "text": room(1),
    "questions": room(1),
    "store": room(1),
    "hub": room(1),
    "linear": room(1),
    "engine": room(2, "gguf qtype linear"),
    "recipe": room(2, "gguf qtype"),
    "importance": room(2, "gguf stats"),
    "hardware": room(2, "gguf qtype"),
    "rounding": room(2, "linear qtype"),
    "cost": room(3, "gguf qtype stats plan store recipe"),
    "quantize": room(3, "gguf qtype recipe importance stats"),
    "eval": room(3, "gguf qtype rounding engine importance hardware text stats store"),
    "tasks": room(4, "gguf engine eval text questions stats store"),
    "sweep": room(4, "gguf qtype recipe importance quantize engine eval text stats store plan cost"),
    "report": room(4, "qtype store stats plan cost"),
    "chat": room(4, "engine hub text"),
    "cli": room(5, "gguf qtype stats plan text questions store hub engine recipe importance hardware "
                   "quantize eval tasks cost sweep report chat"),
}

# Public headers whose name is not a room's.
PUBLIC_OWNER = {
    "accuracy": "stats",
    "build_identity": "base",
    "context_memory": "base",
    "error": "base",
    "estimate": "base",
    "identity": "base",
    "progress": "base",
    "token": "base",
    "card": "report",
    "drift": "tasks",
    "drift_record": "store",
    "dynamic": "sweep",
    "feedback": "eval",
    "load_memory": "engine",
    "placement": "hardware",
    "prior": "cost",
    "record": "store",
    "table_options": "report",
    "task_record": "store",
    "task_report": "report",
    "speed": "eval",
    "sweep_table": "store",
    "template": "text",
    "verdict": "questions",
    "version": "base",  # written by CMake; a build has it, the tree does not
}

# Libraries of others: pattern of the header's name -> rooms that may include it. The first pattern
# that matches counts. A header that is neither here nor standard is a violation: add it on purpose.
ANY = frozenset(ROOMS)
FOREIGN = [
    (r"llama(-cpp)?\.h", {"engine"}),
    (r"gguf\.h", {"gguf", "engine"}),
    (r"ggml-backend\.h", {"engine", "hardware"}),
    (r"ggml-cpu\.h", {"engine", "qtype"}),
    (r"ggml-cpp\.h", {"gguf", "engine"}),
    (r"ggml.*\.h", {"gguf", "qtype", "engine"}),
    (r"cblas\.h", {"linear"}),
    (r"hwy/.*", {"qtype", "stats", "engine", "rounding", "eval"}),
    (r"immintrin\.h", {"engine"}),  # saturating byte products, which Highway 1.0 has not
    (r"Eigen/.*", {"quantize"}),
    (r"SQLiteCpp/.*", {"store"}),
    (r"sqlite3\.h", {"store"}),
    (r"xxhash\.h", {"base"}),
    (r"boost/(iterator|math)/.*", {"stats"}),
    (r"utf8(cpp)?(/.*)?\.h", {"text"}),
    (r"utf8proc\.h", {"text"}),
    (r"zlib\.h", {"questions"}),
    (r"bzlib\.h", {"questions"}),
    (r"curl/.*", {"hub"}),
    (r"openssl/.*", {"hub"}),
    (r"toml\+\+/.*", {"recipe"}),
    (r"CLI/.*", {"cli"}),
    (r"histedit\.h", {"cli"}),
    (r"fmt/.*", ANY),
    (r"nlohmann/.*", ANY),
    (r"(oneapi/)?tbb/.*", ANY),
    (r"(sys/[a-z]+|linux/magic|dlfcn|unistd|fcntl|sched|signal|spawn|poll|pthread|pwd|stdlib|termios|fnmatch|langinfo)\.h", ANY),
]
# Libraries that only tests and benchmarks use.
FOREIGN_IN_TESTS = [r"gtest/.*", r"gmock/.*", r"rapidcheck(/.*)?(\.h)?", r"benchmark/.*"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
USES = re.compile(r"\bUSES\s+([a-z_ \n]+)")
SOURCES = ("*.h", "*.cpp", "*.inc")


@dataclass(frozen=True)
class Violation:
    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


def main(arguments: list) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    violations = check_tree(root)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


def check_tree(root: Path) -> list:
    violations = [Violation(Path(__file__).name, 1, reason) for reason in table_errors()]
    violations += check_public_headers(root)
    violations += check_rooms(root)
    violations += check_lengths(root)
    return [Violation(relative(v.path, root), v.line, v.reason) for v in violations]


def table_errors() -> Iterator[str]:
    """The table itself: a room uses rooms of lower rows only."""
    for name, entry in ROOMS.items():
        for used in sorted(entry.uses):
            if ROOMS[used].row >= entry.row:
                yield f"the table lets {name} use {used}, which is not in a lower row"


def check_public_headers(root: Path) -> Iterator[Violation]:
    for path in sorted((root / "include" / "bitgauge").glob("*.h")):
        owner = owner_of_public(path.stem)
        if owner is None:
            yield Violation(path, 1, f"public header of no room: '{path.stem}' is neither a room "
                                     "nor in PUBLIC_OWNER")
            continue
        for line, quote, header in includes(path):
            if quote == "<":
                if not is_standard(header):
                    yield Violation(path, line, f"a public header includes <{header}>; only the "
                                                "standard library may be seen from outside")
            elif not header.startswith("bitgauge/"):
                yield Violation(path, line, f'a public header includes "{header}", which is not '
                                            "installed")
            else:
                yield from check_room_include(path, line, owner, header)


def check_rooms(root: Path) -> Iterator[Violation]:
    for folder in sorted(path for path in (root / "src").glob("*") if path.is_dir()):
        if folder.name not in ROOMS:
            yield Violation(folder, 1, f"'{folder.name}' is no room of the table")
            continue
        yield from check_build_file(folder)
        for path in source_files(folder):
            for line, quote, header in includes(path):
                check = check_library_include if quote == "<" else check_room_include
                yield from check(path, line, folder.name, header)


def check_build_file(folder: Path) -> Iterator[Violation]:
    """USES of bitgauge_domain() obeys the same table."""
    path = folder / "CMakeLists.txt"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for match in USES.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        for used in match.group(1).split():
            if used in ROOMS and not may_use(folder.name, used):
                yield Violation(path, line, f"{folder.name} may not use {used}")


def check_room_include(path: Path, line: int, user: str, header: str) -> Iterator[Violation]:
    used = owner_of(header)
    if used is None:
        yield Violation(path, line, f'"{header}" belongs to no room; includes are written from '
                                    "src/ or include/")
    elif not may_use(user, used):
        yield Violation(path, line, f"{user} (row {ROOMS[user].row}) may not include \"{header}\" "
                                    f"of {used} (row {ROOMS[used].row})")


def check_library_include(path: Path, line: int, user: str, header: str) -> Iterator[Violation]:
    if is_standard(header):
        return
    if is_test(path) and any(re.fullmatch(pattern, header) for pattern in FOREIGN_IN_TESTS):
        return
    for pattern, rooms in FOREIGN:
        if re.fullmatch(pattern, header):
            if user not in rooms:
                yield Violation(path, line, f"{user} may not include <{header}>; it belongs to "
                                            f"{', '.join(sorted(rooms))}")
            return
    yield Violation(path, line, f"<{header}> is not in the table of libraries")


def check_lengths(root: Path) -> Iterator[Violation]:
    for folder in ("src", "include", "tests", "fuzz", "bench", "scripts"):
        for path in source_files(root / folder, (*SOURCES, "*.py")):
            lines = path.read_text(encoding="utf-8", errors="replace").count("\n")
            if lines >= MAX_LINES:
                yield Violation(path, MAX_LINES, f"{lines} lines; a file has one subject and fewer "
                                                 f"than {MAX_LINES} lines")


def may_use(user: str, used: str) -> bool:
    return used in ("base", user) or used in ROOMS[user].uses


def owner_of(header: str) -> str | None:
    folder, _, rest = header.partition("/")
    if folder == "bitgauge":
        return owner_of_public(Path(rest).stem)
    return folder if rest and folder in ROOMS else None


def owner_of_public(stem: str) -> str | None:
    return PUBLIC_OWNER.get(stem, stem if stem in ROOMS else None)


def includes(path: Path) -> Iterator[tuple]:
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def source_files(folder: Path, patterns: tuple = SOURCES) -> list:
    return sorted(path for pattern in patterns for path in folder.rglob(pattern))


def is_standard(header: str) -> bool:
    """<vector>, <cmath>: the C++ standard's own headers have neither a dot nor a slash."""
    return re.fullmatch(r"[a-z0-9_]+", header) is not None


def is_test(path: Path) -> bool:
    return re.search(r"_(test|bench|testing)$", path.stem) is not None


def relative(path, root: Path) -> Path:
    path = Path(path)
    return path.relative_to(root) if path.is_relative_to(root) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
