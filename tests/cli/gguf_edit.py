"""A GGUF file taken apart and put together again, to make damaged and foreign ones for tests.

Only what tests need, with the standard library alone. Layout: magic, version, counts, key-values,
tensor infos, padding to the alignment, tensor data (llama.cpp, ggml/include/gguf.h).
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
           11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


@dataclass
class Tensor:
    name: str
    shape: list
    type_id: int
    offset: int  # from the beginning of the data


class Gguf:
    """`keys`: key -> (type, value); an array's value is (element type, list)."""

    def __init__(self, path: Path):
        self.raw = Path(path).read_bytes()
        self.read_header(path)
        self.data = bytearray(self.raw[self.padded(self.position):])

    def read_header(self, path: Path):
        """From `raw`, which may also be a map of the file."""
        self.position = 0
        magic, self.version, n_tensors, n_keys = struct.unpack("<4sIQQ", self.take(24))
        if magic != b"GGUF":
            raise ValueError(f"{path} is no GGUF file")
        self.keys = {}
        for _ in range(n_keys):
            key = self.read_string()
            kind = self.read_scalar(4)
            self.keys[key] = (kind, self.read_value(kind))
        self.tensors = [self.read_tensor() for _ in range(n_tensors)]
        self.header_bytes = self.position

    # --- edits ---

    def set_text(self, key: str, value: str):
        self.keys[key] = (STRING, value)

    def set_uint32(self, key: str, value: int):
        self.keys[key] = (4, value)

    def set_uint16(self, key: str, value: int):
        self.keys[key] = (2, value)

    def array(self, key: str) -> list:
        return self.keys[key][1][1]

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def poke(self, tensor: str, byte: int, value: bytes):
        """Overwrites bytes of a tensor's data, `byte` from its beginning."""
        begin = self.tensor(tensor).offset + byte
        self.data[begin:begin + len(value)] = value

    def tensor_bytes(self, tensor: Tensor) -> bytes:
        """Up to the next tensor: with its padding."""
        ends = [other.offset for other in self.tensors if other.offset > tensor.offset]
        return bytes(self.data[tensor.offset:min(ends, default=len(self.data))])

    def resize(self, name: str, shape: list):
        """Gives a tensor another shape: its bytes are cut, or repeated from the beginning."""
        parts = {tensor.name: self.tensor_bytes(tensor) for tensor in self.tensors}
        tensor = self.tensor(name)
        size = len(parts[name]) * prod(shape) // prod(tensor.shape)
        parts[name] = (parts[name] * (size // len(parts[name]) + 1))[:size]
        tensor.shape, self.data = shape, bytearray()
        for tensor in self.tensors:
            tensor.offset = len(self.data)
            self.data += parts[tensor.name]
            self.data += bytes(-len(self.data) % self.alignment())

    def retype(self, types: dict, row_bytes: dict):
        """Gives tensors other types: name -> id; all data becomes zeros. `row_bytes`: id -> how many
        bytes a row of n weights takes."""
        self.data = bytearray()
        for tensor in self.tensors:
            tensor.type_id = types.get(tensor.name, tensor.type_id)
            tensor.offset = len(self.data)
            self.data += bytes(row_bytes[tensor.type_id](tensor.shape[0]) * prod(tensor.shape[1:]))
            self.data += bytes(-len(self.data) % self.alignment())

    # --- writing ---

    def write(self, path: Path):
        Path(path).write_bytes(self.header() + self.data)

    def write_part(self, path: Path, tensors: list, keys: dict):
        """A file with some of the tensors, as a shard has them."""
        part = object.__new__(Gguf)
        part.version, part.keys, part.tensors, part.data = self.version, keys, [], bytearray()
        for tensor in tensors:
            part.tensors.append(Tensor(tensor.name, tensor.shape, tensor.type_id, len(part.data)))
            part.data += self.tensor_bytes(tensor)
            part.data += bytes(-len(part.data) % self.alignment())
        part.write(path)

    def header(self) -> bytes:
        out = bytearray(struct.pack("<4sIQQ", b"GGUF", self.version, len(self.tensors),
                                    len(self.keys)))
        for key, (kind, value) in self.keys.items():
            out += packed_string(key) + struct.pack("<I", kind) + packed_value(kind, value)
        for tensor in self.tensors:
            out += packed_string(tensor.name) + struct.pack("<I", len(tensor.shape))
            out += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape)
            out += struct.pack("<IQ", tensor.type_id, tensor.offset)
        return bytes(out) + bytes(self.padded(len(out)) - len(out))

    # --- reading ---

    def alignment(self) -> int:
        return self.keys.get("general.alignment", (4, 32))[1]

    def padded(self, size: int) -> int:
        return size + -size % self.alignment()

    def take(self, size: int) -> bytes:
        self.position += size
        return self.raw[self.position - size:self.position]

    def read_scalar(self, kind: int):
        layout = SCALARS[kind]
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def read_string(self) -> str:
        return self.take(self.read_scalar(10)).decode("utf-8", errors="surrogateescape")

    def read_value(self, kind: int):
        if kind == STRING:
            return self.read_string()
        if kind != ARRAY:
            return self.read_scalar(kind)
        element = self.read_scalar(4)
        return element, [self.read_value(element) for _ in range(self.read_scalar(10))]

    def read_tensor(self) -> Tensor:
        name = self.read_string()
        shape = [self.read_scalar(10) for _ in range(self.read_scalar(4))]
        return Tensor(name, shape, self.read_scalar(4), self.read_scalar(10))


def packed_string(text: str) -> bytes:
    raw = text.encode("utf-8", errors="surrogateescape")
    return struct.pack("<Q", len(raw)) + raw


def packed_value(kind: int, value) -> bytes:
    if kind == STRING:
        return packed_string(value)
    if kind != ARRAY:
        return struct.pack(SCALARS[kind], value)
    element, items = value
    head = struct.pack("<IQ", element, len(items))
    if element in SCALARS:
        return head + struct.pack(f"<{len(items)}{SCALARS[element][1:]}", *items)
    return head + b"".join(packed_value(element, item) for item in items)
