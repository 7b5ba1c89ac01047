"""Inputs of the program's tests: damaged, foreign and split models, and texts.

Each function is one line `% NAME OUTPUT ARGUMENTS...` of a test; OUTPUT lies in the scratch folder.
"""

import fnmatch
import json
import os
import shlex
import struct
import subprocess
from math import prod
from pathlib import Path
from string import Template

import imatrix_files
from gguf_edit import ARRAY, STRING, Gguf, Tensor

ROOT = Path(__file__).resolve().parent.parent.parent
TINYMOE = ROOT / "data/tinymoe/tinymoe-BF16.gguf"
BABY = ROOT / "tests/data/babyllama105/babyllama105-f32.gguf"

F32, F16, BF16 = 0, 1, 30
TYPES = {"f32": F32, "f16": F16, "bf16": BF16, "q8_0": 8, "q4_K": 12, "q5_K": 13, "q6_K": 14,
         "iq3_s": 21, "iq4_xs": 23, "iq4_k": 139, "iq4_ks": 144}
ROW_BYTES = {0: lambda n: 4 * n, 1: lambda n: 2 * n, 30: lambda n: 2 * n,
             8: lambda n: n // 32 * 34, 12: lambda n: n // 256 * 144, 13: lambda n: n // 256 * 176,
             14: lambda n: n // 256 * 210, 21: lambda n: n // 256 * 110, 23: lambda n: n // 256 * 136,
             139: lambda n: n // 256 * 144, 144: lambda n: 4 + n // 256 * 136}
NAN = {F32: struct.pack("<f", float("nan")), F16: b"\x00\x7e", BF16: b"\xc0\x7f"}
HUGE = {F32: struct.pack("<f", 1e30), BF16: b"\x4a\x71"}
INF = {F32: struct.pack("<f", float("inf")), F16: b"\x00\x7c", BF16: b"\x80\x7f"}


def make(line: str, scratch: Path, variables: dict, skip):
    words = [Template(word).safe_substitute(variables) for word in shlex.split(line)]
    name, output, *arguments = words
    source = arguments[0] if arguments else ""
    if source.startswith(str(ROOT)) and not Path(source).exists():
        raise skip(f"{Path(source).relative_to(ROOT)} is not here")
    arguments = [str(scratch / argument) if argument and (scratch / argument).exists() else argument
                 for argument in arguments]
    FUNCTIONS[name](scratch / output, *arguments)


# --- questions ------------------------------------------------------------------------------------


def questions(output: Path, count: str):
    """A third each by letter, to be continued, and with a number as the answer."""
    rows = []
    for n in range(int(count) // 3):
        rows += [{"id": f"letter-{n}", "kind": "letter", "category": f"c{n % 2}", "question": f"Which is {n}?",
                  "choices": [str(n), str(n + 1), "none"], "correct": n % 3},
                 {"id": f"go-on-{n}", "kind": "continuation", "prompt": f"{n} is followed by",
                  "choices": [str(n + 1), f"the word {n}"], "correct": 0},
                 {"id": f"value-{n}", "kind": "value", "question": f"What is {n} + 1?", "answer": str(n + 1)}]
    output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


# --- models ---------------------------------------------------------------------------------------


def truncate(output: Path, source: str, size: str):
    """The first SIZE bytes; a negative SIZE leaves out the last ones."""
    output.write_bytes(Path(source).read_bytes()[:int(size)])


def architecture(output: Path, source: str, name: str):
    """The same model said to be of another architecture."""
    model = Gguf(source)
    model.set_text("general.architecture", name)
    model.write(output)


def key(output: Path, source: str, name: str, value: str):
    """One number of the header changed."""
    model = Gguf(source)
    kind = model.keys[name][0]
    model.keys[name] = (kind, type(model.keys[name][1])(value))
    model.write(output)


def nan(output: Path, source: str, tensor: str, element: str = "0"):
    not_finite(output, source, tensor, element, NAN)


def inf(output: Path, source: str, tensor: str, element: str = "0"):
    not_finite(output, source, tensor, element, INF)


def not_finite(output: Path, source: str, tensor: str, element: str, values: dict):
    model = Gguf(source)
    value = values[model.tensor(tensor).type_id]
    model.poke(tensor, int(element) * len(value), value)
    model.write(output)


def huge(output: Path, source: str, tensor: str, element: str = "0"):
    """One weight becomes 1e30, as is seen in damaged originals."""
    not_finite(output, source, tensor, element, HUGE)


def imatrix(output: Path, source: str, unseen_share: str = "0"):
    """Importance for the matrices of SOURCE; the older format where OUTPUT ends in .dat."""
    entries = imatrix_files.entries_of(Gguf(source), float(unseen_share))
    write = imatrix_files.write_older if output.suffix == ".dat" else imatrix_files.write_gguf
    write(output, entries)


def imatrix_of(output: Path, source: str, path: str, content_hash: str):
    """Importance that names the text it was made from, as bitgauge writes it."""
    imatrix(output, source)
    file = Gguf(output)
    file.keys |= {f"bitgauge.importance.text.{name}": (ARRAY, (STRING, [value])) for name, value in
                  (("paths", path), ("strata", Path(path).stem), ("hashes", content_hash))}
    file.keys["bitgauge.importance.text.documents"] = (ARRAY, (10, [1]))
    file.write(output)


def without_entry(output: Path, source: str, tensor: str):
    """Importance that says nothing about one tensor."""
    entries = imatrix_files.entries_of(Gguf(source), 0)
    del entries[tensor]
    imatrix_files.write_gguf(output, entries)


def vocabulary(output: Path, source: str):
    """Two tokens change places: every text becomes other tokens, the size stays."""
    model = Gguf(source)
    tokens = model.array("tokenizer.ggml.tokens")
    tokens[-1], tokens[-2] = tokens[-2], tokens[-1]
    model.write(output)


def same_token(output: Path, source: str, first: str, second: str):
    """Two entries of the tokenizer with the same text."""
    model = Gguf(source)
    tokens = model.array("tokenizer.ggml.tokens")
    tokens[int(second)] = tokens[int(first)]
    model.write(output)


def token(output: Path, source: str, number: str, content: str):
    """One entry of the tokenizer with another text; \\x1b and the like are read as such."""
    model = Gguf(source)
    model.array("tokenizer.ggml.tokens")[int(number)] = content.encode("ascii").decode("unicode_escape")
    model.write(output)


def shorter_array(output: Path, source: str, name: str, count: str):
    """Only the first COUNT elements of an array of the header."""
    model = Gguf(source)
    del model.array(name)[int(count):]
    model.write(output)


def smaller_vocabulary(output: Path, source: str, count: str):
    """The last COUNT tokens are gone, from the tokenizer and from embedding and head."""
    model = Gguf(source)
    size = len(model.array("tokenizer.ggml.tokens"))
    for name, (kind, value) in model.keys.items():
        if kind == ARRAY and len(value[1]) == size:
            del value[1][size - int(count):]
    for tensor in [tensor for tensor in model.tensors if size in tensor.shape]:
        model.resize(tensor.name, [size - int(count) if n == size else n for n in tensor.shape])
    for name in list(model.keys):
        if name.endswith(".vocab_size"):
            model.keys[name] = (model.keys[name][0], size - int(count))
    model.write(output)


def resize(output: Path, source: str, tensor: str, shape: str):
    """One tensor of another shape, 128x512 for example."""
    model = Gguf(source)
    model.resize(tensor, [int(n) for n in shape.split("x")])
    model.write(output)


def rename_tensor(output: Path, source: str, old: str, new: str):
    model = Gguf(source)
    model.tensor(old).name = new
    model.write(output)


def types(output: Path, source: str, *assignments: str):
    """Tensors in other types, all of them zeros; each assignment is PATTERN=TYPE, the last one that
    fits counts."""
    model, chosen = Gguf(source), {}
    for assignment in assignments:
        pattern, name = assignment.split("=")
        chosen |= {tensor.name: TYPES[name] for tensor in model.tensors
                   if fnmatch.fnmatchcase(tensor.name, pattern)}
    model.retype(chosen, ROW_BYTES)
    model.write(output)


def key_text(output: Path, source: str, name: str, value: str):
    """One text of the header, new or changed."""
    model = Gguf(source)
    model.set_text(name, value)
    model.write(output)


def template(output: Path, source: str, path: str):
    """A model with the chat template of a file."""
    key_text(output, source, "tokenizer.chat_template", Path(path).read_text(encoding="utf-8"))


def key_flags(output: Path, source: str, name: str, flags: str):
    """An array of flags, one per letter: t or f."""
    model = Gguf(source)
    model.keys[name] = (ARRAY, (7, [letter == "t" for letter in flags]))
    model.write(output)


def backwards(output: Path, source: str):
    """The same tensors, the last one first."""
    model = Gguf(source)
    model.write_part(output, model.tensors[::-1], model.keys)


def nextn(output: Path, source: str):
    """One layer more, which predicts the token after the next: a copy of the last one, behind a
    projection of embedding and state."""
    model = Gguf(source)
    arch = model.keys["general.architecture"][1]
    layers = model.keys[f"{arch}.block_count"][1]
    model.set_uint32(f"{arch}.block_count", layers + 1)
    model.set_uint32(f"{arch}.nextn_predict_layers", 1)
    last, new = f"blk.{layers - 1}.", f"blk.{layers}."

    def copy(old: str, name: str, shape=None) -> Tensor:
        tensor = model.tensor(old)
        return Tensor(new + name, shape or tensor.shape, tensor.type_id, tensor.offset)

    more = [copy(tensor.name, tensor.name.removeprefix(last)) for tensor in model.tensors
            if tensor.name.startswith(last)]
    wide = model.tensor("blk.0.attn_qkv.weight").shape
    more += [copy("blk.0.attn_qkv.weight", "nextn.eh_proj.weight", wide[::-1]),
             copy("output_norm.weight", "nextn.enorm.weight"),
             copy("output_norm.weight", "nextn.hnorm.weight")]
    model.write_part(output, model.tensors + more, model.keys)


def known_model(output: Path, name: str, *assignments: str):
    """The header alone of a published model (tests/data/recipes/models), without a vocabulary. Types as in
    `'*_exps*=q4_K'`, the last that fits; else bf16."""
    known = json.loads((ROOT / f"tests/data/recipes/models/{name}.json").read_text(encoding="utf-8"))
    arch = known["architecture"]
    model = object.__new__(Gguf)
    model.version, model.tensors, model.data = 3, [], bytearray()
    model.keys = {"general.architecture": (STRING, arch), "tokenizer.ggml.model": (STRING, "none"),
                  **{f"{arch}.{key}": typed(value) for key, value in known["header"].items()}}
    size = 0
    for tensor in known["tensors"]:
        for layer in layers_of(tensor.get("layers", "")):
            full = tensor["name"].replace("*", layer)
            kind = type_of(full, tensor, assignments)
            model.tensors.append(Tensor(full, tensor["shape"], TYPES[kind], size))
            rows = prod(tensor["shape"][1:])
            size += rows * ROW_BYTES[TYPES[kind]](tensor["shape"][0])
            size += -size % model.alignment()
    output.parent.mkdir(exist_ok=True)
    model.write(output)


def typed(value):
    if isinstance(value, list):
        return ARRAY, (4, value)
    return (6, value) if isinstance(value, float) else (4, value)


def layers_of(spans: str) -> list:
    """"0-2,5" -> 0, 1, 2, 5 as texts."""
    if not spans:
        return [""]
    ends = [(span.split("-") * 2)[:2] for span in spans.split(",")]
    return [str(layer) for first, last in ends for layer in range(int(first), int(last) + 1)]


def type_of(name: str, tensor: dict, assignments: tuple) -> str:
    if len(tensor["shape"]) == 1 or "type" in tensor:
        return "f32"
    kinds = [kind for pattern, kind in (a.split("=") for a in assignments)
             if fnmatch.fnmatch(name, pattern)]
    return kinds[-1] if kinds else "bf16"


def split(output: Path, source: str, count: str):
    """OUTPUT-00001-of-0000N.gguf …, each with a run of the tensors, as llama-gguf-split makes them."""
    model, n = Gguf(source), int(count)
    per_shard = -(-len(model.tensors) // n)
    for index in range(n):
        keys = dict(model.keys) if index == 0 else {}
        keys |= {"split.no": (2, index), "split.count": (2, n),
                 "split.tensors.count": (5, len(model.tensors))}
        tensors = model.tensors[index * per_shard:(index + 1) * per_shard]
        model.write_part(Path(f"{output}-{index + 1:05}-of-{n:05}.gguf"), tensors, keys)


def turn_a_bit(output: Path, source: str):
    """A copy in which one bit of the last quarter differs."""
    raw = bytearray(Path(source).read_bytes())
    raw[len(raw) * 7 // 8] ^= 4
    output.write_bytes(raw)


# --- texts and other bytes ------------------------------------------------------------------------


def text(output: Path, content: str, times: str = "1"):
    r"""CONTENT with \n and \xNN understood, TIMES over."""
    raw = content.encode("utf-8").decode("unicode_escape").encode("latin-1")
    output.write_bytes(raw * int(times))


def head(output: Path, source: str, size: str):
    """The first SIZE bytes of a text, cut after a word."""
    raw = Path(source).read_bytes()[:int(size)]
    output.write_bytes(raw[:raw.rfind(b" ")])


FUNCTIONS = {function.__name__.replace("_", "-"): function for function in
             (questions, truncate, architecture, key, nan, inf, huge, imatrix, imatrix_of,
              without_entry, vocabulary, same_token, token, shorter_array,
              smaller_vocabulary, resize, rename_tensor, types, key_text, template, key_flags, backwards,
              nextn, known_model, split, turn_a_bit, text, head)}


# --- what a test may require ----------------------------------------------------------------------


def requires_tmpfs(skip):
    """Mounts of one's own: `unshare --mount` as root."""
    probe = "mount -t tmpfs -o size=64k none /mnt"
    if subprocess.run(["unshare", "--mount", "sh", "-c", probe], capture_output=True).returncode:
        raise skip("mounting a small tmpfs is not allowed here")


def requires_not_root(skip):
    if os.geteuid() == 0:
        raise skip("root may read everything")


def requires_dev_full(skip):
    if not Path("/dev/full").exists():
        raise skip("no /dev/full here")


REQUIREMENTS = {"tmpfs": requires_tmpfs, "not-root": requires_not_root,
                "dev-full": requires_dev_full}
